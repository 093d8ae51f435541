"""Writes what real clients send beside this file: each asks a socket that keeps the bytes and answers with an error. Needs the packages
of scripts/tritonclient-requirements.txt, scripts/kserve-requirements.txt and scripts/grpc-requirements.txt (three calls), and
curl. What none has lies here as the specification of their protocols has it: Triton's C++ client, a kubelet (over HTTP and gRPC),
Prometheus, and the older client that posts without a length. The program grpc_tests, where it is given, asks as a client in C++.
usage: record.py FOLDER [GRPC_TESTS]"""

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading

folder = sys.argv[1]
DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
ACK = END_STREAM = 1
INTERNAL_ERROR = 2
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


def frame(type, flags=0, stream=0, payload=b""):
    """Of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", type, flags, stream) + payload


def record_grpc(name, ask):
    """What `ask("127.0.0.1:port")` sends, from the preface to the end of its call, which is then reset."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with server.accept()[0] as connection:
                connection.sendall(frame(SETTINGS))
                said, at = b"", len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                while True:
                    said += connection.recv(65536)
                    while len(said) >= at + 9 and len(said) >= (end := at + 9 + int.from_bytes(said[at:at + 3], "big")):
                        type, flags, stream = struct.unpack(">BBI", said[at + 3:at + 9])
                        at = end
                        if type == SETTINGS and not flags & ACK:
                            connection.sendall(frame(SETTINGS, ACK))
                        if type in (DATA, HEADERS) and flags & END_STREAM:
                            connection.sendall(frame(RST_STREAM, 0, stream, struct.pack(">I", INTERNAL_ERROR)))
                            # A port is as long as another, whose length the packed head tells.
                            port = b":%d" % server.getsockname()[1]
                            with open(f"{folder}/{name}.h2", "wb") as file:
                                file.write(said[:at].replace(port, b":50051"))
                            return

        thread = threading.Thread(target=serve)
        thread.start()
        with contextlib.suppress(Exception):
            ask(f"127.0.0.1:{server.getsockname()[1]}")
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
    from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

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

    async def ask_grpc(address):
        await InferenceGRPCClient(address).infer(tensor())

    record_grpc("kserve_grpc", lambda address: asyncio.run(ask_grpc(address)))


def with_triton_grpc():
    import numpy
    import tritonclient.grpc as triton

    def ask(id, **more):
        tensor = triton.InferInput("x", [2, 2], "FP32")
        tensor.set_data_from_numpy(numpy.array(ROWS["instances"], numpy.float32))
        return lambda address: triton.InferenceServerClient(address).infer("affine", [tensor], request_id=id, **more)

    record_grpc("tritonclient_grpc", ask("7"))
    # It packs only what is shorter then.
    record_grpc("tritonclient_grpc_gzip", ask("7" * 100, client_timeout=60, compression_algorithm="gzip"))


def is_there(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


os.makedirs(folder, exist_ok=True)
if is_there("kserve"):
    with_kserve()
elif is_there("geventhttpclient"):
    with_triton()
else:
    with_triton_grpc()
if len(sys.argv) > 2:
    record_grpc("grpcpp_typed", lambda address: subprocess.run([sys.argv[2], "[.record]"], stdout=subprocess.DEVNULL,
                                                              env={**os.environ, "MAAS_RECORDER": address}))
