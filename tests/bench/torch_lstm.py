"""PyTorch's steps and training of scripts/network.py's network, for scripts/bench-lstm.py.

usage: torch_lstm.py step | torch_lstm.py train THREADS  ->  JSON
"""

import json
import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scripts"))

import torch  # noqa: E402

import network  # noqa: E402

H = network.HIDDEN
ROUNDS, ROUND_S, EPOCHS = 20, 0.008, 6


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(network.INPUTS, H, network.LAYERS)
        self.out = torch.nn.Linear(H, network.CLASSES)
        layers, wo, bo = network.weights()
        to = self.state_dict()
        for l, (wx, wh, b) in enumerate(layers):
            to["lstm.weight_ih_l%d" % l].copy_(torch.tensor([list(r) for r in wx]).T)
            to["lstm.weight_hh_l%d" % l].copy_(torch.tensor([list(r) for r in wh]).T)
            to["lstm.bias_ih_l%d" % l].copy_(torch.tensor(list(b)))
            to["lstm.bias_hh_l%d" % l].zero_()
        to["out.weight"].copy_(torch.tensor([list(r) for r in wo]).T)
        to["out.bias"].copy_(torch.tensor(list(bo)))

    def forward(self, x, state=None):
        y, state = self.lstm(x, state)
        return self.out(y), state


def inputs(n):
    i = torch.arange(n * network.INPUTS)
    return ((i * 7919) % 101 / 101 - 0.5).reshape(1, n, network.INPUTS)


@torch.no_grad()
def step():
    torch.set_num_threads(1)
    net = Net().eval()
    result = {"version": torch.__version__, "step": {},
              "logits": net(inputs(1))[0].flatten().tolist()}
    for n in (1, 64, 1024):
        x, state, least, steps = inputs(n), None, 1e9, 1
        for r in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(steps):
                state = net(x, state)[1]
            took = time.perf_counter() - began
            if r > 2:
                least = min(least, took / steps / n)
            steps = max(1, int(ROUND_S / (took / steps)))
        result["step"][n] = least * 1e6
    return result


def train(threads):
    torch.set_num_threads(threads)
    rates = {}
    for length, batch, updates in ((1, 64, 32), (1, 1024, 8), (16, 64, 4), (16, 1024, 1)):
        net = Net()
        adam = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.01)
        x = torch.rand(length, batch, network.INPUTS) - 0.5
        y = torch.randint(0, network.CLASSES, (length * batch,))
        least = 1e9
        for _ in range(EPOCHS):
            began = time.perf_counter()
            for _ in range(updates):
                adam.zero_grad()
                z = net(x)[0].reshape(-1, network.CLASSES)
                torch.nn.functional.cross_entropy(z, y).backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                adam.step()
            least = min(least, (time.perf_counter() - began) / updates)
        rates["length_%d_batch_%d" % (length, batch)] = batch / least
    return {"version": torch.__version__, "rates": rates,
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


if __name__ == "__main__":
    print(json.dumps(step() if sys.argv[1] == "step" else train(int(sys.argv[2]))))
