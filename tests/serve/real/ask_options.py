"""What the real `maas serve` does by options that other tests give to its library alone: each is heard by the program.
usage: ask_options.py PROGRAM FIXTURES"""

import concurrent.futures
import json
import os
import shutil
import sys

from real_server import Server, close, wait_until

program, fixtures = sys.argv[1:3]


def post(server, path, body):
    status, headers, text = server.ask(path, json.dumps(body).encode())
    return status, headers, text.decode()


def infer(server, path, value, datatype="FP32"):
    """Of one sample of the flat model, all of whose features are `value`."""
    name = json.loads(server.ask(path)[2])["inputs"][0]["name"]
    tensor = {"name": name, "shape": [1, 5], "datatype": datatype, "data": [value] * 5}
    return post(server, path + "/infer", {"inputs": [tensor]})


def metrics(server):
    assert "maas_inferences_total" in (text := server.ask("/base/metrics")[2].decode())
    assert 'nv_inference_request_success{model="flat",version="1"}' in text, text


def two_versions(server):
    os.makedirs("options_next/4", exist_ok=True)
    shutil.copy(f"{fixtures}/io/tf_keras.keras", "options_next/4/model.keras")
    os.rename("options_next/4", f"{server.folder}/two_inputs/4")
    assert wait_until(lambda: json.loads(server.ask("/base/v2/models/two_inputs")[2])["versions"] == ["4", "3"])


def unknown_inputs(server):
    columns = {"left": server.left, "right": server.right, "more": [[1]]}
    status, _, body = post(server, "/base/v1/models/two_inputs:predict", {"inputs": columns})
    assert status == 200, body
    close([row[0] for row in json.loads(body)["outputs"]], server.expected)


def one_by_one(server):
    """So many runs as requests, though they come at once and all wait for a thread."""
    body, count = {"instances": [[0.5] * 5]}, 200
    stats = "/base/v2/models/flat/stats"
    before = json.loads(server.ask(stats)[2])["model_stats"][0]["execution_count"]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda _: post(server, "/base/v1/models/flat:predict", body)[0], range(count))
        assert set(answers) == {200}
    assert json.loads(server.ask(stats)[2])["model_stats"][0]["execution_count"] == before + count


shutil.rmtree("options_next", ignore_errors=True)
with Server(program, fixtures, "options_models",
            ["--base-path", "/base", "--auth-health", "--cors", "--v1-strict", "--lenient", "--metrics-compat", "triton",
             "--v2-nonfinite", "null", "--versions", "2", "--no-batching", "--at-once-us", "0"]) as running:
    assert running.ask("/base/v2/health/ready", token=None)[0] == 401
    status, headers, _ = running.ask("/base/v2/health/ready")
    assert status == 200 and headers["Access-Control-Allow-Origin"] == "*", headers
    assert set(json.loads(running.ask("/base/v1/models/flat")[2])) == {"model_version_status"}
    assert '"data":[null]' in infer(running, "/base/v2/models/flat", float("nan"))[2]
    unknown_inputs(running)
    one_by_one(running)
    metrics(running)
    two_versions(running)
with Server(program, fixtures, "options_models", ["--strict-dtypes", "--v2-nonfinite", "error"]) as running:
    assert running.ask("/base/v2")[0] == 404
    assert running.ask("/v2/health/ready", token=None)[0] == 200
    assert infer(running, "/v2/models/flat", 0.5)[0] == 200
    status, _, body = infer(running, "/v2/models/flat", 0.5, "FP64")
    assert status == 400 and "FP32" in body, body
    assert infer(running, "/v2/models/flat", float("nan"))[0] == 500
    assert post(running, "/v1/models/two_inputs:predict",
                {"inputs": {"left": running.left, "right": running.right, "more": [[1]]}})[0] == 400
print("all options were heard")
