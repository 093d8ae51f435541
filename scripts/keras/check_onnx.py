"""Runs the files that write_onnx wrote in ONNX Runtime, and compares with the predictions of maas.

usage: check_onnx.py FOLDER [--only TEXT]

Ends with status 1 if a file is not valid ONNX, does not run, or predicts otherwise.
"""
import argparse
import csv
import os
import sys

import numpy as np
import onnxruntime


def read_numbers(path):
    with open(path) as file:
        shape = [int(size) for size in file.readline().split()[-1].split("x")]
        return np.array([float(x) for line in file for x in line.split(",")], np.float32).reshape(shape)


def check(folder, row):
    """What is wrong, or nothing; and the largest difference."""
    base = os.path.join(folder, row["name"])
    try:
        session = onnxruntime.InferenceSession(base + ".onnx", providers=["CPUExecutionProvider"])
        inputs = {one.name: read_numbers(f"{base}.x{i}.csv") for i, one in enumerate(session.get_inputs())}
        outputs = session.run(None, inputs)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:300]}", 0.0
    expected = [read_numbers(f"{base}.y{i}.csv") for i in range(int(row["outputs"]))]
    if [y.shape for y in outputs] != [y.shape for y in expected]:
        return f"shapes are {[y.shape for y in outputs]}, expected {[y.shape for y in expected]}", 0.0
    # Single numbers beside the size of all: sums of floats are added up in another order.
    worst = max(np.max(np.abs(a - b)) / max(1.0, np.max(np.abs(b))) for a, b in zip(outputs, expected))
    return (None if worst <= 1e-5 else f"predictions differ by {worst:.3g}"), float(worst)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    with open(os.path.join(arguments.folder, "onnx.tsv")) as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if arguments.only in row["name"]]
    wrong, largest = 0, 0.0
    for row in rows:
        problem, worst = check(arguments.folder, row)
        largest = max(largest, worst)
        if problem:
            wrong += 1
            print(f"{row['name']}: {problem}", flush=True)
    print(f"ONNX Runtime {onnxruntime.__version__}: {len(rows)} files run, largest difference {largest:.2g}")
    sys.exit(1 if wrong or not rows else 0)


if __name__ == "__main__":
    main()
