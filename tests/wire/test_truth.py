"""The package and the simulator beside the service's own document, as data: `schemas.json`.

It holds, for each of the document's 240 operations, the JSON Schema of the body and the query of its requests, that of
its answer where one is declared, and the statuses whose refusals have the one declared form. It was made from the
document, never from this package. Where the package differs on purpose, `differences.json` says so, with the reason: a
difference that is not there fails with its path, and so does one that is there and is none any more. What the simulator
answers is in `test_truth_of_answers.py`.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from truths import SCHEMAS, key_of, listed, wrong_with

from a2e_async import InvalidRequestError, families
from a2e_async.core import wire
from a2e_async.core.requests import fields_of
from a2e_async.simulator.world.facts import facts

FOLDER = Path(__file__).parent
GOLDEN = {
    f"{path.stem}/{name}": exchange
    for path in sorted(FOLDER.glob("*.json"))
    if path.stem not in ("schemas", "differences")
    for name, exchange in json.loads(path.read_text(encoding="utf-8")).items()
} | {
    path.relative_to(FOLDER).with_suffix("").as_posix(): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*/*.json"))
}
ID = "65f000000000000000000001"
HOW = "each operation is a line of schemas.json; a difference on purpose stands in differences.json, with the reason"


def unknown_in(schema, value, path=""):
    """Give each field of a value that the schema has no word of, however deep."""
    if isinstance(value, list):
        return [one for item in value for one in unknown_in(schema.get("items", {}), item, path)]
    known = schema.get("properties")
    if not isinstance(value, dict) or known is None:
        return []
    here = [f"{path}{key}" for key in value if key not in known]
    return here + [
        one for key in value.keys() & known.keys() for one in unknown_in(known[key], value[key], f"{path}{key}.")
    ]


def typed(query):
    """Give a query with numbers as numbers, as the schema has them."""
    types = {"true": True, "false": False}
    return {key: int(value) if value.isdigit() else types.get(value, value) for key, value in query.items()}


def differences_of(method, path, query, body):
    """Give what is different between a request and the document."""
    key = key_of(method, path)
    schema = SCHEMAS.get(key)
    if schema is None:
        return {f"{key}: not in the document"}
    found = set()
    for where, value in (("query", typed(query)), ("body", body or {})):
        told = schema.get(where, {"properties": {}})
        found |= {f"{key} {where} {wrong}" for wrong in wrong_with(told, value)}
        found |= {f"{key} {where} {name}: not in the document" for name in unknown_in(told, value)}
    return found


def requests_of(family):
    """Give requests of a family: its example, those of the golden exchanges, and the example with each choice."""
    yield family.request(**family.example)
    for exchange in GOLDEN.values():
        if exchange.get("call", {}).get("start") == family.name:
            yield family.request(**exchange["call"]["request"])
    for field in fields_of(family.request):
        for choice in field.choices:
            with contextlib.suppress(InvalidRequestError):  # a choice that the example does not go with
                yield family.request(**{**family.example, field.name: choice})


def test_every_request_of_a_family_is_as_documented():
    """Starts and whatever is asked about tasks: fields, types, limits and choices are the document's."""
    found = set()
    for family in families().values():
        asked = [wire.start(family, request) for request in requests_of(family)]
        asked += [one.other for one in asked if one.other is not None]
        asked += [wire.detail(family, ID), *([wire.batch(family, [ID])] if family.batch else [])]
        asked += [wire.listing(family, 1, 10)] if family.listing else []
        asked += [wire.delete(family, ID)] if family.delete else []
        for one in asked:
            found |= differences_of(one.method, one.path, one.query, one.body)
    assert found == listed("requests of families"), HOW


def test_every_call_is_as_documented():
    """The requests of the golden exchanges of all calls, each of which has one."""
    calls = json.loads((FOLDER / "calls.json").read_text(encoding="utf-8"))
    found = set()
    for exchange in calls.values():
        sent = exchange["sent"]
        found |= differences_of(sent["method"], sent["path"], sent["query"], sent["body"])
    assert found == listed("requests of calls"), HOW


def test_every_documented_field_can_be_given():
    """Both ways: each field of a documented start is one of its class, as required, with all choices and no more."""
    found = set()
    for family in families().values():
        for form in family.forms:
            schema = SCHEMAS.get(f"POST {form.path}", {}).get("body")
            if schema is None:
                continue
            fields = {key: field for field in fields_of(family.request) for key in (field.key, field.also) if key}
            for key, told in schema["properties"].items():
                place, field = f"POST {form.path} {key}", fields.get(key)
                if field is None:
                    found.add(f"{place}: no field")
                    continue
                is_required = key in schema.get("required", ()) and key != family.name_field and key not in form.always
                if is_required != field.required:
                    found.add(f"{place}: required {is_required}, here {field.required}")
                choices = {str(choice) if field.write else choice for choice in field.choices}
                if "enum" in told and choices and choices != set(told["enum"]):
                    found.add(f"{place}: choices {sorted(choices ^ set(told['enum']))}")
                if "enum" in told and not choices:
                    wrong = [one for one in told["enum"] if not field.rule.check(int(one) if field.write else one)]
                    found |= {f"{place}: refuses {wrong}"} if wrong else set()
    assert found == listed("fields of starts"), HOW


def test_the_simulator_knows_the_documents_fields():
    """Its own table has every operation, with the document's fields, types, limits and choices."""
    known = facts()
    found = set()
    for key, schema in SCHEMAS.items():
        told = {**schema.get("query", {}).get("properties", {}), **schema.get("body", {}).get("properties", {})}
        mine = known.get(key)
        if mine is None:
            found.add(f"{key}: unknown")
            continue
        found |= {f"{key} {name}: missing" for name in told.keys() - mine.keys()}
        found |= {f"{key} {name}: not in the document" for name in mine.keys() - told.keys()}
        for name in told.keys() & mine.keys():
            kind = told[name].get("type", "")
            inner = told[name].get("items", {}).get("type", "")
            if mine[name].type != (f"{inner}[]" if inner else kind):
                found.add(f"{key} {name}: {mine[name].type}, not {kind}")
            if mine[name].enum and list(mine[name].enum) != told[name].get("enum"):
                found.add(f"{key} {name}: choices")
    assert found == listed("fields of the simulator"), f"simulator/world/documented.json; {HOW}"


def test_the_schemas_would_notice():
    """A wrong type, a missing field, a choice too many and a field too many are each told with their place."""
    body = {"prompt": 7, "image_urls": "x", "size": "big", "more": 1}
    found = differences_of("POST", "/api/v1/userImage2Video/start", {}, {"prompt": 7, "more": 1})
    assert any("prompt: type string" in one for one in found)
    assert any(": required ['image_url']" in one for one in found)
    assert any("more: not in the document" in one for one in found)
    assert unknown_in({"properties": {"a": {"properties": {}}}}, {"a": {"b": 1}}) == ["a.b"]
    assert differences_of("GET", "/api/v1/nothing", {}, body) == {"GET /api/v1/nothing: not in the document"}
