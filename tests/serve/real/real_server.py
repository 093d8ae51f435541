"""The real `maas serve` with models of real Keras, for the scripts beside this one."""

import math
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

TOKEN = "a-token-for-tests"


def numbers(path):
    """Rows of a CSV file, without the lines that are comments."""
    with open(path) as file:
        return [[float(x) for x in line.split(",")] for line in file if not line.startswith("#")]


class Server:
    """Serves a folder with `two_inputs` (version 3, .keras) and `flat` (.h5) until the block ends."""

    def __init__(self, program, fixtures, folder="models", options=(), others=()):
        """`others` are files by the name that they get in the folder."""
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(f"{folder}/two_inputs/3")
        shutil.copy(f"{fixtures}/io/tf_keras.keras", f"{folder}/two_inputs/3/model.keras")
        shutil.copy(f"{fixtures}/resume/adam.k2.h5", f"{folder}/flat.h5")
        for name in others:
            shutil.copy(others[name], f"{folder}/{name}")
        with open("token.txt", "w") as file:
            file.write(f"# for tests\n{TOKEN}  # the only one\n")
        self.left = numbers(f"{fixtures}/io/tf_keras.x0.csv")
        self.right = numbers(f"{fixtures}/io/tf_keras.x1.csv")
        self.expected = [row[0] for row in numbers(f"{fixtures}/io/tf_keras.y.csv")]
        self.process = subprocess.Popen(
            [program, "serve", folder, "--port", "0", "--poll-seconds", "0.05", "--token-file", "token.txt",
             "--drain-delay", "5", "--threads", "2", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.url = ""
        said = self.said = []
        while not self.url:
            line = self.process.stdout.readline()
            assert line, f"the server ended: {said}"
            said.append(line)
            found = re.match(r"serving .* at (https?://127\.0\.0\.1:\d+)$", line)
            self.url = found.group(1) if found else ""
        assert "two_inputs version 3\n" in said and "flat version 1\n" in said, said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def ask(self, path, body=None, headers=None, token=TOKEN):
        """Status, headers and body of an answer."""
        request = urllib.request.Request(self.url + path, data=body, headers=dict(headers or {}))
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)


def wait_until(done, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.02)
    return False


def close(got, expected, tolerance=1e-6):
    """Numbers of another library's arithmetic: the fixture's were computed by TensorFlow."""
    assert len(got) == len(expected), (got, expected)
    for a, b in zip(got, expected):
        assert abs(a - b) <= tolerance, (got, expected)


def recipe_of_waves(folder):
    """Two sensors five minutes apart, a small forecaster of them, intervals that follow and an alarm; writes their data."""
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/waves.csv", "w") as file:
        file.write("time,north,south\n")
        for i in range(400):
            file.write(f"2024-01-{1 + i // 288:02d} {i // 12 % 24:02d}:{i % 12 * 5:02d},{50 + 10 * math.sin(0.3 * i):.4f},{20 + 4 * math.sin(0.2 * i):.4f}\n")
    return {"data": {"files": "waves.csv"}, "split": {"validation": 0.2},
            "forecast": {"time": "time", "windows": {"lags": 4, "horizons": [1, 3]}, "scale_each": True, "time_of_day": True,
                         "intervals": {"coverage": 0.8, "rate": 0.1, "window": 20}, "alarm": {"value": 45}},
            "network": {"layers": [{"class": "dense", "units": 8, "activation": "relu"}], "embedding": 2},
            "training": {"optimizer": "adam", "loss": "mse", "epochs": 3}}
