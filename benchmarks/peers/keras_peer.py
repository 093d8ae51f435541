"""Keras, on the back end that KERAS_BACKEND names: as a user writes it, and with its settings for speed.

usage: keras_peer.py step_NET|predict_NET_BATCH|load_warm|load_once|program FOLDER
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
backend = os.environ["KERAS_BACKEND"]

if backend == "tensorflow":
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    library_version = tensorflow.__version__
elif backend == "torch":
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    library_version = torch.__version__
else:
    import jax

    library_version = jax.__version__

import keras
import numpy as np

import peer

PEER = {"tensorflow": "Keras/TensorFlow", "jax": "Keras/JAX", "torch": "Keras/PyTorch"}[backend]
VERSION = f"{keras.__version__}/{library_version}"


def model_of(net):
    layers = [keras.layers.Dense(n, activation=a) for n, a in zip(net.sizes[1:], net.activations)]
    return keras.Sequential([keras.Input((net.sizes[0],))] + layers)


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.times = []
        self.start = None

    def on_epoch_end(self, epoch, logs=None):
        self.times.append(peer.now())
        if peer.enough(self.times[1:], self.times[0], 3, 20):
            self.model.stop_training = True


def train(work, way, **settings):
    net = work.net
    x, y = peer.data(net)
    model = model_of(net)
    rule = keras.optimizers.Adam() if net.rule == "adam" else keras.optimizers.RMSprop()
    model.compile(rule, net.loss, **settings)
    clock = Clock()
    model.fit(x, y, batch_size=net.batch, epochs=21, verbose=0, callbacks=[clock])
    samples = [(b - a) / net.steps for a, b in zip(clock.times, clock.times[1:])]
    peer.report(PEER, way, work.name, samples, VERSION)


def predict(work, folder):
    model = keras.models.load_model(f"{folder}/{work.net.name}.h5")
    x, expected = peer.read_samples(folder, work.net, work.batch)
    if backend == "tensorflow":
        function = tensorflow.function(lambda x: model(x, training=False))
        tensor = tensorflow.constant(x)
        peer.require_same(expected, function(tensor))
        peer.report(PEER, "tf.function", work.name, peer.measure_calls(lambda: function(tensor).numpy()), VERSION)
    peer.require_same(expected, model.predict(x, batch_size=work.batch, verbose=0))
    peer.report(PEER, "predict()", work.name,
                peer.measure_calls(lambda: model.predict(x, batch_size=work.batch, verbose=0)), VERSION)


def first_prediction(folder):
    return keras.models.load_model(f"{folder}/seed.h5").predict(np.full((1, 100), 0.5, "float32"), verbose=0)


def program(folder):
    """The first program of Keras, whole."""
    x = np.random.default_rng(7).uniform(-1, 1, (10_000, 100)).astype("float32")
    y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
    model = model_of(peer.NETS["seed"])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=10, batch_size=32, verbose=0)
    model.save(f"{folder}/program-{backend}.h5")
    keras.models.load_model(f"{folder}/program-{backend}.h5").predict(x[:1000], verbose=0)


what, folder = sys.argv[1:3]
if what == "program":
    program(folder)
elif what == "load_once":
    first_prediction(folder)
elif what == "load_warm":
    peer.report(PEER, "load_model and predict()", what, peer.measure_calls(lambda: first_prediction(folder)), VERSION)
elif what.startswith("step"):
    work = peer.Workload(what)
    train(work, "as written")
    if backend == "torch":  # has no more than one step an execution
        train(work, "jit_compile", jit_compile=True)
    else:
        train(work, "jit_compile, 32 steps an execution", jit_compile=True,
              steps_per_execution=min(32, work.net.steps))
else:
    predict(peer.Workload(what), folder)
