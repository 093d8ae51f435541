"""PyTorch: eager with its fused optimizer, and compiled. The losses are those with logits."""
import sys

import torch

import peer

torch.set_num_threads(1)
torch.set_flush_denormal(True)

ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
LOSSES = {
    "binary_crossentropy": torch.nn.functional.binary_cross_entropy_with_logits,
    "categorical_crossentropy": torch.nn.functional.cross_entropy,
    "mean_squared_error": torch.nn.functional.mse_loss,
}


def network_of(net):
    layers = []
    for i, (inputs, outputs) in enumerate(zip(net.sizes, net.sizes[1:])):
        layers.append(torch.nn.Linear(inputs, outputs))
        if i + 2 < len(net.sizes):
            layers.append(ACTIVATIONS[net.hidden]())
    return torch.nn.Sequential(*layers)


def optimizer_of(net, network):
    if net.rule == "adam":
        return torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7, fused=True)
    return torch.optim.RMSprop(network.parameters(), 1e-3, alpha=0.9, eps=1e-7)


def train(work, compiled):
    net = work.net
    x, y = map(torch.from_numpy, peer.data(net))
    if net.loss == "categorical_crossentropy":
        y = y.argmax(1)
    network = network_of(net)
    optimizer = optimizer_of(net, network)
    loss = LOSSES[net.loss]

    def forward(x, y):
        return loss(network(x), y)

    if compiled:
        forward = torch.compile(forward, fullgraph=True)

    def epoch():
        order = torch.randperm(net.rows)
        xs, ys = x[order].split(net.batch), y[order].split(net.batch)
        for x_batch, y_batch in zip(xs, ys):
            optimizer.zero_grad()
            forward(x_batch, y_batch).backward()
            optimizer.step()

    way = "compiled, fullgraph" if compiled else "eager, fused Adam" if net.rule == "adam" else "eager"
    peer.report("PyTorch", way, work.name, peer.measure_epochs(net, epoch), torch.__version__)


def predict(work, folder):
    net = work.net
    network = network_of(net)
    with torch.no_grad():
        for parameter, values in zip(network.parameters(), peer.read_weights(folder, net)):
            parameter.copy_(torch.from_numpy(values).T)
    network.append(torch.nn.Sigmoid() if net.last == "sigmoid" else torch.nn.Softmax(1)).eval()
    samples, expected = peer.read_samples(folder, net, work.batch)
    x = torch.from_numpy(samples)
    with torch.inference_mode():
        frozen = torch.jit.freeze(torch.jit.trace(network, x))
        ways = {"inference_mode": network, "jit.freeze": frozen, "compiled": torch.compile(network, fullgraph=True)}
        for way, function in ways.items():
            peer.require_same(expected, function(x).numpy())
            peer.report("PyTorch", way, work.name, peer.measure_calls(lambda: function(x)), torch.__version__)


work = peer.Workload(sys.argv[1])
if work.what == "step":
    train(work, compiled=False)
    train(work, compiled=True)
else:
    predict(work, sys.argv[2])
