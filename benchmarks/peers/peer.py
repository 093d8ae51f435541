"""What the peers in Python share: networks, data, the clock and the line they print; peer.hpp is its twin.

usage of each of them: PEER.py WORKLOAD FOLDER, where FOLDER holds the models that maas_peer wrote.
"""
import dataclasses
import json
import math
import os
import statistics
import sys
import time

import numpy as np


@dataclasses.dataclass
class Net:
    name: str
    sizes: list  # inputs first
    hidden: str
    last: str
    loss: str
    rule: str
    batch: int
    rows: int  # of an epoch, whole batches

    @property
    def activations(self):
        return [self.hidden] * (len(self.sizes) - 2) + [self.last]

    @property
    def steps(self):
        return self.rows // self.batch


NETS = {
    net.name: net
    for net in [
        Net("seed", [100, 128, 64, 1], "relu", "sigmoid", "binary_crossentropy", "adam", 32, 312 * 32),
        Net("large", [784, 4096, 4096, 10], "relu", "softmax", "categorical_crossentropy", "adam", 128, 4 * 128),
        Net("traffic", [12, 400, 400, 400, 1], "sigmoid", "linear", "mean_squared_error", "rmsprop", 256, 30 * 256),
        Net("deep", [28] + [300] * 5 + [1], "tanh", "linear", "mean_squared_error", "adam", 100, 100 * 100),
    ]
}


class Workload:
    """step_NET or predict_NET_BATCH."""

    def __init__(self, name):
        self.name = name
        self.what, net, *batch = name.split("_")
        self.net = NETS[net]
        self.batch = int(batch[0]) if batch else self.net.batch


def data(net):
    """Samples, and a question that can be learned."""
    x = np.random.default_rng(7).uniform(-1, 1, (net.rows, net.sizes[0])).astype("float32")
    total = x.sum(axis=1)
    if net.loss == "binary_crossentropy":
        return x, (total > 0).astype("float32")[:, None]
    if net.loss == "mean_squared_error":
        return x, (total / net.sizes[0])[:, None]
    share = [0.5 + 0.5 * math.erf(t / math.sqrt(net.sizes[0] / 3) / math.sqrt(2)) for t in total]
    classes = np.minimum(net.sizes[-1] - 1, (np.array(share) * net.sizes[-1]).astype(int))
    return x, np.eye(net.sizes[-1], dtype="float32")[classes]


def glorot(net):
    """Kernels and biases to start from."""
    draw = np.random.default_rng(1)
    result = []
    for inputs, outputs in zip(net.sizes, net.sizes[1:]):
        limit = math.sqrt(6 / (inputs + outputs))
        result.append(draw.uniform(-limit, limit, (inputs, outputs)).astype("float32"))
        result.append(np.zeros(outputs, "float32"))
    return result


def read_weights(folder, net):
    """Kernels and biases of the model's file, in turns."""
    values = np.fromfile(f"{folder}/{net.name}.weights", "float32")
    result = []
    for inputs, outputs in zip(net.sizes, net.sizes[1:]):
        for shape in [(inputs, outputs), (outputs,)]:
            size = math.prod(shape)
            result.append(values[:size].reshape(shape))
            values = values[size:]
    return result


def read_samples(folder, net, batch):
    """Samples, and what the model's file gives for them."""
    x = np.fromfile(f"{folder}/{net.name}.x", "float32").reshape(-1, net.sizes[0])
    y = np.fromfile(f"{folder}/{net.name}.y", "float32").reshape(-1, net.sizes[-1])
    return x[:batch].copy(), y[:batch]


def require_same(expected, got):
    """Ends the program if predictions are not those of the model's file: its time could not be compared."""
    worst = float(np.abs(np.asarray(got).reshape(expected.shape) - expected).max())
    if not worst <= 1e-4:
        sys.exit(f"expected the predictions of the model's file, got others, by up to {worst:g}")


now = time.process_time  # processor time of all threads


def budget():
    return float(os.environ.get("PEER_SECONDS", 1))


def report(peer, way, workload, samples, version):
    line = {"peer": peer, "way": way, "workload": workload, "seconds": statistics.median(samples)}
    line |= {"least": min(samples), "samples": len(samples), "version": version}
    print(json.dumps(line), flush=True)


def enough(samples, start, least, most):
    return len(samples) >= least and (len(samples) >= most or now() - start > budget())


def measure_epochs(net, epoch):
    """Seconds a step: `epoch` trains once over all rows and waits for the end. The first is not counted; at most 20 are."""
    epoch()
    samples = []
    start = now()
    while not enough(samples, start, 3, 20):
        before = now()
        epoch()
        samples.append((now() - before) / net.steps)
    return samples


def measure_calls(call):
    """Seconds a call: samples of about 20 ms each."""
    call()
    count = 1
    while True:
        before = now()
        for _ in range(count):
            call()
        if now() - before >= 0.02:
            break
        count *= 2
    samples = []
    start = now()
    while not enough(samples, start, 5, 1000):
        before = now()
        for _ in range(count):
            call()
        samples.append((now() - before) / count)
    return samples
