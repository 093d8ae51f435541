"""LiteRT with XNNPACK, on what TensorFlow's converter makes of the model's file: see make_tflite.py."""
import importlib.metadata
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import peer

VERSION = importlib.metadata.version("ai-edge-litert")


def interpreter_of(path, shape):
    interpreter = Interpreter(path, num_threads=1)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
    interpreter.allocate_tensors()
    return interpreter, interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]


def predict(work, folder):
    x, expected = peer.read_samples(folder, work.net, work.batch)
    interpreter, input_index, output_index = interpreter_of(f"{folder}/{work.net.name}.tflite", x.shape)

    def whole():
        interpreter.set_tensor(input_index, x)
        interpreter.invoke()
        return interpreter.get_tensor(output_index)

    peer.require_same(expected, whole())
    peer.report("LiteRT", "Python, invoke() alone", work.name, peer.measure_calls(interpreter.invoke), VERSION)
    peer.report("LiteRT", "Python, set, invoke, get", work.name, peer.measure_calls(whole), VERSION)


def first_prediction(folder):
    interpreter, input_index, output_index = interpreter_of(f"{folder}/seed.tflite", (1, 100))
    interpreter.set_tensor(input_index, np.full((1, 100), 0.5, "float32"))
    interpreter.invoke()
    return interpreter.get_tensor(output_index)


what, folder = sys.argv[1:3]
if what == "load_once":
    first_prediction(folder)
elif what == "load_warm":
    peer.report("LiteRT", "Python, load and invoke()", what, peer.measure_calls(lambda: first_prediction(folder)),
                VERSION)
else:
    predict(peer.Workload(what), folder)
