#!/usr/bin/env python3
"""Holds recipes against docs/recipe.schema.json with the Python package jsonschema.

usage: check_schema.py SCHEMA RECIPE...

Every recipe must be valid, and must not be any more once a key is misspelt, a type is wrong or a section is missing.
Exit code 77 where jsonschema is not there or does not know draft 2020-12.
"""
import copy
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: the Python package jsonschema (4.0 or later) is not there")
    sys.exit(77)


def changed(recipe, change):
    broken = copy.deepcopy(recipe)
    change(broken)
    return broken


BREAKS = {
    "a misspelt section": lambda r: r.update(trainin=r.pop("training")),
    "a misspelt key": lambda r: r["training"].update(epoch=3),
    "a text for a number": lambda r: r["training"].update(epochs="many"),
    "no epochs": lambda r: r["training"].update(epochs=0),
    "no files": lambda r: r["data"].pop("files"),
    "no loss": lambda r: r["training"].pop("loss"),
    "neither a pipeline nor a forecast": lambda r: (r.pop("pipeline", None), r.pop("forecast", None)),
    "targets beside a forecast": lambda r: r.update(pipeline={"targets": ["y"]}, forecast={}),
    "a pipeline without targets": lambda r: (r.pop("forecast", None), r.update(pipeline={"steps": []})),
    "an unknown layer": lambda r: r["network"]["layers"].append({"class": "dens", "units": 3}),
    "a misspelt setting of a layer": lambda r: r["network"]["layers"].append({"class": "dense", "unit": 3}),
    "what a step learns": lambda r: (r.pop("forecast", None), r.update(
        pipeline={"steps": [{"class": "standard", "mean": [3]}], "targets": ["y"]})),
    "an unknown optimizer": lambda r: r["training"].update(optimizer="adm"),
    "a number for a layer": lambda r: r["network"]["layers"].append(3),
    "another way to split": lambda r: r["split"].update(by="hour"),
}


def main(schema_path, paths):
    schema = json.load(open(schema_path, encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    failures = 0
    for path in paths:
        recipe = json.load(open(path, encoding="utf-8"))
        for error in validator.iter_errors(recipe):
            print(f"{path}: {error.json_path}: {error.message[:200]}")
            failures += 1
        for name, change in BREAKS.items():
            if validator.is_valid(changed(recipe, change)):
                print(f"{path}: is still valid with {name}")
                failures += 1
    print(f"{len(paths)} recipes, {len(BREAKS)} ways to break each, {failures} failures")
    return 1 if failures or not paths else 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
