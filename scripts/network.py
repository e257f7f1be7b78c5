"""One network, with the same weights, as a model of Karma's, as ONNX and for PyTorch: two layers of
128 cells, 40 numbers in, ten classes. It has learned nothing and costs what a trained one costs."""

import array
import json
import random
import struct
import zlib

INPUTS, HIDDEN, LAYERS, CLASSES = 40, 128, 2, 10
CLASS_NAMES = ["Normal", "Analysis", "Backdoor", "DoS", "Exploits", "Fuzzers", "Generic",
               "Reconnaissance", "Shellcode", "Worms"]


def weights():
    """[(wx, wh, b) of each layer], wo, bo: lists of rows, gates in the order i, f, g, o."""
    draw = random.Random(1)
    scale = HIDDEN ** -0.5

    def matrix(rows, columns):
        return [array.array("f", (draw.uniform(-scale, scale) for _ in range(columns)))
                for _ in range(rows)]

    layers = [(matrix(HIDDEN if l else INPUTS, 4 * HIDDEN), matrix(HIDDEN, 4 * HIDDEN),
               matrix(1, 4 * HIDDEN)[0]) for l in range(LAYERS)]
    return layers, matrix(HIDDEN, CLASSES), matrix(1, CLASSES)[0]


def write_karma(path):
    """The form is in src/lstm/model.h."""
    layers, wo, bo = weights()
    header = json.dumps({
        "shape": {"inputs": INPUTS, "dense": INPUTS, "layers": LAYERS, "hidden": HIDDEN,
                  "classes": CLASSES},
        "classes": CLASS_NAMES, "temperature": 1}).encode()
    body = b"KARMALSM" + struct.pack("<II", 1, len(header)) + header
    for wx, wh, b in layers:
        body += b"".join(row.tobytes() for row in wx + wh) + b.tobytes()
    body += b"".join(row.tobytes() for row in wo) + bo.tobytes()
    with open(path, "wb") as f:
        f.write(body + struct.pack("<I", zlib.crc32(body)))


# ---- ONNX: protocol buffers by hand, since Debian's ONNX for Python is not needed for more ----


def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def number(field, value):
    return varint(field << 3) + varint(value)


def block(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def tensor(name, shape, rows):
    data = b"".join(row.tobytes() for row in rows)
    return block(5, b"".join(number(1, d) for d in shape) + number(2, 1) + block(8, name)
                 + block(9, data))


def node(kind, inputs, outputs, attributes=b""):
    return block(1, b"".join(block(1, i) for i in inputs) + b"".join(block(2, o) for o in outputs)
                 + block(4, kind) + attributes)


def value(field, name, width):
    """float (1, n, width)"""
    shape = block(1, number(1, 1)) + block(1, block(2, "n")) + block(1, number(1, width))
    return block(field, block(1, name) + block(2, block(1, number(1, 1) + block(2, shape))))


def transposed(rows, gates=(0, 3, 1, 2)):
    """ONNX has a row for each gate of each cell, in the order i, o, f, g."""
    return [array.array("f", (row[g * HIDDEN + j] for row in rows))
            for g in gates for j in range(HIDDEN)]


def write_onnx(path, empty):
    """One step: x and each layer's h and c in, logits and the new h and c out. `empty`: they are
    handed through, which shows what a call costs."""
    layers, wo, bo = weights()
    states = ["h0", "c0", "h1", "c1"]
    graph = b""
    if empty:
        for name, out in [("x", "logits")] + [(s, s + "_next") for s in states]:
            graph += node("Identity", [name], [out])
    else:
        x = "x"
        for l, (wx, wh, b) in enumerate(layers):
            at = str(l)
            graph += node("LSTM", [x, "W" + at, "R" + at, "B" + at, "", "h" + at, "c" + at],
                          ["", "h%s_next" % at, "c%s_next" % at],
                          block(5, block(1, "hidden_size") + number(3, HIDDEN) + number(20, 2)))
            x = "h%s_next" % at
            width = INPUTS if l == 0 else HIDDEN
            bias = transposed([b]) + [array.array("f", [0] * (4 * HIDDEN))]
            graph += tensor("W" + at, (1, 4 * HIDDEN, width), transposed(wx))
            graph += tensor("R" + at, (1, 4 * HIDDEN, HIDDEN), transposed(wh))
            graph += tensor("B" + at, (1, 8 * HIDDEN), bias)
        graph += node("MatMul", [x, "wo"], ["z"]) + node("Add", ["z", "bo"], ["logits"])
        graph += tensor("wo", (HIDDEN, CLASSES), wo) + tensor("bo", (CLASSES,), [bo])
    graph += block(2, "lstm") + value(11, "x", INPUTS)
    graph += b"".join(value(11, s, HIDDEN) for s in states)
    graph += value(12, "logits", INPUTS if empty else CLASSES)
    graph += b"".join(value(12, s + "_next", HIDDEN) for s in states)
    with open(path, "wb") as f:
        f.write(number(1, 8) + block(7, graph) + block(8, number(2, 14)))
