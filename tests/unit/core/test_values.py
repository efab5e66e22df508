"""Values that users hand in and get back: what they may hold, and their plain form."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import attrs
import pytest
from pydantic import TypeAdapter

from a2e_async import Record, Result, Status, UsageError
from a2e_async.core.family import Form, families
from a2e_async.core.hooks import Posted
from a2e_async.core.transfers import Transfers
from a2e_async.core.wire import delete

RECORD = Record(
    id="65f0",
    family="text_to_image",
    status=Status.COMPLETED,
    name="half \ud83d",
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    urls=("https://e.example/a.png",),
)


def test_a_result_has_a_plain_form():
    """Text, numbers and lists that any writer of JSON takes, half characters replaced; `dict` of it gives the same."""
    plain = Result((RECORD,)).to_dict()
    assert dict(Result((RECORD,))) == plain
    told = json.loads(json.dumps(plain))
    json.dumps(plain, ensure_ascii=False).encode()
    [record] = told["records"]
    assert (record["id"], record["status"], record["urls"]) == ("65f0", "completed", ["https://e.example/a.png"])
    assert record["created_at"].startswith("2026-01-02T")
    assert "\ud83d" not in record["name"]


@pytest.mark.parametrize("thing", [RECORD, Result((RECORD,))])
def test_pydantic_takes_a_result_as_it_is(thing):
    """An endpoint that is annotated with the class answers with its plain form."""
    adapter = TypeAdapter(type(thing))
    assert adapter.validate_python(thing) is thing
    assert adapter.dump_python(thing) == thing.to_dict()
    assert adapter.json_schema(mode="serialization")["type"] == "object"


@pytest.mark.parametrize(
    ("name", "wrong"), [("first", -1), ("last", math.nan), ("first", "now"), ("last", True), ("letters", "c")]
)
def test_what_is_said_of_a_post_is_checked(name, wrong):
    """A time is in seconds since 1970, letters are those of the first and the second send."""
    right = {"first": 1.0, "last": 2.0, "letters": "ab"}
    assert Posted(**right).letters == "ab"
    with pytest.raises(UsageError, match=rf"Posted\.{name} must be"):
        Posted(**right | {name: wrong})


@pytest.mark.parametrize("wrong", [-1, True, "1", math.inf, math.nan])
def test_every_knob_of_transfers_is_checked(wrong):
    """Each is a number of at least something; the refusal names it."""
    for field in attrs.fields(Transfers):
        with pytest.raises(UsageError, match=rf"Transfers\.{field.name}: must be a"):
            Transfers(**{field.name: wrong})


def test_what_cannot_be_deleted_is_refused():
    """A family whose tasks the service cannot delete says so, and so does one that has no form for a request."""
    family = families()["text_to_image"]
    with pytest.raises(UsageError, match="the service cannot delete tasks of this family"):
        delete(attrs.evolve(family, delete=None), "65f0")
    lacking = attrs.evolve(family, forms=(Form(path="/x", when=frozenset({"max_images"})),))
    with pytest.raises(UsageError, match="no form fits this request"):
        lacking.form_of(family.request(prompt="a kite"))
