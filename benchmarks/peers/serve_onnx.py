"""ONNX Runtime behind FastAPI, as a server is usually written in Python: one worker of uvicorn, one thread of the runtime.
Packages: onnxruntime fastapi uvicorn[standard] orjson numpy. usage: serve_onnx.py MODEL.onnx PORT"""

import sys

import numpy
import onnxruntime
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
app = FastAPI()


@app.get("/v2/health/ready")
async def ready():
    return {"ready": True}


@app.post("/json")
async def predict(request: Request):
    x = numpy.array(orjson.loads(await request.body())["instances"], dtype=numpy.float32)
    y = session.run(None, {name: x})[0]
    return Response(orjson.dumps({"predictions": y.tolist()}), media_type="application/json")


@app.post("/bytes")
async def predict_bytes(request: Request):
    x = numpy.frombuffer(await request.body(), dtype=numpy.float32).reshape(-1, 100)
    return Response(session.run(None, {name: x})[0].tobytes(), media_type="application/octet-stream")


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
