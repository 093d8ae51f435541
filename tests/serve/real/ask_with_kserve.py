"""Asks the real `maas serve` with KServe's Python SDK, by both protocols.
usage: ask_with_kserve.py PROGRAM FIXTURES VENV REQUIREMENTS"""

import asyncio
import math
import sys

import with_venv

program, fixtures, venv, requirements = sys.argv[1:5]
with_venv.enter(venv, requirements)

import httpx
import numpy
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from real_server import TOKEN, Server, close


def headers():
    """Anew for each call: the client writes its own into what it is given."""
    return {"Authorization": f"Bearer {TOKEN}"}


async def refused(work, status):
    try:
        await work
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == status and error.response.json()["error"] in str(error), error
    else:
        raise AssertionError("expected a refusal")


async def ask_v1(server):
    client = InferenceRESTClient(RESTConfig(protocol="v1"))
    assert await client.is_server_live(server.url, headers=headers())
    assert await client.is_model_ready(server.url, "two_inputs", headers=headers())
    rows = {"instances": [{"left": a, "right": b} for a, b in zip(server.left, server.right)]}
    answer = await client.infer(server.url, rows, model_name="two_inputs", headers=headers())
    values = [row[0] for row in answer["predictions"]]
    close(values, server.expected)
    await refused(client.infer(server.url, {"instances": [[1.0]]}, model_name="flat", headers=headers()), 400)
    await refused(client.infer(server.url, rows, model_name="none", headers=headers()), 404)
    await refused(client.infer(server.url, rows, model_name="two_inputs"), 401)
    await client.close()
    return values


def request_of(server, binary_in, binary_out, name="two_inputs"):
    inputs = []
    for tensor, values in (("left", server.left), ("right", server.right)):
        inputs.append(InferInput(tensor, [len(values), len(values[0])], "FP32"))
        inputs[-1].set_data_from_numpy(numpy.array(values, dtype=numpy.float32), binary_data=binary_in)
    outputs = [RequestedOutput("answer", parameters={"binary_data": binary_out})]
    return InferRequest(model_name=name, request_id="7", infer_inputs=inputs, request_outputs=outputs)


async def ask_v2(server):
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(server.url, headers=headers())
    assert await client.is_server_ready(server.url, headers=headers())
    assert await client.is_model_ready(server.url, "two_inputs", headers=headers())
    assert not await client.is_model_ready(server.url, "none", headers=headers())
    answers = []
    for binary_in in (True, False):
        for binary_out in (True, False):
            answer = await client.infer(server.url, request_of(server, binary_in, binary_out), model_name="two_inputs",
                                        headers=headers())
            assert answer.id == "7" and answer.model_name == "two_inputs", answer
            answers.append(answer.outputs[0].as_numpy().astype(numpy.float32).ravel())
            assert answers[-1].tobytes() == answers[0].tobytes(), (binary_in, binary_out)
    # Its JSON has null where a number is not finite, which no tensor of numbers may hold.
    wrong = request_of(server, False, False)
    wrong.inputs[0].set_data_from_numpy(numpy.full((8, 4), math.nan, dtype=numpy.float32), binary_data=False)
    await refused(client.infer(server.url, wrong, model_name="two_inputs", headers=headers()), 400)
    await client.close()
    return answers[0]


async def ask(server):
    by_rows, by_tensors = await ask_v1(server), await ask_v2(server)
    assert numpy.array(by_rows, dtype=numpy.float32).tobytes() == by_tensors.tobytes()


with Server(program, fixtures) as running:
    asyncio.run(ask(running))
print("the server answered KServe's SDK, by v1 and v2")
