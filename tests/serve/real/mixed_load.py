"""Good requests of every form, bad ones, connections that come and go, and versions that come and go, for SECONDS: no good
request fails, and the memory of the server stays where it was after a third of the time. SHARE of the full rate is asked
for: a program of sanitizers is many times slower, and what is asked of it waits for its turn until it is late.
usage: mixed_load.py PROGRAM FIXTURES SECONDS SHARE"""

import json
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

from real_server import TOKEN, Server, wait_until

program, fixtures, seconds, share = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])


def resident_mib(process):
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def start_load(server, *arguments):
    return subprocess.Popen([program, "load-test", server.url, "--token-file", "token.txt", "--seconds", str(seconds),
                             "--connections", "4", "--warmup", "0", "--json", *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class InBackground:
    """Calls something again and again until the block ends; raises what it raised."""

    def __init__(self, work):
        self.work, self.end, self.count, self.error = work, threading.Event(), 0, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.end.is_set():
                self.work(self.count)
                self.count += 1
        except BaseException as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()
        if self.error:
            raise self.error


def misbehave(server):
    """What clients do wrong: each is told so, or let go."""
    port, dice = int(server.url.rsplit(":", 1)[1]), random.Random(1)
    pieces = [b"POST /v1/models/flat:predict HTTP/1.1\r\nHost: h\r\n", b"Authorization: Bearer " + TOKEN.encode() + b"\r\n",
              b"Content-Length: 30\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n", b'{"instances": [[1,2,3,4,5]]}  ',
              b"\0\r\n", b"zz\r\n"]

    def work(count):
        kind = count % 4
        if kind == 0:  # names that nobody knows
            assert server.ask(f"/v1/models/none{count}:predict", b"{}")[0] == 404
        elif kind == 1:
            body = b'{"instances": [' + b"[1,2,3,4,5]," * dice.randrange(2000) + b"x]}"
            assert server.ask("/v1/models/flat:predict", body)[0] in (400, 413)
        elif kind == 2:  # who leaves in the middle
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"".join(dice.choices(pieces, k=dice.randrange(1, 8))))
        else:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.settimeout(20)
                client.sendall(b"".join(pieces[:3]) + b"\r\n" + b"[" * 30)
                assert b" 400 " in client.recv(4096)
        time.sleep(0.005)

    return work


def swap(server):
    """A version more, and gone again, as long as it was live."""
    def live():
        return json.loads(server.ask("/v2/models/two_inputs")[2])["versions"]

    def work(count):
        name = str(4 + count % 3)
        os.makedirs(f"next/{name}", exist_ok=True)
        shutil.copy(f"{fixtures}/io/tf_keras.keras", f"next/{name}/model.keras")
        os.rename(f"next/{name}", f"{server.folder}/two_inputs/{name}")
        assert wait_until(lambda: live() == [name]), live()
        shutil.rmtree(f"{server.folder}/two_inputs/{name}")
        assert wait_until(lambda: live() == ["3"]), live()

    return work


with Server(program, fixtures) as running:
    forms = {("--model", "flat", "--form", "binary"): 400,
             ("--model", "two_inputs", "--form", "json", "--rows", "16"): 200,
             ("--model", "two_inputs", "--form", "rows", "--rows", "64"): 100,
             ("--model", "flat", "--form", "rows", "--rows", "4096"): 20}
    rates = {form: share * rate for form, rate in forms.items()}
    begun = time.monotonic()
    loads = [start_load(running, *form, "--rate", str(rate)) for form, rate in rates.items()]
    resident = []
    with InBackground(misbehave(running)) as bad, InBackground(swap(running)) as swaps:
        while time.monotonic() < begun + seconds:
            time.sleep(0.1)
            resident.append(resident_mib(running.process))
    for load in loads:
        out, error = load.communicate(timeout=60)
        assert load.returncode == 0, out + error  # all were answered, and well
    metrics = running.ask("/metrics")[2].decode()
    assert "\"none" not in metrics, metrics
    third = len(resident) // 3
    early, late = (statistics.median(resident[i * third:(i + 1) * third]) for i in (1, 2))
    print(f"{sum(rates.values()) * seconds:.0f} good requests, {bad.count} bad ones, {swaps.count} "
          f"swaps; resident {early:.1f} MiB in the second third, {late:.1f} MiB in the last")
    assert swaps.count >= 2 and bad.count >= 100 * share, (swaps.count, bad.count)
    assert late <= 1.05 * early + 1, resident[::10]
