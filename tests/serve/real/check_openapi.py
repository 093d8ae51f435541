"""Has schemathesis read the OpenAPI document of the real `maas serve` and ask what it allows, and what it does not, for at
most 70 seconds. usage: check_openapi.py PROGRAM FIXTURES VENV REQUIREMENTS"""

import json
import os
import re
import shutil
import subprocess
import sys

import with_venv

program, fixtures, venv, requirements = sys.argv[1:5]
with_venv.enter(venv, requirements)

from real_server import TOKEN, Server, wait_until

# Bodies of /infer whose numbers do not fit their shape, and of several inputs with different numbers of samples, cannot be
# told apart in a schema: that all it allows is taken is asked of the other calls alone.
# Three numbers as bytes are 12 bytes, which any short text may have: what is no input of `raw` is asked of the others.
# What would take the models away from all other calls, or train, is left out; and what is right but comes at the wrong time
# (an earlier sample of a stream, a label for a version that is not there) is answered as such.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "404", "405", "409", "413", "501"]
[[operations]]
include-path-regex = "raw.*infer$"
[operations.checks]
negative_data_rejection.enabled = false
[[operations]]
include-path-regex = "(unload|:rollback|:restore|/traffic)$"
enabled = false
[[operations]]
include-name = "POST /v1/jobs"
enabled = false
[[operations]]
include-path-regex = "/(labels|streams|raw)"
[operations.checks]
positive_data_acceptance.expected-statuses = ["200", "400", "404", "409"]
[[operations]]
include-path-regex = "(infer|(two_inputs|road).*:predict)$"
[operations.checks]
positive_data_acceptance.enabled = false
"""


def paths_of(server):
    status, headers, body = server.ask("/openapi.json")
    assert status == 200 and headers["Content-Type"] == "application/json"
    document = json.loads(body)
    assert document["openapi"] == "3.1.0"
    return document["paths"]


def make_models():
    """One that takes raw rows, and a forecaster."""
    with open("rows.csv", "w") as file:
        file.write("flow,kind,next\n" + "".join(f"{i % 97},{'car' if i % 3 else 'truck'},{i % 7}\n" for i in range(200)))
    with open("readings.csv", "w") as file:
        file.write("north,south\n" + "".join(f"{50 + i % 13},{20 + i % 5}\n" for i in range(200)))
    dense = {"class": "dense", "units": 1}
    training = {"optimizer": "adam", "loss": "mse", "epochs": 1}
    recipes = {"raw": {"data": {"files": "rows.csv"}, "network": {"layers": [dense]}, "training": training,
                       "pipeline": {"steps": [{"class": "one_hot", "columns": ["kind"]}], "targets": ["next"],
                                    "out_of_range": "pass"}},
               "road": {"data": {"files": "readings.csv"}, "split": {"validation": 0.3}, "training": training,
                        "pipeline": {"out_of_range": "pass"},  # whatever number is sent has an answer
                        "network": {"layers": [dense]}, "forecast": {"windows": {"lags": 3, "horizons": [1, 2]},
                                                                     "intervals": {}, "alarm": {"value": 20}}}}
    for name, recipe in recipes.items():
        with open(f"{name}.json", "w") as file:
            json.dump({**recipe, "output": {"model": f"{name}.h5"}}, file)
        subprocess.run([program, "train", f"{name}.json", "--progress", "none"], check=True, timeout=60)
    return recipes


names = make_models()
shutil.rmtree("state", ignore_errors=True)
with Server(program, fixtures, options=("--state", "state", "--job-data", ".")) as server:
    for name in names:
        os.makedirs(f"{server.folder}/{name}/1")
        shutil.copy(f"{name}.h5", f"{server.folder}/{name}/1/model.h5.part")
        os.rename(f"{server.folder}/{name}/1/model.h5.part", f"{server.folder}/{name}/1/model.h5")
        assert wait_until(lambda: server.ask(f"/v2/models/{name}/ready")[0] == 200), server.ask(f"/v1/models/{name}")
    paths = paths_of(server)
    for path in ("/v1/models/flat:predict", "/v2/models/two_inputs/versions/3/infer", "/metrics", "/v1/models/raw:predict",
                 "/v1/streams/road/{sensor}", "/v2/repository/index", "/v1/jobs", "/maas/v1/models/flat/labels/{label}"):
        assert path in paths, list(paths)
    assert server.ask("/openapi.json", token=None)[0] == 401
    with open("schemathesis.toml", "w") as file:
        file.write(SETTINGS)
    command = [os.path.join(venv, "bin", "schemathesis"), "--config-file", "schemathesis.toml", "run",
               f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {TOKEN}",
               "--mode", "all", "--phases", "examples,coverage,fuzzing",
               "--generation-deterministic", "--max-examples", "40", "--max-time", "60", "--no-color",
               "--suppress-health-check", "all"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    for line in result.stdout.splitlines()[-300:]:
        print(line[:400])  # bodies may be long
    print(result.stderr[-3000:])
    assert result.returncode == 0, f"schemathesis ended with {result.returncode}"
    assert {path: each for path, each in paths_of(server).items() if not re.match("/v1/models/.*/labels/", path)} == paths
    assert server.process.poll() is None
