"""examples/mnist in Keras: the same network, data, optimizer, batch size and epochs.

usage: mnist_mlp.py [--data FOLDER] [--epochs N] [--seeds N]
"""
import argparse
import gzip
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np


def read_idx(path):
    with gzip.open(path) as file:
        content = file.read()
    axes = content[3]
    sizes = np.frombuffer(content, ">i4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(sizes)


def read_digits(start):
    images = read_idx(start + "-images-idx3-ubyte.gz")
    labels = read_idx(start + "-labels-idx1-ubyte.gz")
    return images.reshape(len(images), -1).astype("float32") / 255, labels.astype("int32")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="../shared/data/mnist")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    x, y = read_digits(arguments.data + "/train")
    x_test, y_test = read_digits(arguments.data + "/t10k")
    accuracies = []
    for seed in range(1, arguments.seeds + 1):
        keras.utils.set_random_seed(seed)
        start = time.perf_counter()
        model = keras.Sequential(
            [
                keras.Input((784,)),
                keras.layers.Dense(512, activation="relu"),
                keras.layers.Dropout(0.2),
                keras.layers.Dense(512, activation="relu"),
                keras.layers.Dropout(0.2),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])
        model.fit(x, y, batch_size=128, epochs=arguments.epochs, verbose=0)
        accuracies.append(model.evaluate(x_test, y_test, verbose=0)[1])
        seconds = time.perf_counter() - start
        print(f"seed {seed}: test accuracy {100 * accuracies[-1]:.2f} %, {seconds:.1f} s", flush=True)
    print(f"mean test accuracy {100 * np.mean(accuracies):.2f} %")


if __name__ == "__main__":
    main()
