"""Records small fits of real Keras 3 in double, which tests/trajectories/recorded_fits_test.cpp repeats.

usage: record.py FOLDER [--only TEXT]

Writes a JSON file a case to FOLDER/fits (the compiled model, data, weights before and after, the history in its order,
evaluations, outputs), FOLDER/masks.json (which layers hand a mask on), FOLDER/overlap.json (losses of the whole batch
under weights) and FOLDER/api.json (every class of Keras and its arguments, which docs/keras-compatibility.md must have a
row for). They are what is not in the large sets of fixtures: masks on outputs, weights of single steps, the order of
figures. The same call gives the same files.
"""
import argparse
import inspect
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf

L, M = keras.layers, keras.metrics
keras.config.set_floatx("float64")


def numbers(rng, *shape):
    """Short numbers keep the files small."""
    return np.round(rng.normal(0, 1, shape), 2)


def weights(rng, *shape):
    return np.round(rng.uniform(0, 2, shape), 2)


def with_padding(rng, x, whole=()):
    """Zeroes the last steps of every sample, and all steps of those in `whole`."""
    for row, length in zip(x, rng.integers(1, x.shape[1] + 1, len(x))):
        row[length:] = 0
    for place in whole:
        x[place] = 0
    return x


# ---- Fits: each gives a model, what it is compiled with, and the arguments of fit ----

CASES = {}


def case(make):
    CASES[make.__name__.replace("_", "-")] = make
    return make


def sequence_model(*layers, steps=4, features=3):
    return keras.Sequential([keras.Input((steps, features)), *layers])


@case
def mask_mse(rng):
    """Weights of steps, weights of samples in validation; one batch is masked as a whole."""
    model = sequence_model(L.Masking(), L.Dense(4, "tanh"), L.Dense(2))
    x, xv = with_padding(rng, numbers(rng, 10, 4, 3), whole=(8, 9)), with_padding(rng, numbers(rng, 5, 4, 3))
    return model, dict(optimizer=keras.optimizers.Adam(0.01, beta_1=0.875, beta_2=0.9375), loss="mean_squared_error",
                       metrics=["mean_absolute_error", M.RootMeanSquaredError(), M.Precision()],
                       weighted_metrics=["mean_absolute_error", M.RootMeanSquaredError(name="rmse"), M.Recall()]), \
        dict(x=x, y=np.clip(np.round(x[..., :2] > 0), 0, 1), sample_weight=weights(rng, 10, 4), batch_size=4, epochs=3,
             validation_data=(xv, np.round(xv[..., :2] > 0) * 1.0, weights(rng, 5, 1)))


@case
def mask_binary(rng):
    """A cross-entropy behind a sigmoid; no weights; accuracies heed the mask, areas under curves do not."""
    model = sequence_model(L.Masking(), L.Dense(3, "relu"), L.Dense(1, "sigmoid"))
    x = with_padding(rng, numbers(rng, 9, 4, 3))
    return model, dict(optimizer=keras.optimizers.SGD(0.1, momentum=0.5), loss="binary_crossentropy",
                       metrics=["accuracy", M.AUC(name="auc"), "binary_crossentropy"], weighted_metrics=["accuracy"]), \
        dict(x=x, y=(x.sum(axis=-1, keepdims=True) > 0) * 1.0, batch_size=4, epochs=2)


@case
def mask_zero(rng):
    """The mask of an embedding, and a class to ignore beside it."""
    model = keras.Sequential([keras.Input((5,)), L.Embedding(7, 3, mask_zero=True), L.Dense(4, "tanh"), L.Dense(3, "softmax")])
    x = with_padding(rng, rng.integers(1, 7, (8, 5))).astype(np.float64)
    y = rng.integers(0, 3, (8, 5)).astype(np.float64)
    y[rng.uniform(size=y.shape) < 0.2] = -1
    return model, dict(optimizer=keras.optimizers.SGD(0.5), loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=-1),
                       weighted_metrics=[M.SparseCategoricalCrossentropy(ignore_class=-1, name="entropy")]), \
        dict(x=x, y=y, sample_weight=weights(rng, 8, 5), batch_size=8, epochs=2)


def reduced(reduction):
    def make(rng):
        model = sequence_model(L.Masking(), L.Dense(2))
        x = with_padding(rng, numbers(rng, 8, 4, 3))
        return model, dict(optimizer=keras.optimizers.SGD(0.02), loss=keras.losses.Huber(reduction=reduction)), \
            dict(x=x, y=2 * numbers(rng, 8, 4, 2), sample_weight=weights(rng, 8, 4), batch_size=3, epochs=2)
    make.__name__ = f"mask_{reduction}"
    return case(make)


for reduction in ("sum", "mean", "mean_with_sample_weight"):
    reduced(reduction)


@case
def mask_several_outputs(rng):
    """One output carries the mask, the other not; weights one an output."""
    x = with_padding(rng, numbers(rng, 9, 4, 3))
    given = keras.Input((4, 3), name="steps")
    h = L.Dense(3, "tanh", name="joint")(L.Masking(name="masking")(given))
    outputs = [L.Dense(2, name="zone")(h), L.Dense(1, "sigmoid", name="alarm")(L.Flatten(name="flat")(h))]
    model = keras.Model(given, outputs, name="two_ends")
    return model, dict(optimizer=keras.optimizers.SGD(0.1), loss=["mean_absolute_error", "binary_crossentropy"], loss_weights=[0.5, 2.0],
                       metrics=[["mean_squared_error"], ["accuracy"]], weighted_metrics=[["mean_squared_error"], ["accuracy"]]), \
        dict(x=x, y=[numbers(rng, 9, 4, 2), (x[:, 0, :1] > 0) * 1.0], sample_weight=[weights(rng, 9, 4), weights(rng, 9)], batch_size=4, epochs=2,
             validation_split=0.3)


@case
def mask_joined(rng):
    """Masks that meet: joined where all inputs carry one, and along two axes."""
    a, b = (with_padding(rng, numbers(rng, 8, 4, 3)) for _ in range(2))
    left, right, free = keras.Input((4, 3), name="left"), keras.Input((4, 3), name="right"), keras.Input((4, 3), name="free")
    p, q = L.Masking(name="mask_left")(left), L.Masking(name="mask_right")(right)
    outputs = [L.Dense(1, name="added")(L.Add(name="add")([p, q])),
               L.Dense(1, name="unmasked")(L.Multiply(name="multiply")([p, free])),
               L.Dense(1, name="beside")(L.Concatenate(name="features")([q, p])),
               L.Dense(1, name="beside_free")(L.Concatenate(name="features_free")([q, free])),
               L.Dense(1, name="behind")(L.Concatenate(axis=1, name="steps")([p, free, q])),
               L.Dense(1, name="factors")(L.Multiply(name="multiply_all")([p, q])),
               L.Dense(1, name="largest")(L.Maximum(name="largest_of_two")([p, q])),
               L.Dense(1, name="smallest")(L.Minimum(name="smallest_of_three")([q, free, p]))]
    model = keras.Model([left, right, free], outputs, name="joined")
    y = [numbers(rng, 8, 4, 1) for _ in range(4)] + [numbers(rng, 8, 12, 1)] + [numbers(rng, 8, 4, 1) for _ in range(3)]
    return model, dict(optimizer=keras.optimizers.SGD(0.05), loss="mean_squared_error"), \
        dict(x=[a, b, numbers(rng, 8, 4, 3)], y=y, batch_size=3, epochs=2)


@case
def mask_batch_normalization(rng):
    model = sequence_model(L.Masking(), L.BatchNormalization(momentum=0.8), L.Dense(3, "tanh"), L.BatchNormalization(axis=1, momentum=0.7), L.Dense(2))
    x = with_padding(rng, numbers(rng, 8, 4, 3) + 0.5)
    return model, dict(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error"), \
        dict(x=x, y=numbers(rng, 8, 4, 2), batch_size=4, epochs=2, validation_split=0.25)


@case
def weights_of_steps(rng):
    """Without a mask."""
    model = sequence_model(L.Dense(3, "tanh"), L.Dense(2, "softmax"))
    y = np.eye(2)[rng.integers(0, 2, (8, 4))]
    return model, dict(optimizer=keras.optimizers.SGD(0.2), loss=keras.losses.CategoricalCrossentropy(reduction="mean_with_sample_weight"),
                       metrics=["accuracy"], weighted_metrics=["accuracy", M.AUC(name="auc")]), \
        dict(x=numbers(rng, 8, 4, 3), y=y, sample_weight=weights(rng, 8, 4), batch_size=3, epochs=2, validation_split=0.25)


@case
def order_of_figures(rng):
    """Names whose order is not that of the outputs; metrics of one name, weighted ones, a rate, rare validation."""
    x = [numbers(rng, 12, 3), numbers(rng, 12, 2)]
    loops, weather = keras.Input((3,), name="loops"), keras.Input((2,), name="weather")
    joint = L.Dense(4, "tanh", name="joint")(L.Concatenate(name="join")([loops, weather]))
    model = keras.Model([loops, weather], [L.Dense(2, name="zone")(joint), L.Dense(1, "sigmoid", name="alarm")(joint)], name="crossing")
    metrics = [["mean_squared_error", "mean_absolute_error"], ["accuracy", "mean_squared_error"]]
    return model, dict(optimizer=keras.optimizers.SGD(0.1), loss=["mean_squared_error", "binary_crossentropy"], loss_weights=[0.3, 2.0],
                       metrics=metrics, weighted_metrics=[["mean_absolute_error"], []]), \
        dict(x=x, y=[numbers(rng, 12, 2), (x[0][:, :1] > 0) * 1.0], sample_weight=[weights(rng, 12), weights(rng, 12)],
             batch_size=4, epochs=3, validation_split=0.25, validation_freq=2, rate=0.05)


@case
def order_of_figures_of_one_output(rng):
    model = keras.Sequential([keras.Input((3,)), L.Dense(2)])
    return model, dict(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error", metrics=["mean_squared_error", "mean_absolute_error"],
                       weighted_metrics=["mean_absolute_error", M.CosineSimilarity(name="angle")]), \
        dict(x=numbers(rng, 8, 3), y=numbers(rng, 8, 2), sample_weight=weights(rng, 8), batch_size=4, epochs=2, validation_split=0.25, rate=0.05)


@case
def weight_of_one_loss(rng):
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, kernel_regularizer=keras.regularizers.L2(0.01))])
    return model, dict(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error", loss_weights=[0.5], metrics=["mean_absolute_error"]), \
        dict(x=numbers(rng, 8, 3), y=numbers(rng, 8, 2), batch_size=4, epochs=2)


def averages(swap_on_epoch):
    def make(rng):
        model = keras.Sequential([keras.Input((3,)), L.Dense(4, "tanh"), L.Dense(2)])
        return model, dict(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8), loss="mean_squared_error"), \
            dict(x=numbers(rng, 8, 3), y=numbers(rng, 8, 2), batch_size=2, epochs=3, validation_split=0.25, swap_on_epoch=swap_on_epoch)
    make.__name__ = "averages_for_epochs" if swap_on_epoch else "averages_for_validation"
    return case(make)


averages(False)
averages(True)


# ---- Recording ----

def as_list(value):
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def flat(array):
    array = np.asarray(array, np.float64)
    return dict(shape=list(array.shape), values=array.ravel().tolist())


def named_weights(model):
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}


def draw_weights(rng, model):
    for name, variable in named_weights(model).items():
        value = np.round(rng.normal(0, 0.5, variable.shape), 2)
        variable.assign(np.abs(value) + 0.5 if "variance" in name else value)


def record(name):
    # A seed of the case's own, so that a new case changes no other.
    rng = np.random.default_rng([ord(letter) for letter in name])
    keras.backend.clear_session()
    model, compiled, fit = CASES[name](rng)
    draw_weights(rng, model)
    model.compile(**compiled, jit_compile=False)
    initial = {key: flat(variable.numpy()) for key, variable in named_weights(model).items()}
    rate = fit.pop("rate", None)
    callbacks = [] if rate is None else [keras.callbacks.LearningRateScheduler(lambda epoch, now: rate / (1 + epoch))]
    swap_on_epoch = fit.pop("swap_on_epoch", None)
    if swap_on_epoch is not None:
        callbacks.append(keras.callbacks.SwapEMAWeights(swap_on_epoch))
    history = model.fit(**fit, shuffle=False, verbose=0, callbacks=callbacks)
    x, y, of_samples = fit["x"], fit["y"], fit.get("sample_weight")
    scores = model.evaluate(x, y, sample_weight=of_samples, batch_size=fit["batch_size"], verbose=0)
    by_name = model.evaluate(x, y, sample_weight=of_samples, batch_size=fit["batch_size"], verbose=0, return_dict=True)
    held = fit.get("validation_data", ())
    return dict(
        keras=keras.__version__, model=json.loads(model.to_json()), x=[flat(a) for a in as_list(x)], y=[flat(a) for a in as_list(y)],
        sample_weight=[flat(a) for a in as_list(of_samples)], validation=[[flat(a) for a in as_list(part)] for part in held],
        batch_size=fit["batch_size"], epochs=fit["epochs"], validation_split=fit.get("validation_split", 0.0),
        validation_freq=fit.get("validation_freq", 1), rate=rate, swap_on_epoch=swap_on_epoch, initial=initial, history=[[key, values] for key, values in history.history.items()],
        evaluate=as_list(scores), evaluate_by_name=[[key, value] for key, value in by_name.items()],
        final={key: flat(variable.numpy()) for key, variable in named_weights(model).items()},
        outputs=[flat(a) for a in as_list(model.predict(x, verbose=0))])


def record_masks():
    """Whether the output of a layer behind Masking carries a mask, and whether Keras can run it there at all."""
    def found(make, inputs=1):
        try:
            given = [keras.Input((4, 3)) for _ in range(inputs)]
            masked = [L.Masking()(one) for one in given]
            output = make()(masked if inputs > 1 else masked[0])
            model = keras.Model(given, output)
            called = model([tf.constant(np.ones((2, 4, 3))) for _ in given])
            return dict(runs=True, carries=getattr(called, "_keras_mask", None) is not None)
        except ValueError:
            return dict(runs=False, carries=False)
    one = dict(Identity=L.Identity, Dense=lambda: L.Dense(2), EinsumDense=lambda: L.EinsumDense("abc,cd->abd", (4, 2)), Activation=lambda: L.Activation("tanh"),
               Masking=L.Masking, Flatten=L.Flatten, Reshape=lambda: L.Reshape((3, 4)), Permute=lambda: L.Permute((2, 1)), ReLU=L.ReLU,
               LeakyReLU=L.LeakyReLU, PReLU=L.PReLU, ELU=L.ELU, Softmax=L.Softmax, Dropout=lambda: L.Dropout(0.5),
               SpatialDropout1D=lambda: L.SpatialDropout1D(0.5), GaussianDropout=lambda: L.GaussianDropout(0.5), GaussianNoise=lambda: L.GaussianNoise(0.5),
               AlphaDropout=lambda: L.AlphaDropout(0.5), ActivityRegularization=L.ActivityRegularization, BatchNormalization=L.BatchNormalization,
               LayerNormalization=L.LayerNormalization, RMSNormalization=L.RMSNormalization, GroupNormalization=lambda: L.GroupNormalization(3),
               UnitNormalization=L.UnitNormalization, Normalization=lambda: L.Normalization(mean=0.0, variance=1.0), Rescaling=lambda: L.Rescaling(2.0),
               Discretization=lambda: L.Discretization([0.0]))
    several = dict(Add=L.Add, Subtract=L.Subtract, Multiply=L.Multiply, Average=L.Average, Maximum=L.Maximum, Minimum=L.Minimum,
                   Concatenate=L.Concatenate, Dot=lambda: L.Dot(axes=2))
    layers = {name: found(make) for name, make in one.items()} | {name: found(make, 2) for name, make in several.items()}
    return dict(keras=keras.__version__, layers=layers)


def record_overlap():
    rng = np.random.default_rng(4)
    y, p, w = np.round(rng.uniform(size=(5, 6))), np.round(rng.uniform(0.05, 0.95, (5, 6)), 2), weights(rng, 5)
    results = {}
    for name, arguments in (("Dice", {}), ("Tversky", dict(alpha=0.3, beta=0.6))):
        for reduction in ("sum", "sum_over_batch_size", "mean_with_sample_weight"):
            for kind, given in (("weighted", w), ("plain", None)):
                loss, x = getattr(keras.losses, name)(reduction=reduction, **arguments), tf.Variable(p)
                with tf.GradientTape() as tape:
                    value = loss(y, x, sample_weight=given)
                results[f"{name} {reduction} {kind}"] = dict(
                    class_name=name, config=dict(arguments, reduction=reduction), weighted=given is not None, value=float(value),
                    gradient=flat(tape.gradient(value, x).numpy()))
    return dict(keras=keras.__version__, y=flat(y), p=flat(p), weights=flat(w), results=results)


def record_api():
    """The arguments of every class a user can name, family by family."""
    def arguments(function):
        kinds = inspect.Parameter
        return [name for name, one in inspect.signature(function).parameters.items()
                if name not in ("self", "kwargs", "args") and one.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)]

    def classes(module, base):
        found = {name: one for name, one in vars(module).items() if inspect.isclass(one) and issubclass(one, base) and one is not base}
        # Under one name, though Keras has some under two (MaxPool1D, MaxNorm as max_norm).
        return {name: arguments(one.__init__) for name, one in sorted(found.items()) if name == one.__name__}

    rates = keras.optimizers.schedules
    families = dict(
        Activations={name: arguments(one)[1:] for name, one in sorted(vars(keras.activations).items())
                     if inspect.isfunction(one) and name not in ("get", "serialize", "deserialize")},
        Initializers=classes(keras.initializers, keras.initializers.Initializer), Regularizers=classes(keras.regularizers, keras.regularizers.Regularizer),
        Constraints=classes(keras.constraints, keras.constraints.Constraint), Losses=classes(keras.losses, keras.losses.Loss),
        Optimizers=classes(keras.optimizers, keras.optimizers.Optimizer), Schedules=classes(rates, rates.LearningRateSchedule),
        Callbacks=classes(keras.callbacks, keras.callbacks.Callback), Layers=classes(L, L.Layer), Metrics=classes(M, M.Metric),
        Training={verb: arguments(getattr(keras.Model, verb)) for verb in ("compile", "fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")})
    return dict(keras=keras.__version__, families=families)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":"), sort_keys=False) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    args = parser.parse_args()
    for name in CASES:
        if args.only in name:
            write(args.folder / "fits" / f"{name}.json", record(name))
    if args.only in "masks":
        write(args.folder / "masks.json", record_masks())
    if args.only in "overlap":
        write(args.folder / "overlap.json", record_overlap())
    if args.only in "api":
        write(args.folder / "api.json", record_api())


if __name__ == "__main__":
    main()
