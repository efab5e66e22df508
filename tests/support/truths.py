"""The service's document as data, `tests/wire/schemas.json`, and what is checked of the simulator's answers by it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from asking import ask

jsonschema = pytest.importorskip("jsonschema", reason="it is in the dependency group test")

_WIRE = Path(__file__).parent.parent / "wire"
TOLD = json.loads((_WIRE / "schemas.json").read_text(encoding="utf-8"))
SCHEMAS = TOLD["endpoints"]
DIFFERENCES = json.loads((_WIRE / "differences.json").read_text(encoding="utf-8"))
ASKED: set[str] = set()
"""The operations whose answer `checked` has held against its schema."""


def wrong_with(schema, value):
    """Give each place where a value breaks a schema, and how."""
    found = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).iter_errors(value)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.validator} {error.validator_value}" for error in found]


def key_of(method, path):
    """Give the name of an endpoint in the schemas: an id in the path is `{id}`, whatever it is called."""
    exact = f"{method} " + re.sub(r"\{\w+\}", "{id}", path)
    fitting = (key for key in SCHEMAS if re.fullmatch(re.escape(key).replace(re.escape("{id}"), "[^/]+"), exact))
    return exact if exact in SCHEMAS else next(fitting, re.sub("[0-9a-f]{24}", "{id}", exact))


def listed(place):
    """Give the differences that are there on purpose."""
    assert all(reason.endswith(".") for reason in DIFFERENCES[place].values())
    return set(DIFFERENCES[place])


def checked(sim, method, path, body=None, **query):
    """Ask the simulator, check the answer against its schema, and give its data."""
    reply = ask(sim, method, path, body, **query)
    told = json.loads(reply.body)
    schema = SCHEMAS.get(key_of(method, path), {})
    if reply.status == 200 and "answer" in schema:
        place = "yes" if told.get("success") is True or told.get("code") == 0 else told
        assert place == "yes", (path, told)
        wrong = [f"{key_of(method, path)} {one}" for one in wrong_with(schema["answer"], told)]
        assert set(wrong) <= listed("answers of the simulator"), wrong
        ASKED.add(key_of(method, path))
    if str(reply.status) in schema.get("refusals", ()):
        assert wrong_with(TOLD["refusal"], told) == [], (path, told)
        assert told["success"] is False
    return told.get("data")
