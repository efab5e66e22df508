"""Results and records as plain JSON values, for the answer of an endpoint."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from fastapi.encoders import jsonable_encoder
from pydantic import TypeAdapter

from a2e_async import Record, Result, Status

RECORD = Record(
    id="65f0",
    family="text_to_image",
    name="half \ud83e",
    status=Status.COMPLETED,
    coins=10.0,
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    urls=("https://files.example/a.png", "https://files.example/b\ud83e.png"),
    extra={"user_id": "u1"},
    raw={"_id": "65f0"},
)
RESULT = Result((RECORD, Record(id="65f1")))


def test_each_attribute_is_plain():
    """Every attribute is there but what the service says beside, and a strict writer of UTF-8 takes it."""
    plain = RECORD.to_dict()
    json.dumps(plain, ensure_ascii=False, allow_nan=False).encode()
    assert plain == {
        "id": "65f0",
        "family": "text_to_image",
        "name": "half ?",
        "tag": None,
        "status": "completed",
        "coins": 10.0,
        "created_at": "2026-01-02T00:00:00+00:00",
        "failed_code": "",
        "failed_message": "",
        "trace_id": None,
        "urls": ["https://files.example/a.png", "https://files.example/b?.png"],
    }


def test_a_result_has_its_files_first():
    """A page needs the links; the records are there as well."""
    plain = RESULT.to_dict()
    assert list(plain) == ["url", "urls", "coins", "task_ids", "records"]
    assert (plain["url"], plain["task_ids"]) == ("https://files.example/a.png", ["65f0", "65f1"])
    assert plain["records"] == [RECORD.to_dict(), Record(id="65f1").to_dict()]
    assert Result(()).to_dict() == {"url": "", "urls": [], "coins": None, "task_ids": [], "records": []}


@pytest.mark.parametrize("thing", [RECORD, RESULT, [RESULT], {"job": RECORD}])
def test_fastapi_writes_what_an_endpoint_returns(thing):
    """Without an annotation the encoder of FastAPI makes a dict of it."""
    plain = json.loads(json.dumps(jsonable_encoder(thing)))
    inner = thing[0] if isinstance(thing, list) else thing["job"] if isinstance(thing, dict) else thing
    assert inner.to_dict() in (plain, *(plain.values() if isinstance(plain, dict) else plain))


@pytest.mark.parametrize("thing", [RECORD, RESULT])
def test_pydantic_knows_the_classes(thing):
    """With an annotation pydantic checks the class, writes its plain form and describes it."""
    known = TypeAdapter(type(thing))
    assert known.validate_python(thing) is thing
    assert known.dump_python(thing, mode="json") == thing.to_dict()
    assert known.json_schema(mode="serialization")["type"] == "object"
    with pytest.raises(ValueError, match="instance of"):
        known.validate_python({"id": "65f0"})
