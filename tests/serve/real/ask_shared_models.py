"""Serves Keras models that others wrote, asks for them with curl, requests and tritonclient, and compares with what they should
answer; all forms of a request give the same bits.
usage: ask_shared_models.py PROGRAM FIXTURES VENV REQUIREMENTS SHARED CURL"""

import json
import subprocess
import sys

import with_venv

program, fixtures, venv, requirements, shared, curl = sys.argv[1:7]
with_venv.enter(venv, requirements)

import numpy
import requests
import shared_models
import tritonclient.http as triton
from all_forms import ask_in_all_forms, check_same_bits
from real_server import TOKEN, close

HEADER = {"Authorization": f"Bearer {TOKEN}"}


def ask_with_triton(client, model, rows=slice(None)):
    return shared_models.ask_with_triton(triton, client, model, dict(HEADER), rows)


def ask_with_curl(server, model):
    """Column form, in a file, as people do; one answer for one output, else an object."""
    values = [values.tolist() for values in model.inputs]
    with open("body.json", "w") as file:
        json.dump({"inputs": values[0] if len(values) == 1 else dict(zip(model.input_names, values))}, file)
    said = subprocess.run([curl, "--silent", "--show-error", "--fail-with-body", "--max-time", "60", "--header",
                           f"Authorization: Bearer {TOKEN}", "-d", "@body.json",
                           f"{server.url}/v1/models/{model.name}:predict"], capture_output=True, text=True, check=True).stdout
    outputs = json.loads(said)["outputs"]
    outputs = {model.output_names[0]: outputs} if len(model.output_names) == 1 else outputs
    return {name: numpy.array(values, dtype=numpy.float32) for name, values in outputs.items()}


def same(left, right):
    return all(left[name].tobytes() == right[name].tobytes() for name in left)


if not shared_models.are_there(shared):
    with_venv.skip("the shared folder with models is not there")
wild, traffic = shared_models.wild_models(shared), shared_models.traffic_model(shared)
with shared_models.serve(program, fixtures, [*wild, traffic]) as server, requests.Session() as session:
    session.trust_env = False
    session.headers.update(HEADER)
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    forms = 0
    for model in [*wild, traffic]:
        shared_models.name_tensors(model, session.get(f"{server.url}/v2/models/{model.name}", timeout=20).json())
    for model in wild:
        answers = ask_in_all_forms(session, server.url, model.name, dict(zip(model.input_names, model.inputs)), model.output_names)
        forms = len(answers)
        answer = check_same_bits(answers)
        shared_models.check(model, answer)
        for other in (ask_with_triton(client, model), ask_with_curl(server, model)):
            shared_models.check(model, other)
            assert same(other, answer), model.name
    for start in range(0, 4296, 1000):
        shared_models.check(traffic, ask_with_triton(client, traffic, slice(start, start + 1000)), slice(start, start + 1000))
    flat = json.dumps({"instances": traffic.inputs[0][:100].tolist()})
    said = session.post(f"{server.url}/v1/models/{traffic.name}:predict", data=flat, timeout=20).json()["predictions"]
    close([row[0] for row in said], traffic.outputs[0][:100, 0].tolist(), traffic.tolerance)
    client.close()
print(f"{len(wild)} models in {forms} forms, by tritonclient and by curl, and one of traffic on 4296 rows, answered as they should")
