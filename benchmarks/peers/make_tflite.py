"""Converts the models that maas wrote for LiteRT. usage: make_tflite.py FOLDER"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow

for name in ["seed", "large"]:
    model = keras.models.load_model(f"{sys.argv[1]}/{name}.h5")
    with open(f"{sys.argv[1]}/{name}.tflite", "wb") as file:
        file.write(tensorflow.lite.TFLiteConverter.from_keras_model(model).convert())
