"""One question in all the ways that HTTP has for it, for the scripts beside this one: the answers must have the same bits."""

import gzip
import json
import math
import zlib

import numpy


def _tensors(inputs, flat):
    return [{"name": name, "shape": list(values.shape), "datatype": "FP32",
             "data": (values.ravel() if flat else values).tolist()} for name, values in inputs.items()]


def _v1_body(inputs, form):
    if form == "inputs":
        columns = {name: values.tolist() for name, values in inputs.items()}
        return {"inputs": columns if len(columns) > 1 else next(iter(columns.values()))}
    rows = zip(*(values.tolist() for values in inputs.values()))
    return {"instances": [dict(zip(inputs, row)) if len(inputs) > 1 else row[0] for row in rows]}


def _binary_body(inputs):
    """The JSON with its tail of bytes, and the header that tells how long the JSON is."""
    tail = b"".join(values.astype("<f4").tobytes() for values in inputs.values())
    tensors = [{"name": name, "shape": list(values.shape), "datatype": "FP32",
                "parameters": {"binary_data_size": 4 * values.size}} for name, values in inputs.items()]
    head = json.dumps({"inputs": tensors, "parameters": {"binary_data_output": True}}).encode()
    return head + tail, {"Inference-Header-Content-Length": str(len(head))}


def in_pieces(body, size=7):
    """A body that `requests` sends in chunks, as it cannot tell how long it is."""
    return (body[i:i + size] for i in range(0, len(body), size))


def _read_v1(answer, outputs):
    rows = answer.json().get("predictions")
    if rows is None:
        columns = answer.json()["outputs"]
        columns = columns if len(outputs) > 1 else {outputs[0]: columns}
    else:
        columns = {name: [row[name] for row in rows] for name in outputs} if len(outputs) > 1 else {outputs[0]: rows}
    return {name: numpy.array(values, dtype=numpy.float32) for name, values in columns.items()}


def _read_v2(answer):
    length = answer.headers.get("Inference-Header-Content-Length")
    said = json.loads(answer.content[:int(length)] if length else answer.content)
    values, at = {}, int(length or 0)
    for tensor in said["outputs"]:
        size = tensor.get("parameters", {}).get("binary_data_size")
        shape = [int(x) for x in tensor["shape"]]
        assert (size is None) == (length is None), said
        if size is None:
            got = numpy.array(tensor["data"], dtype=numpy.float32)
        else:
            got, at = numpy.frombuffer(answer.content[at:at + int(size)], dtype="<f4"), at + int(size)
        assert got.size == math.prod(shape), tensor
        values[tensor["name"]] = got.reshape(shape)
    assert length is None or at == len(answer.content)
    return values


def ask_in_all_forms(session, url, model, inputs, outputs):
    """`inputs` are arrays by name, and so are the values of what comes back: the answers by form."""
    v1, v2 = f"{url}/v1/models/{model}:predict", f"{url}/v2/models/{model}/infer"
    rows = json.dumps(_v1_body(inputs, "instances")).encode()
    tensors = json.dumps({"inputs": _tensors(inputs, False)}).encode()
    binary, head = _binary_body(inputs)
    answers = {}

    def ask(form, path, body, headers=None):
        answer = session.post(path, data=body, headers=headers or {}, timeout=60)
        assert answer.status_code == 200, (model, form, answer.status_code, answer.text[:500])
        answers[form] = _read_v1(answer, outputs) if path == v1 else _read_v2(answer)

    ask("rows", v1, rows)
    ask("columns", v1, json.dumps(_v1_body(inputs, "inputs")).encode())
    ask("nested", v2, tensors)
    ask("flat", v2, json.dumps({"inputs": _tensors(inputs, True)}).encode())
    ask("binary", v2, binary, head)
    for form, path, body, headers in (("rows", v1, rows, {}), ("nested", v2, tensors, {}), ("binary", v2, binary, head)):
        ask(form + ", gzip", path, gzip.compress(body), {**headers, "Content-Encoding": "gzip"})
        ask(form + ", deflate", path, zlib.compress(body), {**headers, "Content-Encoding": "deflate"})
        ask(form + ", chunked", path, in_pieces(body, max(7, len(body) // 50)), headers)
    ask("binary, gzip, chunked", v2, in_pieces(gzip.compress(binary)), {**head, "Content-Encoding": "gzip"})
    return answers


def check_same_bits(answers):
    """All forms gave the same arrays; returns them."""
    first = answers["binary"]
    for form, answer in answers.items():
        assert answer.keys() == first.keys(), (form, answer.keys())
        for name, values in answer.items():
            assert values.shape == first[name].shape and values.tobytes() == first[name].tobytes(), (form, name)
    return first
