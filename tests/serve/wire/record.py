"""Writes what real clients send beside this file: each asks a socket that keeps the bytes and answers with an error. Needs the packages
of scripts/tritonclient-requirements.txt and scripts/kserve-requirements.txt (two calls), and curl. What neither has lies here as
the specification of their protocols has it: Triton's C++ client, a kubelet, Prometheus, and the older client that posts
without a length.
usage: record.py FOLDER"""

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading

folder = sys.argv[1]
ROWS = {"instances": [[0.1, 2.0], [3.0, -4.5]]}
ERROR = b'{"error":"only recorded"}'


def record(name, ask):
    """Whatever `ask(url)` makes of the answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with server.accept()[0] as connection:
                said, size = b"", None
                while size is None or len(said) < size:
                    said += connection.recv(65536)
                    if size is None and b"\r\n\r\n" in said:
                        head = said.index(b"\r\n\r\n") + 4
                        length = re.search(rb"\r\ncontent-length: *(\d+)", said[:head].lower())
                        size = head + (int(length.group(1)) if length else 0)
                        if b"100-continue" in said[:head]:
                            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
                                   b"Content-Length: %d\r\n\r\n%s" % (len(ERROR), ERROR))
                port = b":%d" % server.getsockname()[1]
                with open(f"{folder}/{name}.http", "wb") as file:
                    file.write(said.replace(port, b":8080"))

        thread = threading.Thread(target=serve)
        thread.start()
        with contextlib.suppress(Exception):
            ask(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def curl(*arguments):
    return lambda url: subprocess.run(["curl", "-s", "-d", json.dumps(ROWS), *arguments, url + "/v1/models/affine:predict"],
                                      stdout=subprocess.DEVNULL)


def with_triton():
    import numpy
    import requests
    import tritonclient.http as triton
    import tritonclient.http.aio as aio

    def tensors(module, binary):
        tensor = module.InferInput("x", [2, 2], "FP32")
        tensor.set_data_from_numpy(numpy.array(ROWS["instances"], numpy.float32), binary_data=binary)
        return [tensor]

    def plain(binary, **more):
        return lambda url: triton.InferenceServerClient(url.removeprefix("http://")).infer(
            "affine", tensors(triton, binary), request_id="7", **more)

    async def ask_aio(url):
        async with aio.InferenceServerClient(url.removeprefix("http://")) as client:
            await client.infer("affine", tensors(aio, True))

    record("tritonclient_binary", plain(True))
    record("tritonclient_json", plain(False))
    record("tritonclient_gzip", plain(True, request_compression_algorithm="gzip", response_compression_algorithm="gzip"))
    record("tritonclient_aio", lambda url: asyncio.run(ask_aio(url)))
    record("requests_text", lambda url: requests.post(url + "/v1/models/affine:predict", data=json.dumps(ROWS)))
    floats = {"instances": numpy.array(ROWS["instances"], numpy.float32).tolist()}
    record("requests_json", lambda url: requests.post(url + "/v1/models/affine:predict", json=floats))
    record("curl_form", curl())
    record("curl_expect", curl("-H", "Expect: 100-continue"))


def with_kserve():
    import numpy
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    def tensor():
        values = InferInput("x", [2, 2], "FP32")
        values.set_data_from_numpy(numpy.array(ROWS["instances"], numpy.float32), binary_data=True)
        return InferRequest(model_name="affine", infer_inputs=[values])

    def ask(protocol, what):
        return lambda url: asyncio.run(what(InferenceRESTClient(RESTConfig(protocol=protocol)), url))

    nothing = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, float("nan")]}]}
    record("kserve_v2_binary", ask("v2", lambda client, url: client.infer(url, tensor(), model_name="affine")))
    record("kserve_v2_null", ask("v2", lambda client, url: client.infer(url, nothing, model_name="affine")))
    record("kserve_v1", ask("v1", lambda client, url: client.infer(url, ROWS, model_name="affine")))
    record("kserve_v1_ready", ask("v1", lambda client, url: client.is_model_ready(url, "affine")))
    record("kserve_v1_alive", ask("v1", lambda client, url: client.is_server_live(url)))


os.makedirs(folder, exist_ok=True)
try:
    import kserve
except ImportError:
    with_triton()
else:
    with_kserve()
