"""Asks the real `maas serve` with NVIDIA's Python client, plain and asyncio.
usage: ask_with_tritonclient.py PROGRAM FIXTURES VENV REQUIREMENTS"""

import asyncio
import os
import sys

import with_venv
from real_server import TOKEN, Server, close

program, fixtures, venv, requirements = sys.argv[1:5]
with_venv.enter(venv, requirements)

import numpy
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException


def headers():
    """Anew for each call: the client writes its own into what it is given."""
    return {"Authorization": f"Bearer {TOKEN}"}


def inputs_of(module, server, binary):
    inputs = []
    for name, values in (("left", server.left), ("right", server.right)):
        tensor = module.InferInput(name, [len(values), 4], "FP32")
        tensor.set_data_from_numpy(numpy.array(values, dtype=numpy.float32), binary_data=binary)
        inputs.append(tensor)
    return inputs


def ask(server):
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    assert client.is_server_live(headers=headers()) and client.is_server_ready(headers=headers())
    assert client.is_model_ready("two_inputs", headers=headers())
    assert client.is_model_ready("two_inputs", "3", headers=headers())
    assert not client.is_model_ready("none", headers=headers())
    extensions = client.get_server_metadata(headers=headers())["extensions"]
    assert extensions == ["binary_tensor_data", "statistics", "model_configuration", "model_repository",
                          "model_repository(unload_dependents)"], extensions
    metadata = client.get_model_metadata("two_inputs", headers=headers())
    assert [x["name"] for x in metadata["inputs"]] == ["left", "right"], metadata
    answers = []
    for binary_in in (True, False):
        for binary_out in (True, False, None):
            outputs = None if binary_out is None else [triton.InferRequestedOutput("answer", binary_data=binary_out)]
            result = client.infer("two_inputs", inputs_of(triton, server, binary_in), outputs=outputs, headers=headers(),
                                  request_id="7")
            assert result.get_response()["id"] == "7" and result.get_response()["model_version"] == "3"
            answers.append(result.as_numpy("answer"))
    for answer in answers:
        assert answer.shape == (8, 1) and answer.tobytes() == answers[0].tobytes()
    close(list(answers[0][:, 0].astype(float)), server.expected)
    for wrong in (lambda: client.infer("none", inputs_of(triton, server, True), headers=headers()),
                  lambda: client.infer("two_inputs", inputs_of(triton, server, True)[:1], headers=headers()),
                  lambda: client.infer("two_inputs", inputs_of(triton, server, True))):
        try:
            wrong()
        except InferenceServerException as error:
            assert error.message(), error
        else:
            raise AssertionError("expected a refusal")
    for coding in ("gzip", "deflate"):
        result = client.infer("two_inputs", inputs_of(triton, server, True), headers=headers(),
                              request_compression_algorithm=coding, response_compression_algorithm=coding)
        assert result.as_numpy("answer").tobytes() == answers[0].tobytes()
    change(client)
    upload(client, server)
    client.close()
    return answers[0]


def change(client):
    """Index, unload, load, statistics and configuration."""
    index = client.get_model_repository_index(headers=headers())
    assert {"name": "two_inputs", "version": "3", "state": "READY", "reason": ""} in index, index
    client.unload_model("flat", headers=headers())
    assert not client.is_model_ready("flat", headers=headers())
    client.load_model("flat", headers=headers())
    assert client.is_model_ready("flat", headers=headers())
    statistics = client.get_inference_statistics("two_inputs", headers=headers())["model_stats"][0]
    assert statistics["inference_count"] == 8 * statistics["execution_count"] > 0, statistics
    configuration = client.get_model_config("two_inputs", headers=headers())
    assert [x["name"] for x in configuration["input"]] == ["left", "right"], configuration


def upload(client, server):
    """Files of a version that come with a load, as Triton has it."""
    with open(f"{server.folder}/flat.h5", "rb") as file:
        model = file.read()
    client.load_model("flat", headers=headers(), config='{"version_policy": {"all": {}}}', files={"file:2/model.h5": model})
    assert client.is_model_ready("flat", "1", headers=headers()) and client.is_model_ready("flat", "2", headers=headers())
    client.load_model("given", headers=headers(), config="{}", files={"file:1/model.h5": model})
    metadata = client.get_model_metadata("flat", headers=headers())
    tensor = triton.InferInput(metadata["inputs"][0]["name"], [1, 5], "FP32")
    tensor.set_data_from_numpy(numpy.ones((1, 5), numpy.float32))
    answers = [client.infer(name, [tensor], headers=headers()).as_numpy(metadata["outputs"][0]["name"])
               for name in ("flat", "given")]
    assert answers[0].tobytes() == answers[1].tobytes(), answers
    for files, status in (({"file:1/model.h5": model}, "409"), ({"file:3/model.h5": model[:100]}, ""),
                          ({"file:3/../model.h5": model}, "400")):
        try:
            client.load_model("given", headers=headers(), config="{}", files=files)
        except InferenceServerException as error:
            assert status in str(error.status()) and error.message(), error
        else:
            raise AssertionError("expected a refusal")
    assert os.listdir(f"{server.folder}/given") == ["1"], os.listdir(f"{server.folder}/given")


async def ask_aio(server, expected):
    async with triton_aio.InferenceServerClient(server.url.removeprefix("http://")) as client:
        assert await client.is_server_ready(headers=headers())
        assert (await client.get_model_metadata("two_inputs", headers=headers()))["versions"] == ["3"]
        results = await asyncio.gather(*[client.infer("two_inputs", inputs_of(triton_aio, server, i % 2 == 0),
                                                      headers=headers()) for i in range(32)])
        for result in results:
            assert result.as_numpy("answer").tobytes() == expected.tobytes()


with Server(program, fixtures, options=("--allow-upload",)) as running:
    asyncio.run(ask_aio(running, ask(running)))
print("the server answered tritonclient, plain and asyncio")
