"""Real Keras models that others wrote, and what they should answer, for the scripts beside this one."""

import csv
import os
from dataclasses import dataclass, field

import numpy
from real_server import Server


@dataclass
class Model:
    name: str
    path: str
    inputs: list  # in the order of the model's
    outputs: list
    tolerance: float  # of |a - b| / max(1, |a|)
    output_names: list = field(default_factory=list)
    input_names: list = field(default_factory=list)


def _array(path):
    """Values of a file whose first line tells their shape."""
    with open(path) as file:
        first = file.readline().split()
        assert first[:2] == ["#", "shape"], first
        return numpy.loadtxt(file, delimiter=",", ndmin=2).reshape([int(x) for x in first[2:]])


def _arrays(stem, kind):
    paths = []
    while os.path.exists(f"{stem}.{kind}{len(paths)}.csv"):
        paths.append(f"{stem}.{kind}{len(paths)}.csv")
    return [_array(path) for path in paths]


def wild_models(shared):
    """Those of dense layers and those of one activation, which all are read; the tolerance is the one that their README gives."""
    folder = f"{shared}/models/wild"
    with open(f"{folder}/MANIFEST.tsv") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["kind"] in ("dense", "act")]
    models = []
    for row in rows:
        name = row["file"].removesuffix(".h5")
        stem = f"{folder}/expected/{name}"
        inputs = [values.astype(numpy.float32) for values in _arrays(stem, "x")]
        models.append(Model(name, f"{folder}/{row['file']}", inputs, _arrays(stem, "y"), max(1e-6, 10 * float(row["f32_relerr"]))))
        assert inputs and models[-1].outputs, name
    assert len(models) >= 41, len(models)
    return models


def traffic_model(shared):
    """The dense network of PeMS: flows of the hour before, and the scaled prediction published for them, in float64."""
    name = "keras-2.1.4-pems-saes"
    with open(f"{shared}/models/expected/{name}.pred.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4308, len(rows)
    flow = numpy.array([float(row["y_true_veh_per_5min"]) for row in rows]) / 197  # as it was scaled
    lags = numpy.lib.stride_tricks.sliding_window_view(flow, 12)[:-1].astype(numpy.float32)
    wanted = numpy.array([[float(row["y_pred_scaled"])] for row in rows[12:]])
    return Model(name, f"{shared}/models/{name}.h5", [lags], [wanted], 1e-5)


def ask_with_triton(triton, client, model, headers, rows=slice(None)):
    """Outputs by name; `triton` is tritonclient.http or tritonclient.grpc, and `client` one of its clients."""
    tensors = []
    for name, values in zip(model.input_names, model.inputs):
        values = values[rows]
        tensors.append(triton.InferInput(name, list(values.shape), "FP32"))
        tensors[-1].set_data_from_numpy(values)
    result = client.infer(model.name, tensors, headers=headers)
    return {name: result.as_numpy(name) for name in model.output_names}


def are_there(shared):
    return os.path.exists(f"{shared}/models/wild/MANIFEST.tsv")


def serve(program, fixtures, models, options=()):
    """A server of these; their names of inputs and outputs are asked of it by `name_tensors`."""
    return Server(program, fixtures, folder="shared_models", options=options,
                  others={f"{model.name}.h5": model.path for model in models})


def name_tensors(model, metadata):
    """`metadata` is what /v2/models/NAME says."""
    model.input_names = [x["name"] for x in metadata["inputs"]]
    model.output_names = [x["name"] for x in metadata["outputs"]]
    assert len(model.input_names) == len(model.inputs) and len(model.output_names) == len(model.outputs), metadata


def check(model, answer, rows=slice(None)):
    """`answer` has arrays by name of output."""
    assert sorted(answer) == sorted(model.output_names), (model.name, list(answer))
    for name, wanted in zip(model.output_names, model.outputs):
        got, wanted = answer[name].astype(numpy.float64), wanted[rows]
        assert got.shape == wanted.shape, (model.name, got.shape, wanted.shape)
        off = numpy.max(numpy.abs(got - wanted) / numpy.maximum(1, numpy.abs(wanted)))
        assert off <= model.tolerance, (model.name, name, off, model.tolerance)
