"""Each limit of the real `maas serve`, set low by its option alone, so that an option that reaches another limit is noticed; and the
defaults that --help tells of.
usage: ask_limits.py PROGRAM FIXTURES"""

import concurrent.futures
import json
import os
import re
import shutil
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
    "--max-uri-bytes": 8 << 10, "--max-index": 10000, "--load-seconds": 300,
    "--max-model-rows": 16 << 10}  # but this one: docs/decisions/0011


class Serving:
    """`maas serve` of one model, until the block ends."""

    def __init__(self, *options):
        self.process = subprocess.Popen([program, "serve", "limits_models", "--port", "0", *options], stdout=subprocess.PIPE,
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
    status, took = status_and_end(server.connect(b"GET /healthz HT"), 8)
    assert status == 408 and 0.2 < took < 8, (status, took)


PART_OF_A_BODY = b"POST /v1/models/flat:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{"


def slow_body(server):
    status, took = status_and_end(server.connect(PART_OF_A_BODY), 8)
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
    """It is looked at when more comes."""
    assert drips(server, 10, 0.3), "a long body was borne"


def idle(server):
    connection = server.connect(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
    status, took = status_and_end(connection, 8)
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
busy = [case for case in CASES if ONE[0] in case[3]]  # those take the whole machine
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    told = list(pool.map(run, [case for case in CASES if case not in busy]))
told += [run(case) for case in busy]
print("\n".join(told))
