"""ONNX Runtime's steps of scripts/network.py's network, for scripts/bench-lstm.py.

usage: ort_lstm.py NETWORK.onnx EMPTY.onnx  ->  JSON: microseconds a step

The native library that onnxruntime-node carries, through its C interface: a call from JavaScript
takes longer than the step. What is left of a call, ctypes and the library's own, shows in the empty
network's time.
"""

import ctypes
import glob
import json
import os
import sys
import time

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "node_modules", "onnxruntime-node")
API_VERSION = 11
ROUNDS, ROUND_S = 25, 0.008
STATES = ("h0", "c0", "h1", "c1")
INPUTS, HIDDEN = 40, 128

# Places in struct OrtApi of onnxruntime_c_api.h; the library only ever adds behind them.
GET_ERROR_MESSAGE, CREATE_ENV, CREATE_SESSION, RUN, CREATE_SESSION_OPTIONS = 2, 3, 7, 9, 10
SET_EXECUTION_MODE, SET_OPTIMIZATION, SET_INTRA_THREADS, SET_INTER_THREADS = 13, 23, 24, 25
CREATE_TENSOR, CREATE_CPU_MEMORY_INFO = 49, 69
SEQUENTIAL, ALL_OPTIMIZATIONS, WARNING, FLOAT, ARENA, DEFAULT_MEMORY = 0, 99, 2, 1, 1, 0

POINTER = ctypes.c_void_p


class ApiBase(ctypes.Structure):
    _fields_ = [("get_api", ctypes.CFUNCTYPE(POINTER, ctypes.c_uint32)),
                ("get_version", ctypes.CFUNCTYPE(ctypes.c_char_p))]


class Library:
    def __init__(self):
        found = glob.glob(os.path.join(PACKAGE, "bin", "napi-v*", "linux", "x64",
                                       "libonnxruntime.so.1*"))
        if not found:
            sys.exit("%s: no library for this system in it" % PACKAGE)
        library = ctypes.CDLL(found[0])
        library.OrtGetApiBase.restype = ctypes.POINTER(ApiBase)
        base = library.OrtGetApiBase().contents
        self.version = base.get_version().decode()
        self.table = ctypes.cast(base.get_api(API_VERSION), ctypes.POINTER(POINTER))
        self.env, self.memory = POINTER(), POINTER()
        self.call(CREATE_ENV, ctypes.c_int(WARNING), b"bench", ctypes.byref(self.env))
        self.call(CREATE_CPU_MEMORY_INFO, ctypes.c_int(ARENA), ctypes.c_int(DEFAULT_MEMORY),
                  ctypes.byref(self.memory))

    def function(self, place, count):
        return ctypes.CFUNCTYPE(POINTER, *[POINTER] * count)(self.table[place])

    def call(self, place, *arguments):
        kinds = [type(a) if isinstance(a, (ctypes.c_int, ctypes.c_size_t)) else POINTER
                 for a in arguments]
        self.check(ctypes.CFUNCTYPE(POINTER, *kinds)(self.table[place])(*arguments))

    def check(self, status):
        if status:
            text = ctypes.CFUNCTYPE(ctypes.c_char_p, POINTER)(self.table[GET_ERROR_MESSAGE])
            sys.exit("ONNX Runtime: %s" % text(status).decode())

    def session(self, path):
        options, session = POINTER(), POINTER()
        self.call(CREATE_SESSION_OPTIONS, ctypes.byref(options))
        for place, value in ((SET_EXECUTION_MODE, SEQUENTIAL), (SET_INTRA_THREADS, 1),
                             (SET_INTER_THREADS, 1), (SET_OPTIMIZATION, ALL_OPTIMIZATIONS)):
            self.call(place, options, ctypes.c_int(value))
        self.call(CREATE_SESSION, self.env, path.encode(), options, ctypes.byref(session))
        return session

    def tensor(self, n, width):
        data = (ctypes.c_float * (n * width))()
        shape = (ctypes.c_int64 * 3)(1, n, width)
        value = POINTER()
        self.call(CREATE_TENSOR, self.memory, data, ctypes.c_size_t(ctypes.sizeof(data)), shape,
                  ctypes.c_size_t(3), ctypes.c_int(FLOAT), ctypes.byref(value))
        return data, value


class Steps:
    """A session for n hosts; the state that comes out goes in again. Nothing is allocated."""

    def __init__(self, library, session, n, outputs):
        self.library, self.session = library, session
        self.run = library.function(RUN, 8)
        x, x_value = library.tensor(n, INPUTS)
        for i in range(n * INPUTS):
            x[i] = (i * 7919) % 101 / 101 - 0.5
        self.logits, logits_value = library.tensor(n, outputs)
        states = [[library.tensor(n, HIDDEN) for _ in STATES] for _ in range(2)]
        self.keep = (x, states)
        names = ["x", *STATES], ["logits", *[s + "_next" for s in STATES]]
        self.names = [(ctypes.c_char_p * 5)(*[t.encode() for t in each]) for each in names]
        values = [[v.value for _, v in side] for side in states]
        self.way = [((POINTER * 5)(x_value.value, *values[i]),
                     (POINTER * 5)(logits_value.value, *values[1 - i])) for i in range(2)]

    def step(self, count):
        names_in, names_out = self.names
        for i in range(count):
            given, taken = self.way[i & 1]
            self.library.check(self.run(self.session, None, names_in, given, 5, names_out, 5,
                                        taken))


def microseconds(steps, n):
    steps.step(2)
    began = time.perf_counter()
    steps.step(2)
    count = max(2, int(ROUND_S / (time.perf_counter() - began)) * 2)
    least = 1e9
    for _ in range(ROUNDS):
        began = time.perf_counter()
        steps.step(count)
        least = min(least, time.perf_counter() - began)
    return least / count / n * 1e6


def main():
    library = Library()
    network, empty = library.session(sys.argv[1]), library.session(sys.argv[2])
    first = Steps(library, network, 1, 10)
    first.step(1)
    result = {"version": library.version, "step": {}, "call": {}, "logits": list(first.logits)}
    for n in (1, 64, 1024):
        result["step"][n] = microseconds(Steps(library, network, n, 10), n)
        result["call"][n] = microseconds(Steps(library, empty, n, INPUTS), n)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
