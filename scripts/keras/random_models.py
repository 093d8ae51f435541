"""Models that chance puts together, in real Keras and in maas.

usage: random_models.py make FOLDER [--seeds FIRST LAST] [--dtype float32]
       random_models.py check FOLDER

`make` draws one model a seed: layers with unusual but legal arguments in chains and graphs, with an optimizer, a loss and
metrics. It trains most of them for a few steps and saves them as SEED.keras or SEED.h5, and writes SEED.json: inputs and
targets, the predictions, and what Keras gets when training goes on (the history, an evaluation, the predictions then and
after one more fit). `run_random_models FOLDER` (tests/interop) repeats all that in maas, and saves each trained model as
SEED.again.keras or .h5; `check` loads those in Keras, which must predict the same and, where a .keras holds the state of
an optimizer, go on to the same. `make` runs in Keras 2 as well, where training is not compared. A seed gives the same model
each time. Ends with status 1 if anything is otherwise, or if Keras itself refuses more than half of the draws.
"""
import argparse
import json
import logging
import os
import pathlib
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
warnings.filterwarnings("ignore")

import keras
import numpy as np

for name in ("absl", "tensorflow"):
    logging.getLogger(name).setLevel(logging.ERROR)
L, M, O, losses = keras.layers, keras.metrics, keras.optimizers, keras.losses
KERAS_3 = keras.__version__.startswith("3.")
SAMPLES = 14
ODD_NAMES = ["größe in m", "a.b", "0", "Vars", "layers", "x-1", "input_layer_9", "_metadata", "dense_77", "kernel", "a b c"]
ACTIVATIONS = ["linear", "relu", "selu", "sigmoid", "hard_sigmoid", "tanh", "softplus", "softsign", "elu", "softmax", "gelu", "silu",
               "exponential", "relu6", "leaky_relu"]
NEWER_ACTIVATIONS = ["mish", "hard_silu", "celu", "log_softmax", "hard_tanh", "log_sigmoid", "squareplus", "sparse_plus",
                     "sparse_sigmoid", "hard_shrink", "soft_shrink", "tanh_shrink"]


class Chance:
    """What is drawn of one seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def happens(self, share):
        return self.rng.uniform() < share

    def integer(self, low, high):
        """Up to and with `high`."""
        return int(self.rng.integers(low, high + 1))

    def one_of(self, *values):
        return values[self.integer(0, len(values) - 1)]

    def some_of(self, values, most):
        count = min(len(values), self.integer(0, most))
        return [values[i] for i in self.rng.permutation(len(values))[:count]]

    def number(self, low, high):
        """Multiples of 1/64 are the same number in float32: Keras rounds some constants to that, whatever its dtype."""
        return self.integer(round(low * 64), round(high * 64)) / 64

    def normal(self, *shape):
        return np.round(self.rng.normal(0, 1, shape), 2)


def single():
    """Some of Keras runs in float32 only."""
    return (keras.config if KERAS_3 else keras.backend).floatx() == "float32"


# ---- Parts of layers ----


def activation(c):
    if c.happens(0.1):
        return None
    return c.one_of(*ACTIVATIONS, *(NEWER_ACTIVATIONS if KERAS_3 else []))


def initializer(c, square=True):
    i, seed = keras.initializers, c.integer(0, 99)
    return c.one_of(i.RandomNormal(0.1, 0.5, seed=seed), i.TruncatedNormal(0, 0.5, seed=seed), i.RandomUniform(-0.7, 0.6, seed=seed),
                    i.GlorotUniform(seed=seed), i.HeNormal(seed=seed), i.LecunUniform(seed=seed), i.Orthogonal(1.25, seed=seed) if square else i.Ones(),
                    i.VarianceScaling(0.5, "fan_avg", "untruncated_normal", seed=seed), i.Constant(0.25), "glorot_normal", "ones", "he_uniform")


def vector_initializer(c):
    i = keras.initializers
    return c.one_of("zeros", "ones", i.Constant(-0.25), i.RandomUniform(-0.5, 0.5, seed=c.integer(0, 99)))


def regularizer(c, matrix=False):
    r = keras.regularizers
    if c.happens(0.6):
        return None
    return c.one_of(r.L1(0.01), r.L2(0.02), r.L1L2(0.01, 0.03), "l2", "l1", r.OrthogonalRegularizer(0.02, c.one_of("rows", "columns")) if matrix and single() else "L2")


def constraint(c, axis=0):
    k = keras.constraints
    if c.happens(0.7):
        return None
    return c.one_of(k.MaxNorm(1.5, axis=axis), k.NonNeg(), k.UnitNorm(axis=axis), k.MinMaxNorm(0.25, 1.25, 0.75, axis=axis), "non_neg", k.MaxNorm())


def common(c, names):
    """Arguments of any layer."""
    given = {}
    if KERAS_3 and c.happens(0.15):
        name = c.one_of(*ODD_NAMES)
        if name not in names:
            names.add(name)
            given["name"] = name
    if c.happens(0.08):
        given["trainable"] = False
    return given


def kernel_arguments(c, weight="kernel", matrix=True):
    given = {}
    if c.happens(0.6):
        given[f"{weight}_initializer"] = initializer(c)
    given[f"{weight}_regularizer"] = regularizer(c, matrix)
    given[f"{weight}_constraint"] = constraint(c)
    return given


def bias_arguments(c):
    if c.happens(0.2):
        return {"use_bias": False}
    return {"bias_initializer": vector_initializer(c), "bias_regularizer": regularizer(c), "bias_constraint": constraint(c)}


def scale_arguments(c):
    return {"center": c.happens(0.8), "scale": c.happens(0.8), "beta_initializer": vector_initializer(c), "gamma_initializer": vector_initializer(c),
            "beta_regularizer": regularizer(c), "gamma_regularizer": regularizer(c),
            "beta_constraint": constraint(c), "gamma_constraint": constraint(c)}


def axis_of(c, shape):
    """Counted from the front or the back."""
    axis = c.integer(1, len(shape))
    return axis if c.happens(0.5) else axis - len(shape) - 1


def axes_of(c, shape):
    """One, or several in any order."""
    if c.happens(0.6):
        return axis_of(c, shape)
    axes = c.some_of(list(range(1, len(shape) + 1)), len(shape)) or [len(shape)]
    return axes if c.happens(0.5) else [axis - len(shape) - 1 for axis in axes]


# ---- Layers: each takes the chance, the shape of a sample and common arguments; None where it does not fit ----

LAYERS = []


def layer(make=None, *, share=1, keras_2=True):
    def add(make):
        if KERAS_3 or keras_2:
            LAYERS.extend([make] * share)
        return make
    return add(make) if make else add


@layer(share=5)
def dense(c, shape, given):
    return L.Dense(c.integer(1, 6), activation=activation(c), activity_regularizer=regularizer(c), **kernel_arguments(c), **bias_arguments(c), **given)


@layer
def einsum_dense(c, shape, given):
    if KERAS_3 is False or len(shape) > 3:
        return None
    letters, out = "bcd"[:len(shape)], c.integer(1, 4)
    kind = c.integer(0, 2)
    if kind == 0:
        equation, output = f"a{letters},{letters[-1]}z->a{letters[:-1]}z", [*shape[:-1], out]
    elif kind == 1:
        equation, output = f"a{letters},{letters}z->az", [out]
    else:
        equation, output = f"...{letters[-1]},{letters[-1]}z->...z", [*shape[:-1], out]
    bias = c.one_of(None, "z")
    return L.EinsumDense(equation, output_shape=output, activation=activation(c), bias_axes=bias,
                         bias_initializer=vector_initializer(c), bias_regularizer=regularizer(c), **kernel_arguments(c, matrix=False), **given)


@layer
def activation_layer(c, shape, given):
    return L.Activation(activation(c) or "linear", **given)


@layer
def rectifier(c, shape, given):
    slope = {"negative_slope" if KERAS_3 else "alpha": c.number(0, 0.5)}
    shared = c.some_of(list(range(1, len(shape) + 1)), len(shape)) or None
    return c.one_of(
        lambda: L.ReLU(max_value=c.one_of(None, 1.5), negative_slope=c.number(0, 0.5), threshold=c.number(0, 0.5), **given),
        lambda: L.LeakyReLU(**slope, **given), lambda: L.ELU(c.number(0.25, 2), **given),
        lambda: L.PReLU(alpha_initializer=vector_initializer(c), alpha_regularizer=regularizer(c), alpha_constraint=constraint(c), shared_axes=shared, **given),
        lambda: L.Softmax(axis=axes_of(c, shape), **given))()


@layer
def noise(c, shape, given):
    return c.one_of(lambda: L.Dropout(c.number(0, 0.5), **given), lambda: L.GaussianNoise(c.number(0.1, 0.5), **given),
                    lambda: L.GaussianDropout(c.number(0.1, 0.5), **given), lambda: L.AlphaDropout(c.number(0.1, 0.5), **given))()


@layer(share=2)
def batch_normalization(c, shape, given):
    return L.BatchNormalization(axis=axis_of(c, shape), momentum=c.number(0.5, 0.99), epsilon=c.one_of(1e-3, 1e-2), moving_mean_initializer=vector_initializer(c),
                                moving_variance_initializer=c.one_of("ones", keras.initializers.Constant(0.75)), **scale_arguments(c), **given)


@layer(share=2)
def normalizing(c, shape, given):
    divisors = [n for n in range(1, shape[-1] + 1) if shape[-1] % n == 0]
    kinds = [lambda: L.LayerNormalization(axis=axes_of(c, shape), epsilon=c.one_of(1e-3, 1e-2), **scale_arguments(c), **given),
             lambda: L.UnitNormalization(axis=axes_of(c, shape), **given)]
    if KERAS_3:
        kinds += [lambda: L.RMSNormalization(axis=c.one_of(-1, len(shape), [-1, -2] if len(shape) > 1 else -1), epsilon=c.one_of(1e-6, 1e-2), **given)]
    if len(shape) > 1 or KERAS_3:
        kinds += [lambda: L.GroupNormalization(groups=c.one_of(-1, *divisors), axis=c.one_of(-1, len(shape)), epsilon=c.one_of(1e-3, 1e-2),
                                               **scale_arguments(c), **given)]
    return c.one_of(*kinds)()


@layer
def normalization(c, shape, given):
    axis = c.one_of(None, -1, -1)
    size = 1 if axis is None else shape[-1]
    mean, variance = (np.array([c.number(low, 2) for _ in range(size)]) for low in (-2, 0.25))
    if axis is None:
        mean, variance = float(mean[0]), float(variance[0])
    given.pop("trainable", None)
    more = {"invert": True} if c.happens(0.3) else {}
    return L.Normalization(axis=axis, mean=mean, variance=variance, **more, **given)


@layer
def simple(c, shape, given):
    return c.one_of(lambda: L.Rescaling(c.number(-2, 2), c.number(-1, 1), **given), lambda: L.Identity(**given) if KERAS_3 else None,
                    lambda: L.ActivityRegularization(c.number(0, 0.1), c.number(0, 0.1), **given), lambda: L.Masking(c.one_of(0.0, 0.5), **given) if len(shape) > 1 else None)()


@layer(share=2)
def shaping(c, shape, given):
    size = int(np.prod(shape))
    divisors = [n for n in range(1, size + 1) if size % n == 0]
    first = c.one_of(*divisors)
    kinds = [lambda: L.Reshape((first, -1), **given), lambda: L.Reshape((first, size // first), **given), lambda: L.Reshape((-1,), **given),
             lambda: L.Flatten(data_format=c.one_of(None, "channels_first", "channels_last"), **given),
             lambda: L.Permute([int(i) + 1 for i in c.rng.permutation(len(shape))], **given)]
    if len(shape) == 1:
        kinds = [kinds[0], lambda: L.RepeatVector(c.integer(1, 3), **given), lambda: L.Reshape((1, first, -1), **given)]
    return c.one_of(*kinds)()


# ---- Merging ----


def merge(c, tensors, names):
    """Of two or three tensors that fit; None where there are none."""
    first = c.one_of(*tensors)
    alike = [t for t in tensors if t.shape == first.shape]
    given = common(c, names)
    given.pop("trainable", None)
    kind = c.integer(0, 8)
    chosen = [first, *(c.one_of(*alike) for _ in range(c.integer(1, 2)))]
    if kind <= 4:
        return c.one_of(L.Add, L.Average, L.Multiply, L.Maximum, L.Minimum)(**given)(chosen)
    if kind == 5:
        return L.Subtract(**given)([first, chosen[1]])
    rank = len(first.shape)
    if kind == 6:
        other = c.one_of(*alike)
        if rank > 3 or rank < 2:
            return None
        axis = c.integer(1, rank - 1)
        return L.Dot(axes=c.one_of(axis, [axis, axis]), normalize=c.happens(0.4), **given)([first, other])
    axis = c.integer(1, rank - 1)
    fit = [t for t in tensors if len(t.shape) == rank and all(i == axis or t.shape[i] == first.shape[i] for i in range(rank))]
    return L.Concatenate(axis=c.one_of(axis, axis - rank), **given)([first, *(c.one_of(*fit) for _ in range(c.integer(1, 2)))])


# ---- Whole networks ----


class Network:
    """A model before it is compiled, with arrays for its inputs."""

    def __init__(self, c):
        self.c, self.names, self.tensors, self.given, self.x = c, set(), [], [], []
        for i in range(c.one_of(1, 1, 1, 2, 3)):
            self.add_input()
        for _ in range(c.integer(1, 7)):
            self.grow()

    def add_input(self):
        c = self.c
        kind = c.one_of("numbers", "numbers", "numbers", "ids", "bins")
        if kind == "numbers":
            shape = c.one_of((c.integer(1, 6),), (c.integer(1, 6),), (c.integer(1, 4), c.integer(1, 4)), (c.integer(1, 3), c.integer(1, 3), c.integer(1, 3)))
            x = c.normal(SAMPLES, *shape)
            if len(shape) > 1:
                for row, length in zip(x, c.rng.integers(1, shape[0] + 1, SAMPLES)):
                    row[length:] = 0
            given = self.input(shape)
            tensor = given
        elif kind == "ids":
            shape, count = (c.integer(2, 4),), c.integer(3, 6)
            x = c.rng.integers(0, count, (SAMPLES, *shape)).astype(float)
            given = self.input(shape)
            weights = kernel_arguments(c, "embeddings")
            tensor = c.one_of(lambda: L.Embedding(count, c.integer(1, 4), mask_zero=c.happens(0.4), trainable=c.happens(0.5), **weights),
                              lambda: L.CategoryEncoding(count, output_mode=c.one_of("multi_hot", "count")))()(given)
        else:
            shape = (c.integer(1, 4),)
            x = c.normal(SAMPLES, *shape)
            given = self.input(shape)
            mode = c.one_of("int", "multi_hot", "count", "one_hot")
            if mode == "one_hot" and (shape[0] != 1 or not KERAS_3):
                mode = "multi_hot"
            tensor = L.Discretization(bin_boundaries=[-0.5, 0.25, 1.0], output_mode=mode)(given)
            if mode == "int":
                tensor = L.Embedding(4, c.integer(1, 3), trainable=c.happens(0.5))(tensor)
        self.given.append(given)
        self.x.append(x)
        self.tensors.append(tensor)

    def input(self, shape):
        c = self.c
        name = c.one_of(*ODD_NAMES) if KERAS_3 and c.happens(0.2) else None
        if name in self.names:
            name = None
        if name:
            self.names.add(name)
        return keras.Input(shape, name=name)

    def drawn_layer(self, shape):
        while True:
            made = self.c.one_of(*LAYERS)(self.c, shape, common(self.c, self.names))
            if made is not None:
                return made

    def grow(self):
        c = self.c
        if len(self.tensors) > 1 and c.happens(0.4):
            tensor = merge(c, self.tensors, self.names)
            if tensor is None:
                return
        else:
            source = self.tensors[-1] if c.happens(0.7) else c.one_of(*self.tensors)
            shape = tuple(source.shape[1:])
            if c.happens(0.08):
                made = self.nested(shape)
            else:
                made = self.drawn_layer(shape)
            tensor = made(source)
            if c.happens(0.1) and tensor.shape == source.shape:
                tensor = made(tensor)  # shared
        if np.prod(tensor.shape[1:]) <= 80:
            self.tensors.append(tensor)

    def nested(self, shape):
        inner = keras.Sequential([keras.Input(shape), self.drawn_layer(shape)])
        inner.add(self.drawn_layer(tuple(inner.output_shape[1:])))
        return inner

    def finish(self):
        """The model, and a task for each output."""
        c = self.c
        tasks = [Task(c) for _ in range(c.one_of(1, 1, 1, 2))]
        ends = [self.tensors[-1], *(c.one_of(*self.tensors) for _ in tasks[1:])]
        outputs = [task.head(self.names)(end) for task, end in zip(tasks, ends)]
        model = keras.Model(self.given if len(self.given) > 1 else self.given[0], outputs if len(outputs) > 1 else outputs[0])
        kinds = model.to_json()
        for task, output in zip(tasks, outputs):
            task.masked = "Masking" in kinds or any(getattr(layer, "mask_zero", False) for layer in model.layers)
            task.make_targets(tuple(output.shape[1:]))
        return model, tasks


class Task:
    """What one output is for: its last layer, loss, metrics and targets."""

    def __init__(self, c):
        self.c = c
        self.kind = c.one_of("regression", "regression", "positive", "binary", "binary", "categorical", "sparse", "hinge")

    def head(self, names):
        c, k = self.c, self.kind
        units = c.integer(1, 3) if k not in ("categorical", "sparse") else c.integer(2, 4)
        self.from_logits = k in ("binary", "categorical", "sparse") and c.happens(0.3)
        last = {"regression": c.one_of("linear", "tanh", None), "positive": c.one_of("softplus", "sigmoid"), "binary": "sigmoid", "categorical": "softmax",
                "sparse": "softmax", "hinge": c.one_of("tanh", "linear")}[k]
        return L.Dense(units, activation=None if self.from_logits else last, **kernel_arguments(c), **bias_arguments(c), **common(c, names))

    def make_targets(self, shape):
        c, k, full = self.c, self.kind, (SAMPLES, *shape)
        if k == "regression":
            self.y = c.normal(*full)
        elif k == "positive":
            self.y = np.abs(c.normal(*full)) + 0.25
        elif k == "binary":
            self.y = (c.normal(*full) > 0) * 1.0
        elif k == "hinge":
            self.y = np.sign(c.normal(*full) + 0.001)
        else:
            labels = c.rng.integers(0, shape[-1], full[:-1])
            self.y = np.eye(shape[-1])[labels] if k == "categorical" else (labels if len(shape) > 1 else labels[:, None]) * 1.0
        self.shape = shape
        self.loss, self.metrics, self.weighted = self.draw_loss(), self.draw_metrics(), self.draw_weighted()

    def draw_loss(self):
        c, k, logits = self.c, self.kind, self.from_logits
        more = {"reduction": c.one_of("sum", "sum_over_batch_size", *(["mean_with_sample_weight", "mean"] if KERAS_3 else []))} if c.happens(0.4) else {}
        smooth = c.one_of(0.0, 0.25)
        if k == "regression":
            return c.one_of(lambda: losses.MeanSquaredError(**more), lambda: losses.MeanAbsoluteError(**more), lambda: losses.Huber(**more),  # it forgets a delta when it is saved
                            lambda: losses.LogCosh(**more), lambda: losses.CosineSimilarity(**more) if self.shape[-1] > 1 else "mse",
                            lambda: "mse", lambda: "mean_absolute_percentage_error")()
        if k == "positive":
            return c.one_of(lambda: losses.MeanSquaredLogarithmicError(**more), lambda: losses.Poisson(**more), lambda: "mape", lambda: losses.KLDivergence(**more))()
        if k == "binary":
            kinds = [lambda: losses.BinaryCrossentropy(logits, smooth, **more),
                     lambda: losses.BinaryFocalCrossentropy(c.happens(0.5), 0.25, c.number(1, 3), logits, smooth, **more)]
            if KERAS_3 and not logits and not self.masked:  # with a mask maas refuses them
                kinds += [lambda: losses.Dice(), lambda: losses.Tversky(c.number(0.25, 0.75), c.number(0.25, 0.75))]
            return c.one_of(*kinds)()
        if k == "categorical":
            kinds = [lambda: losses.CategoricalCrossentropy(logits, smooth, **more),
                     lambda: losses.CategoricalFocalCrossentropy(0.25, c.number(1, 3), logits, smooth, **more), lambda: losses.CategoricalHinge(**more)]
            return c.one_of(*kinds)()
        if k == "sparse":
            ignore = {"ignore_class": c.one_of(None, 0, -1)} if c.happens(0.3) else {}
            return losses.SparseCategoricalCrossentropy(logits, **ignore, **more)
        return c.one_of(losses.Hinge, losses.SquaredHinge)(**more)

    def draw_metrics(self):
        c, k, flat = self.c, self.kind, len(self.shape) == 1
        if k in ("regression", "positive"):
            kinds = [lambda: "mae", lambda: "MSE", lambda: M.RootMeanSquaredError(), lambda: M.CosineSimilarity(), lambda: M.LogCoshError(name="log cosh"),
                     lambda: M.MeanAbsolutePercentageError(), lambda: "mean_squared_logarithmic_error"]
            if KERAS_3 and flat:
                kinds += [lambda: M.R2Score(class_aggregation=c.one_of("uniform_average", "variance_weighted_average"))]
        elif k == "binary" and not self.from_logits:
            kinds = [lambda: "accuracy", lambda: M.BinaryAccuracy(threshold=c.number(0.25, 0.75)), lambda: M.Precision(thresholds=c.one_of(None, 0.25)), lambda: M.Recall(),
                     lambda: M.AUC(num_thresholds=c.one_of(200, 7), curve=c.one_of("ROC", "PR"), summation_method=c.one_of("interpolation", "minoring", "majoring")),
                     lambda: M.FalsePositives(thresholds=0.375), lambda: M.TrueNegatives(), lambda: M.SensitivityAtSpecificity(0.5, num_thresholds=9), lambda: "bce"]
            if flat:
                kinds += [lambda: M.F1Score(average="micro", threshold=0.4), lambda: M.FBetaScore(average="weighted", beta=2.0, threshold=0.5)]
        elif k == "categorical" and not self.from_logits:
            kinds = [lambda: "accuracy", lambda: M.TopKCategoricalAccuracy(k=2), lambda: M.Precision(top_k=1), lambda: M.Recall(class_id=1),
                     lambda: M.CategoricalCrossentropy(), lambda: M.KLDivergence()]
            if flat:
                kinds += [lambda: M.AUC(multi_label=True, num_labels=self.shape[-1]), lambda: M.F1Score(average="macro"), lambda: M.OneHotMeanIoU(num_classes=self.shape[-1])]
        elif k == "sparse":
            kinds = [lambda: "accuracy", lambda: M.SparseTopKCategoricalAccuracy(k=2) if single() else "acc", lambda: "sparse_categorical_accuracy"]
        else:
            kinds = [lambda: "mae"] + ([lambda: M.Hinge(), lambda: "squared_hinge"] if k == "hinge" else [])
        return [make() for make in c.some_of(kinds, 3)]

    def draw_weighted(self):
        return ["mean_squared_error"] if self.kind in ("regression", "hinge") and self.c.happens(0.3) else []


# ---- Training ----


def schedule(c):
    s, rate = O.schedules, c.one_of(0.03125, 0.0625)
    return c.one_of(lambda: s.ExponentialDecay(rate, 3, 0.75, staircase=c.happens(0.5)), lambda: s.InverseTimeDecay(rate, 2, 0.5, staircase=c.happens(0.5)),
                    lambda: s.PiecewiseConstantDecay([2, 5], [rate, rate / 2, rate / 4]), lambda: s.PolynomialDecay(rate, 6, rate / 8, power=2.0, cycle=c.happens(0.5)),
                    lambda: s.CosineDecay(rate, 6, alpha=0.125, **({"warmup_target": 2 * rate, "warmup_steps": 3} if c.happens(0.5) else {})),
                    lambda: s.CosineDecayRestarts(rate, 4, t_mul=2.0, m_mul=0.5, alpha=0.125))()


def optimizer(c):
    rate = schedule(c) if c.happens(0.3) else c.one_of(0.03125, 0.0078125, 0.0625)
    more = {}
    if c.happens(0.35):
        more.update(c.one_of({"clipnorm": 0.5}, {"clipvalue": 0.25}, {"global_clipnorm": 0.75}))
    if c.happens(0.25):
        more["weight_decay"] = 0.03125
    if c.happens(0.2):
        more.update({"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": c.one_of(None, 2, 3)})
    if KERAS_3 and c.happens(0.2):
        more["gradient_accumulation_steps"] = c.integer(2, 3)
    if KERAS_3 and c.happens(0.1):
        more["loss_scale_factor"] = 4.0
    epsilon, b1, b2 = c.one_of(1e-7, 1e-3), c.number(0.5, 0.95), c.number(0.75, 0.98)
    kinds = [lambda: O.SGD(rate, momentum=c.one_of(0.0, 0.5, 0.875), nesterov=c.happens(0.5), **more),
             lambda: O.RMSprop(rate, rho=b2, momentum=c.one_of(0.0, 0.5), epsilon=epsilon, centered=c.happens(0.5), **more),
             lambda: O.Adam(rate, b1, b2, epsilon, amsgrad=c.happens(0.4), **more), lambda: O.AdamW(rate, **{"weight_decay": 0.0625, **more}, beta_1=b1, beta_2=b2),
             lambda: O.Adamax(rate, b1, b2, epsilon, **more), lambda: O.Nadam(rate, b1, b2, epsilon, **more),
             lambda: O.Adagrad(rate, c.number(0, 0.5), epsilon, **more), lambda: O.Adadelta(8 * rate if isinstance(rate, float) else rate, b2, epsilon, **more),
             lambda: O.Ftrl(rate, learning_rate_power=c.one_of(-0.5, -0.25), initial_accumulator_value=0.125, l1_regularization_strength=c.number(0, 0.1),
                            l2_regularization_strength=c.number(0, 0.1), l2_shrinkage_regularization_strength=c.number(0, 0.1), beta=c.number(0, 0.25), **more)]
    if KERAS_3:
        kinds += [lambda: O.Lion(rate, b1, b2, **more), lambda: O.Lamb(rate, b1, b2, epsilon, **{k: v for k, v in more.items() if "ema" not in k}),
                  lambda: O.Adafactor(rate, relative_step=c.happens(0.5), **more)]
    return c.one_of(*kinds)()


def compile_model(c, model, tasks):
    single = len(tasks) == 1
    more = {}
    if not single and c.happens(0.5):
        more["loss_weights"] = [c.number(0.25, 2) for _ in tasks]
    model.compile(optimizer=optimizer(c), loss=tasks[0].loss if single else [t.loss for t in tasks],
                  metrics=tasks[0].metrics if single else [t.metrics for t in tasks],
                  weighted_metrics=(tasks[0].weighted or None) if single else [t.weighted for t in tasks], run_eagerly=True, **more)


def has_chance(model):
    kinds = (L.Dropout, L.GaussianNoise, L.GaussianDropout, L.AlphaDropout)
    return any(has_chance(layer) if isinstance(layer, keras.Model) else isinstance(layer, kinds) for layer in model.layers)


def has_embedding(model):
    """Keras hands the gradients of a row from several places over one by one, so that squares and norms differ."""
    return any(isinstance(layer, L.Embedding) and layer.trainable for layer in model.layers)


def clips(optimizer):
    return any(getattr(optimizer, name) is not None for name in ("clipnorm", "clipvalue", "global_clipnorm"))


# ---- What is written ----


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def array(x):
    x = np.asarray(x, dtype="float64")
    return {"shape": list(x.shape), "values": x.ravel().tolist()}


def predict(model, x):
    return [np.asarray(y, dtype="float64") for y in as_list(model(x if len(x) > 1 else x[0], training=False))]


class Unusable(Exception):
    """A draw that says nothing: Keras itself refuses it, or its numbers run away."""


def require_calm(values):
    largest = max((np.max(np.abs(v), initial=0) for v in values), default=0)
    if not largest < 1e4:
        raise Unusable(f"numbers up to {largest}")


class Run:
    """A drawn model that is trained, saved, and trained on."""

    def __init__(self, seed):
        c = Chance(seed)
        keras.backend.clear_session()
        keras.utils.set_random_seed(c.integer(0, 10 ** 6))
        network = Network(c)
        self.model, tasks = network.finish()
        self.x, self.y = network.x, [task.y for task in tasks]
        compile_model(c, self.model, tasks)
        # Lion steps by the sign even of a gradient that is 0 but for rounding.
        kind = type(self.model.optimizer).__name__
        self.repeatable = not has_chance(self.model) and kind != "Lion" and (not has_embedding(self.model) or kind == "SGD" and not clips(self.model.optimizer))
        require_calm(predict(self.model, self.x))
        self.ending = c.one_of(".keras", ".keras", ".h5") if KERAS_3 else c.one_of(".h5", ".h5", ".keras")
        self.epochs, self.batch, self.split = c.integer(1, 3), c.integer(3, 8), c.one_of(0.0, 0.0, 0.25)
        # Keras multiplies weights of samples with losses of steps as NumPy would: they need as many axes.
        self.weights = [np.round(c.rng.uniform(0.25, 2, (SAMPLES,) + (1,) * (len(task.shape) - 1)), 2) for task in tasks] if c.happens(0.3) else []
        self.initial_epochs = c.one_of(0, 1, 2)

    def fit(self, epochs, batch, **more):
        x, y, weights = ([float_type(a) for a in part] for part in (self.x, self.y, self.weights))
        single = [part if len(part) > 1 else part[0] if part else None for part in (x, y, weights)]
        return self.model.fit(single[0], single[1], sample_weight=single[2], epochs=epochs, batch_size=batch, shuffle=False, verbose=0, **more).history

    def evaluate(self):
        x, y, weights = ([float_type(a) for a in part] for part in (self.x, self.y, self.weights))
        single = [part if len(part) > 1 else part[0] if part else None for part in (x, y, weights)]
        return self.model.evaluate(single[0], single[1], sample_weight=single[2], batch_size=self.batch, verbose=0, return_dict=True)

    def record(self, folder, seed):
        if self.initial_epochs:
            self.fit(self.initial_epochs, self.batch)
        before = predict(self.model, self.x)
        require_calm(before + self.model.get_weights())
        history, evaluation, after, later = {}, {}, [], []
        self.model.save(folder / f"{seed}{self.ending}")
        if KERAS_3 and self.repeatable:
            history = self.fit(self.epochs, self.batch, validation_split=self.split)
            evaluation, after = self.evaluate(), predict(self.model, self.x)
            self.fit(1, self.batch)
            later = predict(self.model, self.x)
            require_calm(after + later + [np.array(v) for v in history.values()])
        # Run eagerly, Keras weighs the losses of several outputs by the size of batches, else not.
        def uneven(name):
            return len(self.y) > 1 and name.endswith("_loss") and name != "val_loss"
        content = {"file": f"{seed}{self.ending}", "x": [array(a) for a in self.x], "y": [array(a) for a in self.y],
                   "sample_weight": [array(a) for a in self.weights], "batch_size": self.batch, "epochs": self.epochs, "validation_split": self.split,
                   "trains": bool(after), "history": [[name, values] for name, values in history.items() if not uneven(name)],
                   "evaluate": [[name, float(value)] for name, value in evaluation.items() if not uneven(name)], "before": [array(a) for a in before],
                   "after": [array(a) for a in after], "later": [array(a) for a in later],
                   "layers": sorted({type(layer).__name__ for layer in self.model.layers}), "optimizer": type(self.model.optimizer).__name__}
        (folder / f"{seed}.json").write_text(json.dumps(content) + "\n")


def float_type(x):
    return np.asarray(x, dtype=keras.config.floatx() if KERAS_3 else keras.backend.floatx())


def make(folder, seeds):
    made, unusable = 0, []
    for seed in seeds:
        for old in folder.glob(f"{seed}.*"):
            old.unlink()
        try:
            Run(seed).record(folder, seed)
            made += 1
        except Exception as error:
            for left in folder.glob(f"{seed}.*"):
                left.unlink()
            unusable.append(f"{seed}: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
    (folder / "unusable.txt").write_text("\n".join(unusable) + "\n")
    print(f"Keras {keras.__version__}: {made} models made, {len(unusable)} draws are none (see unusable.txt)")
    return made > len(unusable)


# ---- What maas saved ----


def read_arrays(content):
    return [np.array(a["values"]).reshape(a["shape"]) for a in content]


def difference(found, expected):
    if len(found) != len(expected) or any(a.shape != b.shape for a, b in zip(found, expected)):
        return np.inf
    return max(float(np.max(np.abs(a - b) / np.maximum(1, np.abs(b)), initial=0)) for a, b in zip(found, expected))


def check_one(folder, recorded):
    base, ending = recorded["file"].split(".")
    model = keras.models.load_model(folder / f"{base}.again.{ending}")
    expected = read_arrays(recorded["after"] or recorded["before"])
    x = read_arrays(recorded["x"])
    tolerance = 1e-7 if float_type(0).dtype == np.float64 else 1e-3
    worst = difference(predict(model, x), expected)
    if not worst <= tolerance:
        return f"predictions differ by {worst:.3g}"
    # An .h5 holds no state that Keras 3 reads, and Lamb is no optimizer that it can load.
    if not recorded["trains"] or ending == "h5" or recorded["optimizer"] == "Lamb":
        return None
    if model.optimizer is None:
        return "is not compiled"
    model.run_eagerly = True
    weights = [float_type(a) for a in read_arrays(recorded["sample_weight"])]
    y = read_arrays(recorded["y"])
    model.fit(x if len(x) > 1 else x[0], y if len(y) > 1 else y[0], sample_weight=(weights if len(weights) > 1 else weights[0]) if weights else None,
              epochs=1, batch_size=recorded["batch_size"], shuffle=False, verbose=0)
    worst = difference(predict(model, x), read_arrays(recorded["later"]))
    return None if worst <= 10 * tolerance else f"one more fit leads elsewhere: predictions differ by {worst:.3g}"


def check(folder):
    files, wrong, loaded = sorted(folder.glob("*.json")), 0, 0
    for path in files:
        recorded = json.loads(path.read_text())
        if not list(folder.glob(f"{path.stem}.again.*")):
            continue  # run_random_models says why
        loaded += 1
        try:
            problem = check_one(folder, recorded)
        except Exception as error:
            problem = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        if problem:
            wrong += 1
            print(f"{path.stem}: {problem}; layers {' '.join(recorded['layers'])}; {recorded['optimizer']}", flush=True)
    print(f"Keras {keras.__version__}: {loaded} of {len(files)} models, {wrong} wrong")
    return wrong == 0 and loaded > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "check"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, nargs=2, default=(1, 40), help="the first and the last")
    parser.add_argument("--dtype", default="float64", choices=("float64", "float32"))
    arguments = parser.parse_args()
    (keras.config if KERAS_3 else keras.backend).set_floatx(arguments.dtype)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    first, last = arguments.seeds
    good = make(arguments.folder, range(first, last + 1)) if arguments.what == "make" else check(arguments.folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
