#!/usr/bin/env python3
"""What `maas serve` costs beside the least its HTTP library can do, and beside ONNX Runtime behind FastAPI: processor time of
the server a request, in interleaved rounds at one rate; memory of idle connections. Prints a table.
usage: serve.py MAAS SERVE_BENCH [--python PYTHON_WITH_FASTAPI] [--rate 1000] [--seconds 3] [--rounds 5] [--idle 2000]
       serve.py MAAS SERVE_BENCH --swaps 1000     instead: memory of the server after loads and unloads"""

import argparse
import json
import os
import random
import re
import resource
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import time
import urllib.request

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("maas")
parser.add_argument("serve_bench")
parser.add_argument("--python")
parser.add_argument("--rate", type=float, default=1000)
parser.add_argument("--seconds", type=float, default=3)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--idle", type=int, default=2000)
parser.add_argument("--swaps", type=int, default=0)
options = parser.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.mkdtemp(prefix="maas-serve-bench-")


def processor_seconds(process):
    """Of the scheduler, in ns, over all its threads: the clock ticks of stat are too coarse."""
    total = 0
    for task in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def resident_bytes(process):
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def start(command):
    """A server that says where it is."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        found = re.search(r"serving .*(http://127\.0\.0\.1:\d+)", line)
        if found:
            return process, found.group(1)
    raise SystemExit(f"{command} did not start")


def start_python(model):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen([options.python, f"{here}/peers/serve_onnx.py", model, str(port)])
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(url + "/v2/health/ready"):
                return process, url
        except OSError:
            time.sleep(0.1)
    raise SystemExit("FastAPI did not start")


def load(url, *arguments):
    command = [options.maas, "load-test", url, "--rate", str(options.rate), "--seconds", str(options.seconds), "--warmup",
               "0.5", "--connections", "16", "--json", *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{command}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout)


def idle_connections(process, url, count):
    """Bytes of the process for each of so many connections that have asked once and stay."""
    port = int(url.rsplit(":", 1)[1])
    before = resident_bytes(process)
    sockets = []
    for _ in range(count):
        each = socket.create_connection(("127.0.0.1", port))
        each.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: h\r\n\r\n")
        assert b" 200 " in each.recv(65536)
        sockets.append(each)
    used = (resident_bytes(process) - before) / count
    for each in sockets:
        each.close()
    return used


def swap_versions(count):
    """A version comes, is asked, and goes, so many times."""
    process, url = start([options.maas, "serve", f"{folder}/models", "--port", "0", "--threads", "1", "--poll-seconds", "0.01"])
    body = json.dumps({"instances": [[0.5] * 100]}).encode()

    def live():
        with urllib.request.urlopen(url + "/v2/models/net") as answer:
            return json.load(answer)["versions"]

    def wait_for(version):
        while live() != [version]:
            time.sleep(0.002)
        urllib.request.urlopen(urllib.request.Request(url + "/v1/models/net:predict", data=body)).read()

    after = {}
    for i in range(1, count + 1):
        shutil.copytree(f"{folder}/models/net/1", f"{folder}/next")
        os.rename(f"{folder}/next", f"{folder}/models/net/2")
        wait_for("2")
        shutil.rmtree(f"{folder}/models/net/2")
        wait_for("1")
        after[i] = resident_bytes(process) / 2**20
    print(f"Resident after 10 loads and unloads {after[10]:.1f} MiB, after {count} {after[count]:.1f} MiB: "
          f"{after[count] / after[10]:.3f} times.")
    process.kill()


subprocess.run([options.serve_bench, "models", folder], check=True)
if options.swaps:
    swap_versions(options.swaps)
    raise SystemExit
row = [random.Random(1).random() for _ in range(100)]
with open(f"{folder}/body.json", "w") as file:
    json.dump({"instances": [row]}, file)
with open(f"{folder}/body.bin", "wb") as file:
    file.write(struct.pack("<100f", *row))

maas, maas_url = start([options.maas, "serve", f"{folder}/models", "--port", "0", "--threads", "1", "--max-connections",
                        str(options.idle + 100)])
empty, empty_url = start([options.serve_bench, "empty", "40"])
# The same bytes to both.
binary = ["--model", "net", "--form", "binary"]
cases = {
    "empty handler, binary body": (empty, empty_url + "/raw", ["--body", f"{folder}/body.bin"]),
    "maas, binary body (`/v2/.../infer`)": (maas, maas_url, binary),
    "empty handler, JSON body": (empty, empty_url + "/json", ["--body", f"{folder}/body.json"]),
    "maas, JSON body (`:predict`)": (maas, maas_url + "/v1/models/net:predict", ["--body", f"{folder}/body.json"]),
}
processes = [maas, empty]
if options.python:
    python, python_url = start_python(f"{folder}/net.onnx")
    processes.append(python)
    cases["ONNX Runtime, FastAPI, bytes"] = (python, python_url + "/bytes", ["--body", f"{folder}/body.bin"])
    cases["ONNX Runtime, FastAPI, JSON"] = (python, python_url + "/json", ["--body", f"{folder}/body.json"])

figures = {name: [] for name in cases}
for _ in range(options.rounds):
    for name, (process, url, arguments) in cases.items():
        before = processor_seconds(process)
        result = load(url, *arguments)
        # The warm-up's requests cost as well.
        requests = result["requests"] * (1 + 0.5 / options.seconds)
        figures[name].append((1e6 * (processor_seconds(process) - before) / requests, result["latency_ms"]["p50"],
                              result["latency_ms"]["p99"]))

print(f"At {options.rate:g} requests a second on 16 connections, {options.rounds} rounds of {options.seconds:g} s, medians:\n")
print("| | processor time a request | p50 | p99 |\n| --- | --- | --- | --- |")
for name, rounds in figures.items():
    time_us, p50, p99 = (statistics.median(column) for column in zip(*rounds))
    print(f"| {name} | {time_us:.1f} us | {p50:.3f} ms | {p99:.3f} ms |")
print(f"\nAn idle connection that has asked once, of {options.idle}: maas "
      f"{idle_connections(maas, maas_url, options.idle) / 1024:.1f} KiB, the empty handler "
      f"{idle_connections(empty, empty_url, options.idle) / 1024:.1f} KiB of the process.")
for process in processes:
    process.kill()
