#!/usr/bin/env python3
"""What `maas serve` costs beside the least its HTTP library can do, and beside ONNX Runtime behind FastAPI and MLServer,
and how it holds out. Prints tables. Parts:
cost      processor time of the server a request, in rounds at one rate, each in an order of its own (with --before:
          another maas, with --python: FastAPI, with --mlserver: MLServer, too). The empty handler is sent the very bytes
          that maas is, reads them, and answers with as many bytes and the same headers as maas does
instructions  of the server a request, under valgrind's callgrind (with --before, too): the same on a busy machine
calls     of the system a request, under strace
half      latencies at the rate at which the processor of maas is busy half of the time
batching  answers a second with and without batches, at 1, 16 and 64 such clients (wrk)
overload  good answers a second where twice as many are asked for as can be given; with 2048 clients more than the queue
          has room for
idle      memory of idle connections; answers a second beside them and 100 slow ones
train     latencies while a train job runs, and while an empty loop does in its place
beside    latencies of a light model beside a heavy one that is asked as fast as it answers
swaps     memory of the server after loads and unloads
In half and overload the servers have a processor of their own, the first, and who asks has the last one. In half they go
before whatever else runs there (nice -20, where that is allowed): a stall of some ms, by others, of a few in a second
makes a hundredth of all requests late, whoever answers them.
usage: serve.py MAAS SERVE_BENCH [PART...] [--before MAAS] [--python PYTHON_WITH_FASTAPI] [--mlserver MLSERVER]
                [--rate 1000] [--seconds 3] [--rounds 5] [--idle 10000] [--swaps 1000]"""

import argparse
import atexit
import http.client
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request

PARTS = ["cost", "instructions", "calls", "half", "batching", "overload", "idle", "train", "beside", "swaps"]
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("maas")
parser.add_argument("serve_bench")
parser.add_argument("parts", nargs="*", metavar="PART")
parser.add_argument("--before", help="another maas program, measured beside")
parser.add_argument("--python")
parser.add_argument("--mlserver", help="its program; PEERS/mlserver_onnx.py says which packages it needs beside it")
parser.add_argument("--rate", type=float, default=1000)
parser.add_argument("--seconds", type=float, default=3)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--idle", type=int, default=10000)
parser.add_argument("--swaps", type=int, default=1000)
parser.add_argument("--profiles", help="a folder that callgrind's profiles are kept in")
options = parser.parse_args()
if not set(options.parts) <= set(PARTS):
    parser.error(f"expected parts of {', '.join(PARTS)}")
here = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.mkdtemp(prefix="maas-serve-bench-")
if options.profiles:
    os.makedirs(options.profiles, exist_ok=True)


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
    atexit.register(process.kill)
    for line in process.stdout:
        found = re.search(r"serving .*(http://127\.0\.0\.1:\d+)", line)
        if found:
            return process, found.group(1)
    raise SystemExit(f"{command} did not start")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def when_ready(process, url):
    for _ in range(600):
        try:
            with urllib.request.urlopen(url + "/v2/health/ready"):
                return process, url
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{process.args} did not start")


def start_python(model):
    port = free_port()
    process = subprocess.Popen([options.python, f"{here}/peers/serve_onnx.py", model, str(port)])
    atexit.register(process.kill)
    return when_ready(process, f"http://127.0.0.1:{port}")


def start_mlserver(model):
    home, port = f"{folder}/mlserver", free_port()
    os.makedirs(f"{home}/net")
    with open(f"{home}/settings.json", "w") as file:
        json.dump({"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
                   "parallel_workers": 0, "debug": False}, file)
    with open(f"{home}/net/model-settings.json", "w") as file:
        json.dump({"name": "net", "implementation": "mlserver_onnx.OnnxModel", "parameters": {"uri": model}}, file)
    with open(f"{folder}/mlserver.log", "w") as log:  # it says a line for each request
        process = subprocess.Popen([options.mlserver, "start", home], stdout=log, stderr=log,
                                   env={**os.environ, "PYTHONPATH": f"{here}/peers"})
    atexit.register(process.kill)
    return when_ready(process, f"http://127.0.0.1:{port}")


processors = sorted(os.sched_getaffinity(0))
FIRST, LAST = (["taskset", "-c", str(each)] for each in (processors[0], processors[-1]))


def ahead(on):
    """The same, before whatever else the processor has to do."""
    return ["nice", "-n", "-20", *on] if os.geteuid() == 0 else on


def load(url, *arguments, rate=None, connections=16, seconds=None, warmup=0.5, on=()):
    command = [*on, options.maas, "load-test", url, "--rate", str(rate or options.rate), "--seconds",
               str(seconds or options.seconds), "--warmup", str(warmup), "--connections", str(connections), "--json",
               *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode not in (0, 2):  # 2: not all answers were good
        raise SystemExit(f"{command}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout)


def answers_a_second(url, clients, seconds=None, on=()):
    """Of so many clients that ask as fast as they are answered."""
    seconds = seconds or options.seconds
    command = [*on, "wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "-s", f"{folder}/post.lua", "--latency", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(text)
    half = re.search(r"50%\s+([\d.]+)(us|ms|s)", text)
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
            float(half.group(1)) * {"us": 1e-3, "ms": 1, "s": 1e3}[half.group(2)])


def median_of(rounds):
    return [statistics.median(column) for column in zip(*rounds)]


def predict_url(url, model="net"):
    return f"{url}/v1/models/{model}:predict"


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


def serve(*arguments, on=(), program=None):
    return start([*on, program or options.maas, "serve", f"{folder}/models", "--port", "0", "--threads", "1", *arguments])


class Question:
    """A prediction's request, and what it is answered with."""

    def __init__(self, url, path, content_type, body, headers={}):
        self.path, self.file = path, f"{folder}/body{len(os.listdir(folder))}"
        with open(self.file, "wb") as file:
            file.write(body)
        self.arguments = ["--body", self.file, "--content-type", content_type]
        for name, value in headers.items():
            self.arguments += ["--header", f"{name}: {value}"]
        connection = http.client.HTTPConnection(url.removeprefix("http://"))
        connection.request("POST", path, body, {"Content-Type": content_type, **headers})
        answer = connection.getresponse()
        self.answer_bytes = len(answer.read())
        assert answer.status == 200
        own = ("Date", "Content-Length", "Connection")  # the library's
        self.answer_headers = [text for pair in answer.getheaders() if pair[0] not in own for text in pair]

    def serve_empty(self, on=()):
        """The empty handler, which answers as much."""
        return start([*on, options.serve_bench, "empty", str(self.answer_bytes), *self.answer_headers])


def binary_question(url):
    with urllib.request.urlopen(url + "/v2/models/net") as answer:
        name = json.load(answer)["inputs"][0]["name"]
    tensor = {"name": name, "shape": [1, 100], "datatype": "FP32", "parameters": {"binary_data_size": 400}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return Question(url, "/v2/models/net/infer", "application/octet-stream", head + struct.pack("<100f", *row),
                    {"Inference-Header-Content-Length": str(len(head))})


def json_question(url):
    return Question(url, "/v1/models/net:predict", "application/json", json.dumps({"instances": [row]}).encode())


JSON_BODY = ["--body", f"{folder}/body.json"]


def maas_programs():
    return {"before": options.before, "maas": options.maas} if options.before else {"maas": options.maas}


def cost():
    servers = {name: serve(program=program) for name, program in maas_programs().items()}
    maas, maas_url = servers["maas"]
    processes = [process for process, _ in servers.values()]
    cases, bases = {}, {}
    for form, question in ("binary", binary_question(maas_url)), ("JSON", json_question(maas_url)):
        empty = f"empty handler, {form} body"
        for name, (process, url) in {"empty handler": question.serve_empty(), **servers}.items():
            processes.append(process)
            cases[f"{name}, {form} body"] = (process, url + question.path, question.arguments)
            bases[f"{name}, {form} body"] = empty
    if options.python:
        python, python_url = start_python(f"{folder}/net.onnx")
        processes.append(python)
        cases["ONNX Runtime, FastAPI, bytes"] = (python, python_url + "/bytes", ["--body", f"{folder}/body.bin"])
        cases["ONNX Runtime, FastAPI, JSON"] = (python, python_url + "/json", JSON_BODY)
    if options.mlserver:
        mlserver, mlserver_url = start_mlserver(f"{folder}/net.onnx")
        processes.append(mlserver)
        with urllib.request.urlopen(maas_url + "/v2/models/net") as answer:
            tensor = {"name": json.load(answer)["inputs"][0]["name"], "shape": [1, 100], "datatype": "FP32", "data": row}
        with open(f"{folder}/v2.json", "w") as file:
            json.dump({"inputs": [tensor]}, file)
        infer = ["--body", f"{folder}/v2.json"]
        cases["maas, JSON body (`/v2/.../infer`)"] = (maas, maas_url + "/v2/models/net/infer", infer)
        cases["ONNX Runtime, MLServer, JSON (`/v2/.../infer`)"] = (mlserver, mlserver_url + "/v2/models/net/infer", infer)
    figures = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, (process, url, arguments) in random.sample(list(cases.items()), len(cases)):
            before = processor_seconds(process)
            result = load(url, *arguments)
            # The warm-up's requests cost as well.
            requests = result["requests"] * (1 + 0.5 / options.seconds)
            figures[name].append((1e6 * (processor_seconds(process) - before) / requests, result["latency_ms"]["p50"],
                                  result["latency_ms"]["p99"]))
    print(f"At {options.rate:g} requests a second on 16 connections, {options.rounds} rounds of {options.seconds:g} s, "
          "medians and quartiles, and the least of all rounds:\n\n| | processor time a request | against the empty handler "
          "| least | against its least | p50 | p99 |\n" + "| --- " * 7 + "|")
    for name, rounds in figures.items():
        _, p50, p99 = median_of(rounds)
        ratio, least_ratio, least = "", "", min(rounds)[0]
        if name in bases:
            base = figures[bases[name]]
            ratio = quartiles([each[0] / other[0] for each, other in zip(rounds, base)], 2)
            least_ratio = f"{least / min(base)[0]:.2f}"
        print(f"| {name} | {quartiles([each[0] for each in rounds], 1)} us | {ratio} | {least:.1f} us | {least_ratio} | "
              f"{p50:.3f} ms | {p99:.3f} ms |")
    return processes


def quartiles(values, digits):
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def instructions_in(profile):
    """Of each function, without those it calls: a profile of callgrind names a function once, by a number from then on."""
    costs, names, function, is_call = {}, {}, None, False
    with open(profile) as file:
        for line in file:
            named = re.match(r"(c?fn)=\((\d+)\)(?: (.*))?$", line)
            if named:
                if named.group(3):
                    names[named.group(2)] = named.group(3)
                if named.group(1) == "fn":
                    function = names[named.group(2)]
            elif line.startswith("calls="):
                is_call = True  # the next line has the cost of what was called
            elif re.match(r"[\d+*-]", line):
                if not is_call:
                    costs[function] = costs.get(function, 0) + int(line.split()[1])
                is_call = False
    return costs


def instructions():
    """All that the process does while it answers, but for the clearing of memory by the library."""
    requests = 2000
    maas, maas_url = serve()
    questions = {"binary": binary_question(maas_url), "JSON": json_question(maas_url)}
    maas.kill()
    # Under valgrind the measured runs of a network are as slow as all else: they would be handed to another thread.
    commands = {name: [program, "serve", f"{folder}/models", "--port", "0", "--threads", "1", "--at-once-us", "1000000"]
                for name, program in maas_programs().items()}
    print("| | instructions a request | of these clear memory |\n| --- | --- | --- |")
    for form, question in questions.items():
        empty = [options.serve_bench, "empty", str(question.answer_bytes), *question.answer_headers]
        for name, command in {"empty handler": empty, **commands}.items():
            profile = f"{folder}/callgrind-{form}-{name.replace(' ', '-')}"
            process, url = start(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", *command])
            url += question.path
            for count in 500, requests:
                subprocess.run(["callgrind_control", "-z", str(process.pid)], check=True, capture_output=True)
                load(url, *question.arguments, rate=200, seconds=count / 200, warmup=0, connections=4)
            subprocess.run(["callgrind_control", "-d", str(process.pid)], check=True, capture_output=True)
            process.kill()
            process.wait()
            dumped = max((each for each in os.listdir(folder) if each.startswith(os.path.basename(profile) + ".")),
                         key=lambda each: os.path.getmtime(f"{folder}/{each}"))
            costs = instructions_in(f"{folder}/{dumped}")
            total, clearing = sum(costs.values()), sum(count for name, count in costs.items() if "memset" in name)
            print(f"| {name}, {form} body | {(total - clearing) / requests:.0f} | {clearing / requests:.0f} |", flush=True)
            if options.profiles:
                shutil.copy(f"{folder}/{dumped}", f"{options.profiles}/{os.path.basename(profile)}")
    return []


def calls():
    maas, maas_url = serve()
    question = binary_question(maas_url)
    empty, empty_url = question.serve_empty()
    for name, (process, url) in {"empty handler": (empty, empty_url), "maas": (maas, maas_url)}.items():
        load(url + question.path, *question.arguments, seconds=1)
        tracer = subprocess.Popen(["strace", "-f", "-c", "-o", f"{folder}/strace", "-p", str(process.pid)],
                                  stderr=subprocess.DEVNULL)
        time.sleep(1)
        result = load(url + question.path, *question.arguments, rate=200, warmup=0)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        counts = {}
        with open(f"{folder}/strace") as file:
            for line in file:
                words = line.split()
                if len(words) >= 5 and words[0][0].isdigit() and words[-1] != "total":
                    counts[words[-1]] = int(words[3])
        print(f"{name}: " + ", ".join(f"{count / result['requests']:.2f} {call}" for call, count in counts.items()
                                      if count >= result["requests"] / 100) + " a request")
    return [maas, empty]


def busy_shares(process, url, rate, seconds):
    """Of a server's processor and of the generator's, while so much is asked."""
    def generators():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    server, generator = processor_seconds(process), generators()
    latency = load(url, *JSON_BODY, rate=rate, warmup=0, seconds=seconds, on=ahead(LAST))["latency_ms"]
    return (processor_seconds(process) - server) / seconds, (generators() - generator) / seconds, latency


def half_rate(process, url):
    """At which its processor is busy half of the time."""
    rate = 20000
    for _ in range(6):
        rate *= 0.5 / busy_shares(process, url, rate, 1)[0]
    return rate


def half():
    maas, maas_url = serve(on=ahead(FIRST))
    question = json_question(maas_url)
    empty, empty_url = question.serve_empty(on=ahead(FIRST))
    rate = half_rate(maas, predict_url(maas_url))
    cases = {"empty handler": (empty, predict_url(empty_url)), "maas": (maas, predict_url(maas_url))}
    figures = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, case in cases.items():
            server, generator, latency = busy_shares(*case, rate, options.seconds)
            figures[name].append((latency["p50"], latency["p99"], 100 * server, 100 * generator))
    print(f"At {rate:.0f} requests a second, medians of {options.rounds} rounds, and of p99 quartiles and the least:\n\n"
          "| | p50 | p99 | least | processor of the server | of the generator |\n" + "| --- " * 6 + "|")
    for name, rounds in figures.items():
        p50, _, server, generator = median_of(rounds)
        tails = [each[1] for each in rounds]
        print(f"| {name} | {p50:.3f} ms | {quartiles(tails, 3)} ms | {min(tails):.3f} ms | {server:.0f} % | {generator:.0f} % |")
    return [maas, empty]


def batching():
    on, on_url = serve()
    off, off_url = serve("--no-batching")
    print("| network | clients | with batches | without | | p50 with | without |\n" + "| --- " * 7 + "|")
    for model in "net", "wide":
        for clients in 1, 16, 64:
            figures = {on_url: [], off_url: []}
            for _ in range(options.rounds):
                for url, rounds in figures.items():
                    rounds.append(answers_a_second(predict_url(url, model), clients))
            (rate, p50), (other_rate, other_p50) = median_of(figures[on_url]), median_of(figures[off_url])
            print(f"| {model} | {clients} | {rate:.0f}/s | {other_rate:.0f}/s | {rate / other_rate:.2f} | {p50:.3f} ms | "
                  f"{other_p50:.3f} ms |")
    return [on, off]


def overload():
    maas, url = serve(on=FIRST)
    print("| network | clients | answers a second to 64 | of twice as many: good | refused | |\n" + "| --- " * 6 + "|")
    for model, clients in ("net", 256), ("wide", 256), ("heavy", 256), ("heavy", 2048):
        rounds = []
        for _ in range(options.rounds):
            most, _ = answers_a_second(predict_url(url, model), 64, on=LAST)
            # No warm-up: what is left of it would be answered in the time of those that count.
            result = load(predict_url(url, model), *JSON_BODY, rate=2 * most, connections=clients, warmup=0, on=LAST)
            refused = result["statuses"].get("503", 0) / result["requests"]
            rounds.append((most, result["good_rate"], refused, result["good_rate"] / most))
        most, good, refused, ratio = median_of(rounds)
        print(f"| {model} | {clients} | {most:.0f} | {good:.0f}/s | {100 * refused:.0f} % | {ratio:.2f} |")
    return [maas]


def ask(connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert b" 200 " in connection.recv(65536)


class SlowClients(threading.Thread):
    """So many that send a byte of a head each second, and come again when they are cut off."""

    def __init__(self, port, count):
        super().__init__(daemon=True)
        self.address, self.count, self.ending = ("127.0.0.1", port), count, threading.Event()

    def run(self):
        sockets = [socket.create_connection(self.address) for _ in range(self.count)]
        while not self.ending.wait(1):
            for i, each in enumerate(sockets):
                try:
                    each.sendall(b"x")
                except OSError:
                    sockets[i] = socket.create_connection(self.address)


def idle():
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    maas, url = serve("--max-connections", str(options.idle + 400))
    port = int(url.rsplit(":", 1)[1])
    answers_a_second(predict_url(url), 16, 1)
    before, alone, beside = resident_bytes(maas), [], []
    for _ in range(options.rounds):
        alone.append(answers_a_second(predict_url(url), 16)[0])
        sockets = []
        for _ in range(options.idle):
            sockets.append(socket.create_connection(("127.0.0.1", port)))
            ask(sockets[-1], "/v2/health/live")
        slow = SlowClients(port, 100)
        slow.start()
        for _ in range(300):
            held = (resident_bytes(maas) - before) / options.idle
            if held < 8 * 1024:
                break
            time.sleep(0.1)
        beside.append(answers_a_second(predict_url(url), 16)[0])
        slow.ending.set()
        slow.join()
        for each in sockets:
            each.close()
        time.sleep(1)
    print(f"An idle connection that has asked once, of {options.idle}: {held / 1024:.1f} KiB of the process. Beside them "
          f"and 100 slow ones {statistics.median(beside):.0f} answers a second, without {statistics.median(alone):.0f}: "
          f"{statistics.median(b / a for a, b in zip(alone, beside)):.2f}.")
    return [maas]


def train():
    os.makedirs(f"{folder}/data", exist_ok=True)
    with open(f"{folder}/data/rows.csv", "w") as file:
        file.write(",".join(f"x{i}" for i in range(20)) + ",y\n")
        for _ in range(20000):
            row = [random.random() for _ in range(20)]
            file.write(",".join(f"{x:.4f}" for x in row) + f",{sum(row):.4f}\n")
    names = [f"x{i}" for i in range(20)]
    wide = {"class": "dense", "units": 256, "activation": "relu"}
    recipe = {"data": {"files": "rows.csv"}, "split": {"by": "time", "validation": 0.1, "test": 0.1},
              "pipeline": {"steps": [{"class": "standard", "columns": names}], "features": names, "targets": ["y"],
                           "out_of_range": "pass"},
              "network": {"layers": [wide, wide, {"class": "dense", "units": 1}]},
              "training": {"optimizer": {"class": "adam"}, "loss": "mean_squared_error", "epochs": 1000}}
    maas, url = serve("--state", f"{folder}/state", "--job-data", f"{folder}/data", "--open-admin")

    def post(path, value):
        request = urllib.request.Request(url + path, json.dumps(value).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    alone, beside, busy = [], [], []
    for _ in range(options.rounds):
        alone.append(load(predict_url(url), *JSON_BODY)["latency_ms"])
        # What the machine itself does to latencies where its last processor is busy.
        loop = subprocess.Popen(["chrt", "-i", "0", *LAST, "sh", "-c", "while :; do :; done"])
        busy.append(load(predict_url(url), *JSON_BODY)["latency_ms"])
        loop.kill()
        loop.wait()
        job = post("/v1/jobs", {"model": "made", "recipe": recipe})["id"]
        time.sleep(2)
        beside.append(load(predict_url(url), *JSON_BODY)["latency_ms"])
        with urllib.request.urlopen(f"{url}/v1/jobs/{job}") as answer:
            state = json.load(answer)
        assert state["state"] == "running", state
        post(f"/v1/jobs/{job}:cancel", {})
        time.sleep(1)
    for what in "p50", "p99":
        a, b, c = (statistics.median(each[what] for each in rounds) for rounds in (alone, beside, busy))
        print(f"{what} at {options.rate:g} requests a second: {a:.3f} ms alone, {b:.3f} ms while a training runs: "
              f"{b / a:.2f}; {c:.3f} ms while an empty loop runs on the last processor: {c / a:.2f}.")
    return [maas]


def beside():
    maas, url = serve()
    rate, alone, both = 200, [], []
    for _ in range(options.rounds):
        alone.append(load(predict_url(url), *JSON_BODY, rate=rate, connections=4)["latency_ms"])
        other = threading.Thread(target=answers_a_second, args=(predict_url(url, "heavy"), 64, options.seconds + 2))
        other.start()
        time.sleep(0.5)
        both.append(load(predict_url(url), *JSON_BODY, rate=rate, connections=4)["latency_ms"])
        other.join()
    for what in "p50", "p99":
        a, b = (statistics.median(each[what] for each in rounds) for rounds in (alone, both))
        print(f"light, {what} at {rate} requests a second: {a:.3f} ms alone, {b:.3f} ms beside a heavy one: {b / a:.2f}.")
    return [maas]


def swaps():
    swap_versions(options.swaps)
    return []


subprocess.run([options.serve_bench, "models", folder], check=True)
row = [random.Random(1).random() for _ in range(100)]
with open(f"{folder}/body.json", "w") as file:
    json.dump({"instances": [row]}, file)
with open(f"{folder}/body.bin", "wb") as file:
    file.write(struct.pack("<100f", *row))
with open(f"{folder}/post.lua", "w") as file:
    file.write('wrk.method = "POST"\nwrk.body = [==[' + json.dumps({"instances": [row]}) + "]==]\n")
for part in options.parts or ["cost"]:
    print(f"\n## {part}\n", flush=True)
    for process in globals()[part]():
        process.kill()
        process.wait()
