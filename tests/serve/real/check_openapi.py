"""Has schemathesis read the OpenAPI document of the real `maas serve` and ask what it allows, and what it does not, for at
most 50 seconds. usage: check_openapi.py PROGRAM FIXTURES VENV REQUIREMENTS"""

import json
import os
import subprocess
import sys

import with_venv

program, fixtures, venv, requirements = sys.argv[1:5]
with_venv.enter(venv, requirements)

from real_server import TOKEN, Server

# Bodies of /infer whose numbers do not fit their shape, and of several inputs with different numbers of samples, cannot be
# told apart in a schema: that all it allows is taken is asked of the other calls alone.
SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "404", "405", "413"]
[[operations]]
include-path-regex = "(infer|two_inputs.*:predict)$"
[operations.checks]
positive_data_acceptance.enabled = false
"""


def paths_of(server):
    status, headers, body = server.ask("/openapi.json")
    assert status == 200 and headers["Content-Type"] == "application/json"
    document = json.loads(body)
    assert document["openapi"] == "3.1.0"
    return document["paths"]


with Server(program, fixtures) as server:
    paths = paths_of(server)
    for path in ("/v1/models/flat:predict", "/v2/models/two_inputs/versions/3/infer", "/metrics"):
        assert path in paths, list(paths)
    assert server.ask("/openapi.json", token=None)[0] == 401
    with open("schemathesis.toml", "w") as file:
        file.write(SETTINGS)
    command = [os.path.join(venv, "bin", "schemathesis"), "--config-file", "schemathesis.toml", "run",
               f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {TOKEN}",
               "--mode", "all", "--phases", "examples,coverage,fuzzing",
               "--generation-deterministic", "--max-examples", "40", "--max-time", "45", "--no-color",
               "--suppress-health-check", "all"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    for line in result.stdout.splitlines()[-300:]:
        print(line[:400])  # bodies may be long
    print(result.stderr[-3000:])
    assert result.returncode == 0, f"schemathesis ended with {result.returncode}"
    assert paths_of(server) == paths
    assert server.process.poll() is None
