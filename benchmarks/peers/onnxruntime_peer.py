"""ONNX Runtime on the file that maas writes: outputs bound beforehand, so that a call is little more than that of C++."""
import sys

import numpy as np
import onnxruntime

import peer

VERSION = onnxruntime.__version__


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def predict(work, folder):
    session = session_of(f"{folder}/{work.net.name}.onnx")
    x, expected = peer.read_samples(folder, work.net, work.batch)
    name, result = session.get_inputs()[0].name, session.get_outputs()[0].name
    binding = session.io_binding()
    value = onnxruntime.OrtValue.ortvalue_from_numpy(x)
    y = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros_like(expected))
    binding.bind_ortvalue_input(name, value)
    binding.bind_ortvalue_output(result, y)
    session.run_with_iobinding(binding)
    peer.require_same(expected, y.numpy())
    peer.report("ONNX Runtime", "Python, run_with_iobinding()", work.name,
                peer.measure_calls(lambda: session.run_with_iobinding(binding)), VERSION)
    peer.report("ONNX Runtime", "Python, run()", work.name,
                peer.measure_calls(lambda: session.run(None, {name: x})), VERSION)


def first_prediction(folder):
    session = session_of(f"{folder}/seed.onnx")
    return session.run(None, {session.get_inputs()[0].name: np.full((1, 100), 0.5, "float32")})


what, folder = sys.argv[1:3]
if what == "load_once":
    first_prediction(folder)
elif what == "load_warm":
    peer.report("ONNX Runtime", "Python, load and run()", what, peer.measure_calls(lambda: first_prediction(folder)),
                VERSION)
else:
    predict(peer.Workload(what), folder)
