"""Asks the real `maas serve` with Python's requests, as users of TensorFlow Serving do.
usage: ask_with_requests.py PROGRAM FIXTURES VENV REQUIREMENTS"""

import gzip
import json
import math
import sys

import with_venv
from real_server import TOKEN, Server, close

program, fixtures, venv, requirements = sys.argv[1:5]
with_venv.enter(venv, requirements)

import numpy
import requests
from all_forms import ask_in_all_forms, check_same_bits, in_pieces


class Client:
    """A session, whose connection is kept, and the models' address."""

    def __init__(self, server):
        self.url = server.url
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of this machine's
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def get(self, path):
        return self.session.get(self.url + path, timeout=20)

    def post(self, path, **body):
        return self.session.post(self.url + path, timeout=20, **body)


def rows_of(server):
    return {"instances": [{"left": a, "right": b} for a, b in zip(server.left, server.right)]}


def values_in(answer, member="predictions"):
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json", answer.text
    return [row[0] for row in answer.json()[member]]


def predict(server, client):
    rows = rows_of(server)
    by_text = client.post("/v1/models/two_inputs:predict", data=json.dumps(rows))
    assert "Content-Type" not in by_text.request.headers  # requests sends none with a text
    first = values_in(by_text)
    close(first, server.expected)
    by_json = client.post("/v1/models/two_inputs:predict", json=rows)
    assert by_json.request.headers["Content-Type"] == "application/json" and by_json.content == by_text.content
    columns = {"signature_name": "serving_default", "inputs": {"left": server.left, "right": server.right}}
    assert values_in(client.post("/v1/models/two_inputs/versions/3:predict", json=columns), "outputs") == first

    # float32 lists of numpy carry 17 digits: they are the same numbers.
    left, right = (numpy.array(values, dtype=numpy.float32).tolist() for values in (server.left, server.right))
    assert max(len(repr(x)) for row in left for x in row) >= 17
    long_rows = {"instances": [{"left": a, "right": b} for a, b in zip(left, right)]}
    assert client.post("/v1/models/two_inputs:predict", json=long_rows).content == by_text.content

    # A generator goes out in chunks; gzip is asked for by default, and sent when a body says so.
    text = json.dumps(rows).encode()
    chunked = client.post("/v1/models/two_inputs:predict", data=in_pieces(text))
    assert chunked.request.headers["Transfer-Encoding"] == "chunked" and chunked.content == by_text.content
    packed = client.post("/v1/models/two_inputs:predict", data=gzip.compress(text), headers={"Content-Encoding": "gzip"})
    assert "gzip" in packed.request.headers["Accept-Encoding"] and packed.content == by_text.content

    inputs = {name: numpy.array(values, dtype=numpy.float32) for name, values in (("left", server.left), ("right", server.right))}
    (name,) = (x["name"] for x in client.get("/v2/models/two_inputs").json()["outputs"])
    answers = ask_in_all_forms(client.session, client.url, "two_inputs", inputs, [name])
    assert check_same_bits(answers)[name][:, 0].tobytes() == numpy.array(first, dtype=numpy.float32).tobytes()
    print(f"the same bits in {len(answers)} forms")


def look(client):
    status = client.get("/v1/models/two_inputs").json()
    assert status["model_version_status"] == [{"version": "3", "state": "AVAILABLE",
                                               "status": {"error_code": "OK", "error_message": ""}}], status
    assert client.get("/v1/models/two_inputs/versions/3").json()["model_version_status"] == status["model_version_status"]
    metadata = client.get("/v1/models/two_inputs/metadata").json()
    assert metadata["model_spec"] == {"name": "two_inputs", "signature_name": "", "version": "3"}, metadata
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["left"]["dtype"] == "DT_FLOAT", signature
    assert [x["size"] for x in signature["inputs"]["left"]["tensor_shape"]["dim"]] == ["-1", "4"], signature
    assert sorted(client.get("/v1/models").json()["models"]) == ["flat", "two_inputs"]
    assert client.get("/v2/models/two_inputs").json()["versions"] == ["3"]
    assert client.session.head(client.url + "/v1/models/two_inputs", timeout=20).content == b""


def labels(server, client):
    assert client.post("/v1/models/two_inputs/labels/stable:predict", json=rows_of(server)).status_code == 404
    assert client.post("/maas/v1/models/two_inputs/labels/stable", json={"version": 4}).status_code == 409
    assert client.post("/maas/v1/models/two_inputs/labels/stable", json={"version": 3}).status_code == 200
    labelled = values_in(client.post("/v1/models/two_inputs/labels/stable:predict", json=rows_of(server)))
    close(labelled, server.expected)
    assert client.get("/v1/models/two_inputs/labels/stable").json()["model_version_status"][0]["version"] == "3"


def nan(client):
    """requests refuses NaN in json=; Python's json writes it, and reads it back."""
    try:
        client.post("/v1/models/flat:predict", json={"instances": [[math.nan] * 5]})
        raise AssertionError("requests has sent NaN")
    except requests.exceptions.InvalidJSONError:
        pass
    answer = client.post("/v1/models/flat:predict", data=json.dumps({"instances": [[math.nan] * 5, [0.0] * 5]}))
    values = values_in(answer)
    assert b"NaN" in answer.content and math.isnan(values[0]) and math.isfinite(values[1]), answer.text


def errors(client):
    """Each is JSON with a text, of exactly this type, and never compressed; the session's connection goes on."""
    for path, body, status in (("/v1/models/none:predict", {"instances": [[0.0] * 5]}, 404),
                               ("/v1/models/flat/versions/9:predict", {"instances": [[0.0] * 5]}, 404),
                               ("/v1/models/flat:predict", {"instances": [[1, 2]]}, 400),
                               ("/v1/models/flat:predict", {"instances": [], "inputs": []}, 400),
                               ("/v1/models/flat:predict", {"rows": 1}, 400),
                               ("/v1/models/flat:classify", {"examples": []}, 501),
                               ("/v1/models/flat:none", {}, 404),
                               ("/v1/none", {}, 404)):
        answer = client.post(path, json=body)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        assert answer.headers["Content-Type"] == "application/json" and "Content-Encoding" not in answer.headers
        assert list(answer.json()) == ["error"] and answer.json()["error"], answer.text
        try:
            answer.raise_for_status()
            raise AssertionError("no error")
        except requests.exceptions.HTTPError as error:
            assert error.response.status_code == status
    wrong = client.session.delete(client.url + "/v1/models/flat", timeout=20)
    assert wrong.status_code == 405 and "GET" in wrong.headers["Allow"], wrong.headers
    unknown = requests.get(client.url + "/v1/models/flat", timeout=20)
    assert unknown.status_code == 401 and unknown.headers["WWW-Authenticate"].startswith("Bearer"), unknown.headers
    unpacked = client.post("/v1/models/flat:predict", data=b"x", headers={"Content-Encoding": "br"})
    assert unpacked.status_code == 415 and "gzip" in unpacked.headers["Accept-Encoding"], unpacked.headers


def keeps_its_connection(client):
    """The session's pool has one connection, over which everything has gone that leaves it open."""
    pools = client.session.get_adapter(client.url).poolmanager.pools
    (pool,) = [pools[key] for key in pools.keys()]
    before = pool.num_connections, pool.num_requests
    for _ in range(50):
        assert client.post("/v1/models/flat:predict", json={"instances": [[0.5] * 5]}).status_code == 200
    assert (pool.num_connections, pool.num_requests) == (before[0], before[1] + 50), (before, pool.num_connections)


with Server(program, fixtures) as running:
    asking = Client(running)
    predict(running, asking)
    look(asking)
    labels(running, asking)
    nan(asking)
    errors(asking)
    keeps_its_connection(asking)
print(f"the server answered requests {requests.__version__}")
