"""Loads the files that write_models wrote in real Keras 3 and tf_keras, and compares.

usage: check_written.py FOLDER [--only TEXT] [--in keras_3 tf_keras keras_2]

For every file of FOLDER/cases.tsv: the model loads, its predictions are those of maas, and where it is compiled one
more batch trains it. Where a case says that this Keras resumes, that batch leads to the predictions that maas has after
the same batch. A file that a Keras is expected to refuse must be refused. Where there are files of weights alone beside
it, a model whose weights were lost gets them back. Ends with status 1 if anything is otherwise.
"""
import argparse
import csv
import logging
import os
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
warnings.filterwarnings("ignore")

import numpy as np

logging.getLogger("absl").setLevel(logging.ERROR)


def load_keras(which):
    if which != "tf_keras":
        import keras

        assert keras.__version__.startswith(which[-1] + "."), keras.__version__
        return keras
    import tf_keras

    return tf_keras


def read_numbers(path):
    with open(path) as file:
        shape = [int(size) for size in file.readline().split()[-1].split("x")]
        return np.array([float(x) for line in file for x in line.split(",")]).reshape(shape)


def difference(a, b):
    if a.shape != b.shape:
        return np.inf
    return float(np.max(np.abs(a - b) / np.maximum(1, np.abs(b)), initial=0))


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


class Case:
    def __init__(self, folder, row):
        self.name = row["file"]
        self.base = os.path.join(folder, row["name"])
        self.path = os.path.join(folder, row["file"])
        self.row = row
        self.inputs = [read_numbers(f"{self.base}.x{i}.csv") for i in range(int(row["inputs"]))]
        self.outputs = [read_numbers(f"{self.base}.y{i}.csv") for i in range(int(row["outputs"]))]

    def says(self, key):
        """What is said of tf_keras holds for Keras 2 as well, from which it comes."""
        return self.row[key.replace("keras_2", "tf_keras")] == "1"

    def predict(self, model):
        given = self.inputs if len(self.inputs) > 1 else self.inputs[0]
        return [np.asarray(y) for y in as_list(model(given, training=False))]

    def check(self, keras, which):
        """What is wrong, or nothing."""
        load_model = (keras.saving if which == "keras_3" else keras.models).load_model
        try:
            model = load_model(self.path)
        except Exception as error:
            if not self.says(which):
                return None
            return f"is not loaded: {type(error).__name__}: {str(error).splitlines()[0][:300]}"
        tolerance = 1e-6
        try:
            predicted = self.predict(model)
        except Exception as error:
            return f"does not predict: {type(error).__name__}: {str(error).splitlines()[0][:300]}"
        worst = max(difference(a, b) for a, b in zip(predicted, self.outputs))
        if not self.says(which):
            # Loading is not enough for a refusal: numbers that differ are one, too.
            return None if worst > tolerance else "was expected to be refused"
        if len(predicted) != len(self.outputs) or worst > tolerance:
            return f"predictions differ by {worst:.3g}"
        problem = self.check_weights(load_model)
        if problem:
            return problem
        if not self.says("compiled"):
            return None
        if model.optimizer is None:
            return "is not compiled"
        if which == "keras_3" and not self.says("keras_3_trains"):
            return None  # Keras 3 cannot train a model of an .h5 that holds the state of an optimizer
        try:
            return self.check_training(model, which)
        except Exception as error:
            return f"does not train: {type(error).__name__}: {str(error).splitlines()[0][:300]}"

    def check_weights(self, load_model):
        """Weights alone, in the form of Keras 3 and in that of Keras 2, read into a model that is not compiled: what
        tf_keras has compiled, metrics included, it expects in the file."""
        for ending in (".weights.h5", ".old_weights.h5"):
            if not os.path.exists(self.base + ending):
                continue
            model = load_model(self.path, compile=False)
            model.set_weights([np.zeros_like(w) for w in model.get_weights()])
            try:
                model.load_weights(self.base + ending)
            except Exception as error:
                return f"does not read {ending}: {type(error).__name__}: {str(error).splitlines()[0][:300]}"
            worst = max(difference(a, b) for a, b in zip(self.predict(model), self.outputs))
            if worst > 1e-6:
                return f"with the weights of {ending} predictions differ by {worst:.3g}"
        return None

    def check_training(self, model, which):
        model.run_eagerly = True  # saves the time of making a graph for each file
        before = [np.array(w) for w in model.get_weights()]
        target = read_numbers(self.base + ".target.csv")
        losses = model.train_on_batch(self.inputs[0], target)
        if not np.all(np.isfinite(losses)):
            return f"one more batch gives {losses}"
        moved = any(np.any(a != b) for a, b in zip(before, model.get_weights()))
        if moved != self.says("moves"):
            return "one more batch " + ("moves" if moved else "does not move") + " the weights"
        if self.says(which + "_resumes"):
            worst = difference(self.predict(model)[0], read_numbers(self.base + ".next.csv"))
            if worst > 2e-6:
                return f"one more batch leads elsewhere: predictions differ by {worst:.3g}"
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--in", dest="which", nargs="+", default=["keras_3", "tf_keras"])
    arguments = parser.parse_args()
    with open(os.path.join(arguments.folder, "cases.tsv")) as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if arguments.only in row["file"]]
    wrong = 0
    for which in arguments.which:
        keras = load_keras(which)
        for row in rows:
            problem = Case(arguments.folder, row).check(keras, which)
            if problem:
                wrong += 1
                print(f"{which} {keras.__version__}: {row['file']}: {problem}", flush=True)
        print(f"{which} {keras.__version__}: {len(rows)} files checked", flush=True)
    sys.exit(1 if wrong or not rows else 0)


if __name__ == "__main__":
    main()
