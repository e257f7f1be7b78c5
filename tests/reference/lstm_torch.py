#!/usr/bin/python3
"""What PyTorch makes of a small network: outputs, gradients, ten training steps.

lstm_torch.py --write   write lstm_torch.bin, which tests/unit/test_lstm_torch.c reads
lstm_torch.py           compute it again and compare it with the stored one

The file is little-endian: 8 bytes "KARMAREF", seven int32 (inputs, layers, hidden, classes, steps,
lanes, updates), then float32 arrays in the order of dump(). Weights have the layout of struct lstm
(src/lstm/model.h): input-major, and one bias where PyTorch has two (its second one is kept at zero).
Needs Debian's python3-torch; without it the comparison is skipped.
"""
import os
import struct
import sys

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lstm_torch.bin")
INPUTS, LAYERS, HIDDEN, CLASSES, STEPS, LANES, UPDATES = 5, 2, 6, 4, 7, 3, 10
RATE, DECAY, CLIP = 0.01, 0.1, 1.0


def closing(passed, failed, skipped):
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


try:
    import torch
except ImportError:
    print("skipped: the comparison with PyTorch needs the package python3-torch")
    closing(0, 0, 1)


def network():
    lstm = torch.nn.LSTM(INPUTS, HIDDEN, LAYERS)
    out = torch.nn.Linear(HIDDEN, CLASSES)
    with torch.no_grad():
        for p in list(lstm.parameters()) + list(out.parameters()):
            p.uniform_(-0.6, 0.6)
        for layer in range(LAYERS):
            getattr(lstm, f"bias_hh_l{layer}").zero_().requires_grad_(False)
    return lstm, out


def tensors(lstm, out):
    """The trained tensors in the order of struct lstm, and whether each is stored transposed."""
    for layer in range(LAYERS):
        yield getattr(lstm, f"weight_ih_l{layer}"), True
        yield getattr(lstm, f"weight_hh_l{layer}"), True
        yield getattr(lstm, f"bias_ih_l{layer}"), False
    yield out.weight, True
    yield out.bias, False


def block(lstm, out, of=lambda t: t.detach()):
    return torch.cat([(of(t).t() if turned else of(t)).reshape(-1)
                      for t, turned in tensors(lstm, out)])


def loss_of(logits, labels, gamma, alpha):
    """Mean of -alpha[y] (1 - p[y])^gamma log p[y]."""
    log_p = torch.log_softmax(logits, -1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    return (-alpha[labels] * (1 - log_p.exp()) ** gamma * log_p).mean()


def dump():
    torch.manual_seed(3)
    lstm, out = network()
    x = torch.randn(STEPS, LANES, INPUTS)
    h, c = 0.5 * torch.randn(LAYERS, LANES, HIDDEN), 0.5 * torch.randn(LAYERS, LANES, HIDDEN)
    labels = torch.randint(0, CLASSES, (STEPS, LANES))
    alpha = torch.rand(CLASSES) + 0.5
    arrays = [block(lstm, out), x, torch.stack([h, c]).permute(2, 1, 0, 3), labels.float(), alpha]

    def forward():
        y, (h1, c1) = lstm(x, (h, c))
        return out(y), torch.stack([h1, c1]).permute(2, 1, 0, 3)

    for gamma in (0.0, 2.0):
        logits, after = forward()
        loss = loss_of(logits, labels, gamma, alpha)
        lstm.zero_grad()
        out.zero_grad()
        loss.backward()
        arrays += [logits, after, loss.reshape(1), block(lstm, out, lambda t: t.grad)]

    trained = [t for t, _ in tensors(lstm, out)]
    adam = torch.optim.AdamW([
        {"params": [t for t in trained if t.dim() > 1], "weight_decay": DECAY},
        {"params": [t for t in trained if t.dim() == 1], "weight_decay": 0.0}], lr=RATE)
    losses = []
    for _ in range(UPDATES):
        adam.zero_grad()
        loss = loss_of(forward()[0], labels, 2.0, alpha)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, CLIP)
        adam.step()
        losses.append(loss.detach())
    arrays += [torch.stack(losses), block(lstm, out)]
    return torch.cat([a.detach().contiguous().reshape(-1) for a in arrays]).float().tolist()


def main():
    values = dump()
    head = b"KARMAREF" + struct.pack(
        "<7i", INPUTS, LAYERS, HIDDEN, CLASSES, STEPS, LANES, UPDATES)
    if sys.argv[1:] == ["--write"]:
        with open(PATH, "wb") as f:
            f.write(head + struct.pack(f"<{len(values)}f", *values))
        return
    with open(PATH, "rb") as f:
        stored = f.read()
    same = stored[:len(head)] == head and len(stored) == len(head) + 4 * len(values)
    worst = max(abs(a - b) for a, b in zip(
        struct.unpack(f"<{len(values)}f", stored[len(head):]), values)) if same else float("inf")
    print(f"largest difference from the stored values: {worst:.2g}")
    closing(*((1, 0, 0) if worst < 1e-5 else (0, 1, 0)))


main()
