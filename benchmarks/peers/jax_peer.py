"""JAX by hand: everything compiled, training as a scan over a whole epoch, weights and moments donated."""
import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"

import functools

import jax
import jax.numpy as jnp

import peer

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "softmax": jax.nn.softmax}


def logits(net, weights, x):
    for i in range(0, len(weights), 2):
        x = x @ weights[i] + weights[i + 1]
        if i + 2 < len(weights):
            x = ACTIVATIONS[net.hidden](x)
    return x


def loss_of(net, weights, x, y):
    z = logits(net, weights, x)
    if net.loss == "binary_crossentropy":
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
    if net.loss == "categorical_crossentropy":
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1))
    return jnp.mean(jnp.square(z - y))


def adam(state, slopes):
    weights, m, v, step = state
    step = step + 1
    alpha = 1e-3 * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    m = jax.tree.map(lambda m, g: m + (g - m) * 0.1, m, slopes)
    v = jax.tree.map(lambda v, g: v + (g * g - v) * 0.001, v, slopes)
    weights = jax.tree.map(lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + 1e-7), weights, m, v)
    return weights, m, v, step


def rmsprop(state, slopes):
    weights, m, v, step = state
    v = jax.tree.map(lambda v, g: 0.9 * v + 0.1 * g * g, v, slopes)
    weights = jax.tree.map(lambda w, v, g: w - 1e-3 * g / jnp.sqrt(v + 1e-7), weights, v, slopes)
    return weights, m, v, step


def train(work):
    net = work.net
    x, y = map(jnp.asarray, peer.data(net))
    update = adam if net.rule == "adam" else rmsprop

    def step(state, batch):
        loss, slopes = jax.value_and_grad(lambda w: loss_of(net, w, *batch))(state[0])
        return update(state, slopes), loss

    def batches(x, y, key):
        order = jax.random.permutation(key, net.rows)
        return [a[order].reshape(net.steps, net.batch, -1) for a in (x, y)]

    @functools.partial(jax.jit, donate_argnums=0)
    def scanned_epoch(state, x, y, key):
        state, losses = jax.lax.scan(step, state, tuple(batches(x, y, key)))
        return state, losses.mean()

    one_step = jax.jit(step, donate_argnums=0)
    shuffled = jax.jit(batches)

    def fresh():
        weights = [jnp.asarray(w) for w in peer.glorot(net)]
        # Adam's moments; RMSprop has one alone, and carries nothing for the other.
        m = [jnp.zeros_like(w) for w in weights] if net.rule == "adam" else ()
        return weights, m, [jnp.zeros_like(w) for w in weights], jnp.float32(0)

    keys = iter(jax.random.split(jax.random.key(0), 1000))
    state = fresh()

    def scan():
        nonlocal state
        state, loss = scanned_epoch(state, x, y, next(keys))
        loss.block_until_ready()

    def stepwise():
        nonlocal state
        xs, ys = shuffled(x, y, next(keys))
        for i in range(net.steps):
            state, loss = one_step(state, (xs[i], ys[i]))
        loss.block_until_ready()

    peer.report("JAX", "jit, an epoch scanned", work.name, peer.measure_epochs(net, scan), jax.__version__)
    state = fresh()
    peer.report("JAX", "jit, step by step", work.name, peer.measure_epochs(net, stepwise), jax.__version__)


def predict(work, folder):
    net = work.net
    weights = [jnp.asarray(w) for w in peer.read_weights(folder, net)]
    samples, expected = peer.read_samples(folder, net, work.batch)
    forward = jax.jit(lambda x: ACTIVATIONS[net.last](logits(net, weights, x)))
    x = jnp.asarray(samples)
    peer.require_same(expected, forward(x))
    peer.report("JAX", "jit, arrays of its own", work.name,
                peer.measure_calls(lambda: forward(x).block_until_ready()), jax.__version__)


work = peer.Workload(sys.argv[1])
train(work) if work.what == "step" else predict(work, sys.argv[2])
