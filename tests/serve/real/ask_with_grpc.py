"""Asks the gRPC service of the real `maas serve` with NVIDIA's Python client and with the stock health client, and compares
with the REST API bit for bit; the repository, statistics, and TLS.
usage: ask_with_grpc.py PROGRAM FIXTURES VENV REQUIREMENTS OPENSSL SHARED"""

import re
import signal
import sys

import with_venv

program, fixtures, venv, requirements, openssl, shared = sys.argv[1:7]
with_venv.enter(venv, requirements)

import json
import os
import socket
import subprocess

import grpc
import numpy
import shared_models
import tritonclient.grpc as triton
from grpc_health.v1 import health_pb2, health_pb2_grpc
from real_server import TOKEN, Server, close, wait_until
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

HEADERS = {"authorization": f"Bearer {TOKEN}"}


def inputs_of(server, rows=None):
    inputs = []
    for name, values in (("left", server.left), ("right", server.right)):
        values = numpy.array(values, dtype=numpy.float32)[:rows]
        tensor = triton.InferInput(name, list(values.shape), "FP32")
        tensor.set_data_from_numpy(values)
        inputs.append(tensor)
    return inputs


def code_of(work):
    try:
        work()
    except InferenceServerException as error:
        return error.status()
    return "OK"


def ask(server, client):
    assert client.is_server_live(headers=HEADERS) and client.is_server_ready(headers=HEADERS)
    assert client.is_model_ready("two_inputs", headers=HEADERS)
    assert not client.is_model_ready("none", headers=HEADERS)
    assert client.get_server_metadata(headers=HEADERS).name == "maas-server"
    metadata = client.get_model_metadata("two_inputs", headers=HEADERS)
    assert list(metadata.versions) == ["3"] and [x.name for x in metadata.inputs] == ["left", "right"], metadata
    name = metadata.outputs[0].name

    result = client.infer("two_inputs", inputs_of(server), request_id="7", headers=HEADERS)
    values = result.as_numpy(name)
    close([float(row[0]) for row in values], server.expected)
    assert result.get_response().id == "7"
    rows = {"instances": [{"left": a, "right": b} for a, b in zip(server.left, server.right)]}
    status, _, body = server.ask("/v1/models/two_inputs:predict", json.dumps(rows).encode())
    said = numpy.array([row[0] for row in json.loads(body)["predictions"]], dtype=numpy.float32)
    assert status == 200 and said.tobytes() == values.tobytes()

    assert code_of(lambda: client.infer("two_inputs", inputs_of(server))) == "StatusCode.UNAUTHENTICATED"
    assert code_of(lambda: client.infer("none", inputs_of(server), headers=HEADERS)) == "StatusCode.NOT_FOUND"
    assert code_of(lambda: client.infer("two_inputs", inputs_of(server)[:1], headers=HEADERS)) == "StatusCode.INVALID_ARGUMENT"
    assert code_of(lambda: client.get_model_config("two_inputs", headers=HEADERS)) == "StatusCode.UNIMPLEMENTED"
    answers = []
    client.async_infer("two_inputs", inputs_of(server, 1), lambda result, error: answers.append((result, error)),
                       headers=HEADERS)
    assert wait_until(lambda: answers) and answers[0][1] is None
    assert answers[0][0].as_numpy(name).tobytes() == values[:1].tobytes()


def change(server, client):
    ready = lambda: client.is_model_ready("flat", headers=HEADERS)
    states = lambda: {model.name: model.state for model in client.get_model_repository_index(headers=HEADERS).models}
    assert ready() and states() == {"flat": "READY", "two_inputs": "READY"}, states()
    client.unload_model("flat", headers=HEADERS)
    assert wait_until(lambda: not ready()) and states()["flat"] == "UNAVAILABLE", states()
    client.load_model("flat", headers=HEADERS)
    assert wait_until(ready)
    assert code_of(lambda: client.load_model("flat")) == "StatusCode.UNAUTHENTICATED"
    assert code_of(lambda: client.load_model("none", headers=HEADERS)) == "StatusCode.NOT_FOUND"
    client.load_model("flat", headers=HEADERS, config='{"version_policy": {"latest": {"num_versions": 1}}}')
    assert code_of(lambda: client.load_model("flat", headers=HEADERS, config='{"name": "b"}')) == "StatusCode.INVALID_ARGUMENT"
    files = {"file:2/model.h5": b"not asked for"}
    assert code_of(lambda: client.load_model("flat", headers=HEADERS, config="{}", files=files)) == "StatusCode.UNIMPLEMENTED"

    (model,) = client.get_inference_statistics("two_inputs", headers=HEADERS).model_stats
    said = json.loads(server.ask("/v2/models/two_inputs/stats")[2])["model_stats"][0]
    assert model.version == "3" and model.inference_count == said["inference_count"] > 0, (model, said)
    assert model.inference_stats.success.ns == said["inference_stats"]["success"]["ns"] > 0
    assert [each.batch_size for each in model.batch_stats] == [each["batch_size"] for each in said["batch_stats"]]
    assert len(client.get_inference_statistics(headers=HEADERS).model_stats) == 2


def infer_raw(client, model, rows=slice(None)):
    """With raw contents, as the client sends them."""
    return shared_models.ask_with_triton(triton, client, model, HEADERS, rows)


def infer_typed(stub, model):
    """With numbers in the messages, both ways."""
    request = service_pb2.ModelInferRequest(model_name=model.name)
    for name, values in zip(model.input_names, model.inputs):
        tensor = request.inputs.add(name=name, datatype="FP32", shape=values.shape)
        tensor.contents.fp32_contents.extend(values.ravel().tolist())
    answer = stub.ModelInfer(request, metadata=tuple(HEADERS.items()), timeout=60)
    assert not answer.raw_output_contents, model.name
    return {x.name: numpy.array(x.contents.fp32_contents, dtype=numpy.float32).reshape(list(x.shape)) for x in answer.outputs}


def infer_by_rest(server, model):
    inputs = [{"name": name, "shape": list(values.shape), "datatype": "FP32", "data": values.ravel().tolist()}
              for name, values in zip(model.input_names, model.inputs)]
    status, _, body = server.ask(f"/v2/models/{model.name}/infer", json.dumps({"inputs": inputs}).encode())
    assert status == 200, body
    # Read as int, Python's -0 would lose its sign.
    return {x["name"]: numpy.array(x["data"], dtype=numpy.float32) for x in json.loads(body)["outputs"]}


def models_of_others():
    """Real models, raw and typed and by the REST API: what they should answer, and the same bits."""
    if not shared_models.are_there(shared):
        print("models of others are not tried: the shared folder is not there")
        return
    wild, traffic = shared_models.wild_models(shared), shared_models.traffic_model(shared)
    with shared_models.serve(program, fixtures, [*wild, traffic], ["--grpc-port", "0"]) as server:
        client = triton.InferenceServerClient(address_of(server))
        with grpc.insecure_channel(address_of(server)) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            for model in [*wild, traffic]:
                shared_models.name_tensors(model, client.get_model_metadata(model.name, headers=HEADERS, as_json=True))
            for model in wild:
                answer = infer_raw(client, model)
                shared_models.check(model, answer)
                for other in (infer_typed(stub, model), infer_by_rest(server, model)):
                    assert all(other[name].tobytes() == answer[name].tobytes() for name in answer), model.name
            shared_models.check(traffic, infer_raw(client, traffic, slice(0, 4000)), slice(0, 4000))
        client.close()
    print(f"{len(wild)} models of others, raw, typed and by REST, and one of traffic answered as they should")


def over_tls():
    if not openssl:
        print("TLS is not tried: openssl is not there")
        return
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "grpc_key.pem", "-out", "grpc_certificate.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    options = ["--grpc-port", "0", "--tls-certificate", "grpc_certificate.pem", "--tls-key", "grpc_key.pem"]
    with Server(program, fixtures, folder="tls_models", options=options) as running:
        client = triton.InferenceServerClient(address_of(running), ssl=True, root_certificates="grpc_certificate.pem")
        result = client.infer("two_inputs", inputs_of(running), headers=HEADERS)
        close([float(row[0]) for row in result.as_numpy(result.get_response().outputs[0].name)], running.expected)
        client.close()
        plain = triton.InferenceServerClient(address_of(running))
        assert code_of(lambda: plain.is_server_live(headers=HEADERS)) == "StatusCode.UNAVAILABLE"
        plain.close()


def address_of(server):
    return next(re.match(r"gRPC at (\S+)", line).group(1) for line in server.said if line.startswith("gRPC at"))


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def stops_accepting():
    """On both ports in the same moment, though a call and a request are still coming: these keep the server."""
    wire = os.path.join(os.path.dirname(__file__), "..", "wire")
    with open(f"{wire}/tritonclient_grpc.h2", "rb") as file:
        call = file.read()
    head = (f"POST /v1/models/flat:predict HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Length: 2\r\n\r\n{").encode()
    with Server(program, fixtures, folder="drain_models",
                options=["--grpc-port", "0", "--drain-timeout", "15"]) as running:
        ports = [int(place.rsplit(":", 1)[1]) for place in (running.url, address_of(running))]
        with socket.create_connection(("127.0.0.1", ports[0])) as request, \
                socket.create_connection(("127.0.0.1", ports[1])) as calling:
            request.sendall(head)
            calling.sendall(call[:-10])
            running.terminate()
            assert wait_until(lambda: running.ask("/v2/health/ready", token=None)[0] == 503)
            running.terminate()  # a second signal ends the delay
            assert wait_until(lambda: not any(accepts(port) for port in ports), seconds=8)
            assert running.process.poll() is None
            request.sendall(b"}")
            request.settimeout(20)
            assert request.recv(100).startswith(b"HTTP/1.1 400")
            calling.sendall(call[-10:])
        assert running.process.wait(timeout=40) == 0


def check_health(channel, wanted):
    status = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10).status
    return status == wanted


with Server(program, fixtures, options=["--grpc-port", "0"]) as running:
    address = address_of(running)
    client = triton.InferenceServerClient(address)
    ask(running, client)
    change(running, client)
    with grpc.insecure_channel(address) as channel:
        assert check_health(channel, health_pb2.HealthCheckResponse.SERVING)
        running.terminate()
        assert wait_until(lambda: check_health(channel, health_pb2.HealthCheckResponse.NOT_SERVING))
        client.infer("two_inputs", inputs_of(running), headers=HEADERS)  # not ready, and answering still
        running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=40) == 0
    client.close()
stops_accepting()
models_of_others()
over_tls()
print("the gRPC service answered tritonclient and a health client")
