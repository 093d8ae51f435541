"""Asks the real `maas serve` with curl and with Python's urllib, swaps a model under it and stops it.
usage: ask_server.py PROGRAM FIXTURES CURL"""

import json
import os
import shutil
import struct
import subprocess
import sys
import time

from real_server import TOKEN, Server, close, wait_until

program, fixtures, curl = sys.argv[1:4]


def run_curl(server, path, *arguments, token=TOKEN):
    command = [curl, "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}", *arguments]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    said = subprocess.run([*command, server.url + path], capture_output=True, text=True, check=True).stdout
    body, status = said.rsplit("\n", 1)
    return int(status), body


def rows(server):
    return {"instances": [{"left": a, "right": b} for a, b in zip(server.left, server.right)]}


def ask_with_curl(server):
    assert run_curl(server, "/healthz", token=None) == (200, '{"status":"alive"}')
    assert run_curl(server, "/v2/health/ready", token=None)[0] == 200
    assert run_curl(server, "/v1/models/two_inputs", token=None)[0] == 401
    status, body = run_curl(server, "/v1/models/two_inputs")
    assert status == 200 and json.loads(body)["model_version_status"][0]["version"] == "3", body
    # -d sends a form's content type; above a megabyte curl asks with Expect: 100-continue first.
    text = json.dumps(rows(server))
    for body in (text, text + " " * 1500000):
        with open("body.json", "w") as file:
            file.write(body)
        status, answer = run_curl(server, "/v1/models/two_inputs:predict", "-d", "@body.json")
        assert status == 200, answer
        close([row[0] for row in json.loads(answer)["predictions"]], server.expected)
    assert run_curl(server, "/v1/models/two_inputs", "-X", "DELETE")[0] == 405
    assert run_curl(server, "/v2/models/none")[0] == 404


def ask_with_urllib(server):
    status, headers, body = server.ask("/v1/models/two_inputs:predict", json.dumps(rows(server)).encode())
    assert status == 200 and headers["Content-Type"] == "application/json"
    first = [row[0] for row in json.loads(body)["predictions"]]
    close(first, server.expected)

    columns = {"inputs": {"left": server.left, "right": server.right}}
    status, _, body = server.ask("/v1/models/two_inputs/versions/3:predict", json.dumps(columns).encode())
    assert status == 200 and [row[0] for row in json.loads(body)["outputs"]] == first, body

    def tensor(name, values, **rest):
        return {"name": name, "shape": [len(values), len(values[0])], "datatype": "FP32", **rest}

    inputs = [tensor("left", server.left, data=server.left), tensor("right", server.right, data=server.right)]
    status, _, body = server.ask("/v2/models/two_inputs/infer", json.dumps({"id": "1", "inputs": inputs}).encode())
    answer = json.loads(body)
    assert status == 200 and answer["id"] == "1" and answer["model_version"] == "3", body
    assert answer["outputs"][0]["data"] == first, body

    flat = [x for values in (server.left, server.right) for row in values for x in row]
    tail = struct.pack(f"<{len(flat)}f", *flat)
    size = {"binary_data_size": len(tail) // 2}
    head = json.dumps({"inputs": [tensor("left", server.left, parameters=size), tensor("right", server.right, parameters=size)],
                       "parameters": {"binary_data_output": True}}).encode()
    status, headers, body = server.ask("/v2/models/two_inputs/infer", head + tail,
                                       {"Inference-Header-Content-Length": str(len(head))})
    assert status == 200 and headers["Content-Type"] == "application/octet-stream", body
    start = int(headers["Inference-Header-Content-Length"])
    binary = struct.unpack(f"<{len(first)}f", body[start:])
    assert [struct.pack("<f", x) for x in first] == [struct.pack("<f", x) for x in binary]

    # Python writes NaN as it stands, and reads it.
    status, _, body = server.ask("/v1/models/flat:predict", json.dumps({"instances": [[float("nan")] * 5]}).encode())
    assert status == 200 and json.loads(body)["predictions"][0][0] != json.loads(body)["predictions"][0][0], body

    status, _, body = server.ask("/v1/models/flat:predict", b'{"instances": [[1, 2]]}')
    assert status == 400 and "expected shape [n, 5], got [1, 2]" in json.loads(body)["error"], body
    status, _, body = server.ask("/metrics")
    assert status == 200 and b'maas_requests_total{api="v1",model="flat",version="1",code="400"} 1\n' in body, body
    assert server.ask("/metrics", token=None)[0] == 401


def swap(server):
    """A new version, another that is broken, and the new one gone again."""
    def live():
        return json.loads(server.ask("/v2/models/two_inputs")[2])["versions"]

    os.makedirs("next/4", exist_ok=True)
    shutil.copy(f"{fixtures}/io/tf_keras.keras", "next/4/model.keras")
    os.rename("next/4", f"{server.folder}/two_inputs/4")
    assert wait_until(lambda: live() == ["4"]), live()
    os.makedirs(f"{server.folder}/two_inputs/5")
    with open(f"{server.folder}/two_inputs/5/model.h5", "w") as file:
        file.write("no model")

    def state_of_5():
        status = json.loads(server.ask("/v1/models/two_inputs")[2])["model_version_status"]
        return [x["state"] for x in status if x["version"] == "5"]

    assert wait_until(lambda: state_of_5() == ["END"]), server.ask("/v1/models/two_inputs")
    assert live() == ["4"]
    shutil.rmtree(f"{server.folder}/two_inputs/4")
    assert wait_until(lambda: live() == ["3"]), live()


def drain(server):
    server.terminate()
    assert wait_until(lambda: server.ask("/v2/health/ready", token=None)[0] == 503)
    status, _, body = server.ask("/v1/models/two_inputs:predict", json.dumps(rows(server)).encode())
    assert status == 200, body  # not ready, and answering still
    server.terminate()  # a second signal ends the delay
    assert server.process.wait(timeout=20) == 0
    said = server.process.stdout.read()
    assert "stopped: all requests were answered" in said, said


def refused(*arguments):
    result = subprocess.run([program, "serve", *arguments], capture_output=True, text=True, timeout=20)
    assert result.returncode == 1 and result.stderr.count("\n") == 1, result
    return result.stderr


start = time.monotonic()
with Server(program, fixtures) as running:
    ask_with_curl(running)
    ask_with_urllib(running)
    swap(running)
    port = running.url.rsplit(":", 1)[1]
    assert "cannot listen on 127.0.0.1" in refused("models", "--port", port)
    drain(running)
assert "no/such/folder: cannot be listed" in refused("no/such/folder")
assert "expected a token" in refused("models", "--address", "0.0.0.0", "--port", "0")
assert "cannot be read" in refused("models", "--token-file", "no/such/file")
print(f"the server answered curl and urllib, swapped, drained, in {time.monotonic() - start:.1f} s")
