"""Each limit of the real `maas serve`, set low by its option alone, so that an option that reaches another limit is noticed; and the
defaults that --help tells of.
usage: ask_limits.py PROGRAM FIXTURES"""

import concurrent.futures
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from real_server import wait_until

program, fixtures = sys.argv[1:3]
HELP = subprocess.run([program, "serve", "--help"], capture_output=True, text=True, check=True).stdout
ROW = [0.5] * 5
DEFAULTS = {  # as the specification of the service has them
    "--max-header-bytes": 16 << 10, "--max-body-bytes": 64 << 20, "--max-json-depth": 32, "--max-elements": 16 << 20,
    "--max-rows": 4096, "--max-connections": 4096, "--head-seconds": 10, "--min-body-rate": 16 << 10,
    "--body-grace-seconds": 10, "--idle-seconds": 75, "--write-seconds": 30, "--max-model-queue": 1024,
    "--max-held-bytes": 256 << 20, "--max-token-calls": 0, "--drain-delay": 5, "--drain-timeout": 25, "--max-headers": 100,
    "--max-uri-bytes": 8 << 10, "--max-index": 10000, "--load-seconds": 300, "--loads-at-once": 1, "--receive-seconds": 0,
    "--max-model-bytes": 0,
    "--pipelined-requests": 1,  # the library's own: docs/guide/serving.md
    "--max-model-rows": 16 << 10}  # but this one: docs/decisions/0011


class Serving:
    """`maas serve` of a folder, until the block ends."""

    def __init__(self, *options, folder="limits_models"):
        self.process = subprocess.Popen([program, "serve", folder, "--port", "0", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.port, said = 0, []
        while not self.port:
            line = self.process.stdout.readline()
            assert line, (options, said)
            said.append(line)
            found = re.match(r"serving .* at http://127\.0\.0\.1:(\d+)$", line)
            self.port = int(found.group(1)) if found else 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, path, body=None, headers=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def predict(self, body, headers=None):
        return self.ask("/v1/models/flat:predict", body if isinstance(body, bytes) else json.dumps(body).encode(), headers)

    def connect(self, text=b"", small_window=False):
        connection = socket.socket()
        if small_window:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(text)
        return connection

    def statuses_of_many(self, headers=None, wanted=()):
        """Of long predictions by 12 clients at once, until all that are wanted have been seen, or for some seconds."""
        body = json.dumps({"instances": [ROW] * 4096}).encode()
        seen, end = {}, time.monotonic() + 20

        def client():
            while time.monotonic() < end and not set(wanted) <= seen.keys():
                status, text = self.predict(body, headers)
                seen.setdefault(status, text)

        threads = [threading.Thread(target=client) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return seen


def rows(count):
    return {"instances": [ROW] * count}


def status_and_end(connection, seconds):
    """The status line's number (0 for none) of what comes until the other side closes, and how long that took."""
    start, said = time.monotonic(), b""
    connection.settimeout(seconds)
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionResetError:
        pass
    except TimeoutError:
        return None, seconds
    return int(said.split()[1]) if said else 0, time.monotonic() - start


def status_and_end_of(connect, seconds):
    """The same of a connection that is made now: its time counts from before that."""
    start = time.monotonic()
    status, _ = status_and_end(connect(), seconds)
    return status, time.monotonic() - start


def heads(server):
    assert server.predict(rows(1), {"X-Long": "x" * 500})[0] == 200
    status, _ = status_and_end(server.connect(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX-Long: " + b"x" * 3000 + b"\r\n\r\n"), 10)
    assert status == 431, status


def bodies(server):
    assert server.predict(rows(10))[0] == 200 and server.predict(rows(200))[0] == 413


def depth(server):
    assert server.predict(rows(1))[0] == 200
    status, text = server.predict(b'{"instances": [[[[[1]]]]]}')
    assert status == 400 and "deep" in text, text


def elements(server):
    assert server.predict(rows(4))[0] == 200 and server.predict(rows(5))[0] == 413


def most_rows(server):
    assert server.predict(rows(4))[0] == 200 and server.predict(rows(5))[0] == 413


def connections(server):
    """The third is let in when one of the others has gone."""
    held = [server.connect(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n") for _ in range(2)]
    assert all(connection.recv(1000).startswith(b"HTTP/1.1 200") for connection in held)
    third = server.connect(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
    third.settimeout(0.5)
    try:
        raise AssertionError(third.recv(1000))
    except TimeoutError:
        pass
    held[0].close()
    third.settimeout(20)
    assert third.recv(1000).startswith(b"HTTP/1.1 200")


def held_bytes(server):
    assert server.predict(rows(1))[0] == 200
    status, text = server.predict(rows(400))
    assert status == 503, (status, text)


def queue(server):
    seen = server.statuses_of_many(wanted=(200, 503))
    assert seen.keys() == {200, 503}, seen.keys()


def model_queue(server):
    seen = server.statuses_of_many(wanted=(200, 429))
    assert seen.keys() == {200, 429}, seen.keys()


def token_calls(server):
    header = {"Authorization": "Bearer t"}
    seen = server.statuses_of_many(header, wanted=(200, 429))
    assert seen.keys() == {200, 429} and "token" in seen[429], seen


def longest_wait(server):
    seen = server.statuses_of_many(wanted=(504,))
    assert 504 in seen and seen.keys() <= {200, 504}, seen.keys()


def slow_head(server):
    status, took = status_and_end_of(lambda: server.connect(b"GET /healthz HT"), 8)
    assert status == 408 and 0.2 < took < 8, (status, took)


PART_OF_A_BODY = b"POST /v1/models/flat:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{"


def slow_body(server):
    status, took = status_and_end_of(lambda: server.connect(PART_OF_A_BODY), 8)
    assert status == 408 and 0.2 < took < 8, (status, took)


def any_rate(server):
    """With a rate of 0 the short grace is none."""
    assert status_and_end(server.connect(PART_OF_A_BODY), 2) == (None, 2)


def drips(server, size, pause):
    """Whether a body that comes in drops, and never whole, is given up within 8 s."""
    connection = server.connect(PART_OF_A_BODY.replace(b"1000", b"10000000"))
    end = time.monotonic() + 8
    try:
        while time.monotonic() < end:
            connection.sendall(b" " * size)
            time.sleep(pause)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def fast_enough_by_default(server):
    """50,000 bytes a second."""
    assert drips(server, 5000, 0.1), "a slow body was borne"


def given_up(server):
    """Whether it comes slowly or not at all."""
    assert drips(server, 10, 0.3), "a long body was borne"
    status, took = status_and_end_of(lambda: server.connect(PART_OF_A_BODY), 8)
    assert status == 408 and 0.5 < took < 8, (status, took)


def idle(server):
    status, took = status_and_end_of(lambda: server.connect(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"), 8)
    assert status == 200 and 0.5 < took < 8, (status, took)


def slow_reader(server):
    """Answers of some megabytes that nobody takes."""
    connection = server.connect(small_window=True)
    connection.settimeout(2)
    try:
        for _ in range(200):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n" * 10)
    except (TimeoutError, ConnectionError):
        pass
    time.sleep(4)
    try:
        for _ in range(200):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n" * 10)
            time.sleep(0.005)
    except ConnectionError:
        return
    except TimeoutError:
        pass
    raise AssertionError("a client that takes nothing was borne")


def streams(server):
    for sensor in ("a", "b", "c"):
        assert server.ask(f"/v1/streams/flat/{sensor}", b'{"sample": 1}')[0] == 200
    found = [server.ask(f"/v1/streams/flat/{sensor}")[0] for sensor in ("a", "b", "c")]
    assert found == [404, 200, 200], found


def headers(server):
    assert server.ask("/healthz")[0] == 200
    assert server.ask("/healthz", headers={f"X-{i}": "1" for i in range(20)})[0] == 431


def uri(server):
    assert server.ask("/v1/models/flat")[0] == 200
    assert server.ask("/v1/models/flat?" + "x" * 200)[0] == 414 and server.ask("/v1/models/" + "x" * 200)[0] == 414


def index(server):
    assert len(json.loads(server.ask("/v2/repository/index", b"")[1])) == 1


def pipelined(server):
    """All are answered in order, however many come at once."""
    asked = b"".join(b"POST /v1/models/flat:predict HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                     for body in (json.dumps(rows(count)).encode() for count in range(1, 41)))
    connection, said = server.connect(asked + b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), b""
    while piece := connection.recv(65536):
        said += piece
    answers = re.findall(rb"HTTP/1.1 200.*?\r\n\r\n({[^\r]*})", said, re.DOTALL)
    assert [len(json.loads(answer).get("predictions", [])) for answer in answers] == [*range(1, 41), 0], said


def knows_leases():
    with open("limits_lease.txt", "w") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            return True
        except OSError:
            return False


class Held:
    """A file that nobody can open until it is let go: who does so waits. The file must be open nowhere else."""

    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR)
        # Somebody may be looking at it just now.
        assert wait_until(self._has_lease), f"{path}: no lease can be had"

    def _has_lease(self):
        try:
            fcntl.fcntl(self.file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            return True
        except BlockingIOError:
            return False

    def is_waited_for(self):
        return fcntl.fcntl(self.file, fcntl.F_GETLEASE) != fcntl.F_WRLCK

    def let_go(self):
        fcntl.fcntl(self.file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(self.file)


def slow_version(folder):
    """A version whose golden.json, which a load reads at its end, is not given by the disk until it is let go."""
    os.makedirs(folder)
    shutil.copy(f"{fixtures}/resume/adam.k2.h5", f"{folder}/model.h5")
    with open(f"{folder}/golden.json", "w") as golden:
        json.dump([{"inputs": [ROW], "outputs": [[0]], "atol": 1e9}], golden)
    return Held(f"{folder}/golden.json")


def slow_load():
    """It is answered 504, goes on, and what answered before does so until it is done; then the next one is a 200."""
    shutil.rmtree("limits_slow", ignore_errors=True)
    slow_version("limits_slow/flat/1").let_go()
    with Serving("--load-seconds", "6", "--open-admin", "--only-polls", "--poll-seconds", "3600", folder="limits_slow") as server:
        held = Held("limits_slow/flat/1/golden.json")
        status, text = server.ask("/v2/repository/models/flat/load", b"{}")
        assert status == 504 and "goes on" in text, (status, text)
        assert held.is_waited_for() and server.predict(rows(1))[0] == 200
        assert server.ask("/v2/repository/models/flat/load", b'{"parameters": {"config": "{}"}}')[0] == 409
        held.let_go()
        assert wait_until(lambda: 'maas_reload_total{result="success"} 2\n' in server.ask("/metrics")[1])
        status, text = server.ask("/v2/repository/models/flat/load", b"{}")
        assert status == 200, (status, text)


def loads_at_once(most):
    """Of three models that come together so many are read at a time, and never more."""
    made, folder = f"limits_made_{most}", f"limits_at_once_{most}"
    for each in (made, folder):
        shutil.rmtree(each, ignore_errors=True)
    os.makedirs(folder)
    held = [slow_version(f"{made}/{name}/1") for name in "abc"]
    with Serving("--loads-at-once", str(most), "--only-polls", "--poll-seconds", "0.5", folder=folder) as server:
        for name in "abc":
            os.rename(f"{made}/{name}", f"{folder}/{name}")
        while held:
            expected = min(most, len(held))
            assert wait_until(lambda: sum(file.is_waited_for() for file in held) == expected), (most, len(held))
            time.sleep(0.2)  # for one too many to come
            waited_for = [file for file in held if file.is_waited_for()]
            assert len(waited_for) == expected, (len(waited_for), expected)
            waited_for[0].let_go()
            held.remove(waited_for[0])
        assert wait_until(lambda: all(server.ask(f"/v2/models/{name}/ready")[0] == 200 for name in "abc"))


def room_for_one():
    """With room for the weights of one version a second one is refused; or the first goes before it is read."""
    folder = "limits_room"
    shutil.rmtree(folder, ignore_errors=True)
    slow_version(f"{folder}/flat/1").let_go()
    with Serving(folder=folder) as server:
        found = re.search(r'^maas_model_bytes{model="flat",version="1"} (\d+)$', server.ask("/metrics")[1], re.MULTILINE)
    limit = ["--max-model-bytes", found.group(1), "--open-admin", "--only-polls", "--poll-seconds", "0.05"]
    slow_version(f"{folder}/.made").let_go()
    with Serving(*limit, folder=folder) as server:
        os.rename(f"{folder}/.made", f"{folder}/flat/2")
        assert wait_until(lambda: "RESOURCE_EXHAUSTED" in server.ask("/v1/models/flat")[1])
        status, text = server.ask("/v2/repository/models/flat/load", b"{}")
        assert status == 429 and f"at most {found.group(1)} bytes" in text, (status, text)
        assert server.predict(rows(1))[0] == 200 and server.ask("/v2/models/flat/versions/2/ready")[0] != 200
    os.rename(f"{folder}/flat/2", f"{folder}/.made")
    with Serving(*limit, "--swap", "unload-first", folder=folder) as server:
        assert server.predict(rows(1))[0] == 200
        held = Held(f"{folder}/.made/golden.json")
        os.rename(f"{folder}/.made", f"{folder}/flat/2")
        assert wait_until(held.is_waited_for)
        status, text = server.predict(rows(1))
        assert status == 503 and "still being read" in text, (status, text)
        held.let_go()
        assert wait_until(lambda: server.ask("/v2/models/flat/versions/2/ready")[0] == 200)
        assert server.predict(rows(1))[0] == 200


def refused_options():
    """What no server can do is said in words, with the number that there is."""
    said = subprocess.run([program, "serve", "limits_models", "--port", "0", "--pipelined-requests", "16"], capture_output=True,
                          text=True, timeout=60)
    assert said.returncode != 0 and "expected 1, as the HTTP library begins" in said.stderr and "got 16" in said.stderr, said


ONE = ["--threads", "1", "--at-once-us", "0"]
CASES = [  # the option of a limit, its value, what is asked, and other options
    ("--max-header-bytes", "2000", heads, []),
    ("--max-body-bytes", "2000", bodies, []),
    ("--max-json-depth", "4", depth, []),
    ("--max-elements", "20", elements, []),
    ("--max-rows", "4", most_rows, []),
    ("--max-connections", "2", connections, []),
    ("--max-held-bytes", "5000", held_bytes, []),
    ("--max-queue", "1", queue, ONE),
    ("--max-model-queue", "1", model_queue, ONE),
    ("--max-model-rows", "1", model_queue, ONE),
    ("--max-token-calls", "1", token_calls, [*ONE, "--token-file", "limits_token.txt"]),
    ("--max-wait", "0.001", longest_wait, [*ONE, "--max-model-rows", "1000000"]),
    ("--head-seconds", "0.3", slow_head, []),
    ("--body-grace-seconds", "0.3", slow_body, []),
    ("--min-body-rate", "0", any_rate, ["--body-grace-seconds", "0.3"]),
    ("--min-body-rate", "1000000", fast_enough_by_default, ["--body-grace-seconds", "1"]),
    ("--receive-seconds", "1", given_up, ["--min-body-rate", "0"]),
    ("--idle-seconds", "1", idle, []),
    ("--write-seconds", "0.3", slow_reader, []),
    ("--max-streams", "2", streams, []),
    ("--max-headers", "10", headers, []),
    ("--max-uri-bytes", "100", uri, []),
    ("--max-index", "1", index, ["--open-admin"]),
    ("--pipelined-requests", "1", pipelined, []),
]


def defaults():
    for flag, value in DEFAULTS.items():
        told = re.search(rf"^ +{flag} [^\n=]*=([0-9.]+)\s", HELP, re.MULTILINE)
        assert told and float(told.group(1)) == value, (flag, told and told.group(1), value)


def run(case):
    flag, value, ask, others = case
    start = time.monotonic()
    with Serving(flag, value, *others) as server:
        try:
            ask(server)
        except AssertionError as error:
            raise AssertionError(f"{flag} {value}: {error}") from error
    return f"{flag} {value}: {time.monotonic() - start:.1f} s"


shutil.rmtree("limits_models", ignore_errors=True)
os.makedirs("limits_models")
for name in ("flat", "other"):
    shutil.copy(f"{fixtures}/resume/adam.k2.h5", f"limits_models/{name}.h5")
with open("limits_token.txt", "w") as token:
    token.write("t\n")
defaults()
refused_options()
if knows_leases():
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # it would tell of who waits for a file
    slow_load()
    room_for_one()
    for most in (1, 2):
        loads_at_once(most)
else:
    print("skipped: --load-seconds, --max-model-bytes, --swap and --loads-at-once, as the file system knows no leases")
busy = [case for case in CASES if ONE[0] in case[3]]  # those take the whole machine
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    told = list(pool.map(run, [case for case in CASES if case not in busy]))
told += [run(case) for case in busy]
print("\n".join(told))
