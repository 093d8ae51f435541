"""Runs `maas load-test` on the real `maas serve`: what it prints, what it returns, what the server has counted.
usage: run_load_test.py PROGRAM FIXTURES"""

import json
import re
import subprocess
import sys

from real_server import Server

program, fixtures = sys.argv[1:3]


def run(url, *arguments, code=0):
    result = subprocess.run([program, "load-test", url, "--warmup", "0", *arguments], capture_output=True, text=True,
                            timeout=120)
    assert result.returncode == code, (arguments, result.returncode, result.stdout, result.stderr)
    return result.stderr if code == 1 else result.stdout


def counted(server, api, model, code):
    found = re.findall(rf'maas_requests_total{{api="{api}",model="{model}",version="\d*",code="{code}"}} (\d+)',
                       server.ask("/metrics")[2].decode())
    return sum(map(int, found))


with Server(program, fixtures) as running:
    token = ["--token-file", "token.txt"]
    said = run(running.url, "--model", "flat", "--rate", "200", "--seconds", "0.5", *token)
    assert re.search(r"^answers   200: 100; [\d.]+ good ones a second$", said, re.M), said
    assert re.search(r"^latency   p50 [\d.]+  p90 [\d.]+  p99 [\d.]+  p99.9 [\d.]+  max [\d.]+ ms", said, re.M), said
    assert counted(running, "v2", "flat", 200) == 101  # with the question for its metadata

    for form, api in (("binary", "v2"), ("json", "v2"), ("rows", "v1")):
        before = counted(running, api, "two_inputs", 200)
        result = json.loads(run(running.url, "--model", "two_inputs", "--model-version", "3", "--form", form, "--rows", "5",
                                "--rate", "100", "--seconds", "0.3", "--json", *token))
        assert result["requests"] == result["good"] == 30 and result["statuses"] == {"200": 30}, result
        assert result["failures"] == {} and result["rate"] == 100 and result["connections"] == 16, result
        latency = result["latency_ms"]
        assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99.9"] <= latency["max"], result
        assert counted(running, api, "two_inputs", 200) >= before + 30

    with open("body.json", "w") as file:
        file.write('{"instances": [[1, 2, 3, 4, 5]]}')
    path = f"{running.url}/v1/models/flat:predict"
    assert json.loads(run(path, "--body", "body.json", "--seconds", "0.2", "--json", *token))["good"] == 20
    # Answers that are errors are told by their status, and by the exit code.
    refused = json.loads(run(path, "--body", "body.json", "--seconds", "0.2", "--json", code=2))
    assert refused["statuses"] == {"401": 20} and refused["good"] == 0, refused
    assert json.loads(run(running.url + "/healthz", "--seconds", "0.2", "--json"))["good"] == 20
    header = run(path, "--body", "body.json", "--seconds", "0.1", "--header", "Authorization: Bearer a-token-for-tests")
    assert "200: 10;" in header, header

    # A p99 that no rate can keep: the search goes down to one request in all, and says so by the exit code, too.
    steps = json.loads(run(running.url, "--model", "flat", "--find-saturation", "--rate", "50", "--seconds", "0.1",
                           "--p99-ms", "0.001", "--json", *token, code=2))
    assert steps["saturation"] == 0, steps
    assert [step["rate"] for step in steps["steps"]] == [50, 25, 12.5], steps

    for arguments, why in ((["--model", "none", *token], "unknown model"), (["--model", "flat"], "got 401"),
                           (["--model", "flat", "--body", "body.json"], "got both"), (["--body", "no/such"], "cannot be read"),
                           (["--header", "x\ny: z"], "expected \"NAME: VALUE\""), (["--form", "xml"], "xml")):
        assert why in run(running.url, *arguments, code=1), arguments
    assert "expected http://" in run("https://localhost", code=1)
print("maas load-test does what it says")
