"""Walks the golden exchanges of this folder: what is sent, and what is read of the reply.

Each JSON file was written by hand from the service's own pages and what is known of the wire, never by this package.
A file in a folder holds one exchange, a file beside this one those of a family, by name:

    source   where it comes from
    call     what the caller does; left out where only the reply matters
    sent     the request that goes out, whole; `other` is what goes out in its place where the service
             knows no such route (with a path alone where nothing else differs)
    reply    status, `json` or `text`, and the headers `retry_after` and `date`
    records, read or error    what comes of it; an attribute that is not named has its default
    verdict  what the error tells about the request
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import attrs
import pytest

from a2e_async import A2EError, Balance, Quote, Record, Status, errors, families
from a2e_async.calls import credits as credit_calls
from a2e_async.calls import storage
from a2e_async.calls.base import request_of
from a2e_async.core import replies, wire
from a2e_async.core.http import HttpReply
from a2e_async.core.retry import verdict

FOLDER = Path(__file__).parent
EXCHANGES = {
    path.relative_to(FOLDER).with_suffix("").as_posix(): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*/*.json"))
} | {
    f"{path.stem}/{name}": exchange
    for path in sorted(FOLDER.glob("*.json"))
    if path.stem not in ("calls", "schemas", "differences")  # see test_calls.py and test_truth.py
    for name, exchange in json.loads(path.read_text(encoding="utf-8")).items()
}
ASKING = {key: one for key, one in EXCHANGES.items() if "call" in one}
READ_AS = {"balance": Balance, "quote": Quote, "upload_link": storage.UploadUrl}


def action_of(exchange):
    """Give what is done, and for which family."""
    action, name = next(iter(exchange.get("call", {"start": "image_to_video"}).items()))
    return action, families().get(name)


WRITE = {
    "start": lambda call, of: wire.start(of, of.request(**call["request"]), name=call.get("name")),
    "detail": lambda call, of: wire.detail(of, call["id"]),
    "batch": lambda call, of: wire.batch(of, call["ids"]),
    "list": lambda call, of: wire.listing(of, call["page"], call["size"]),
    "delete": lambda call, of: wire.delete(of, call["id"]),
    "balance": lambda _call, _of: credit_calls.balance(),
    "quote": lambda call, of: credit_calls.quote(of, of.request(**call["request"])),
    "upload_link": lambda call, _of: request_of(
        storage.Storage.upload_url, key=call["upload_link"], content_type=call["content_type"], size=call["size"]
    ),
}
READ = {
    "balance": credit_calls.read_balance,
    "quote": credit_calls.read_quote,
    "upload_link": storage.read_upload_url,
}


def reading_of(exchange):
    """Read the reply of an exchange."""
    told = exchange["reply"]
    body = told["text"] if "text" in told else json.dumps(told["json"])
    reply = HttpReply(
        status=told["status"], body=body.encode(), retry_after=told.get("retry_after"), date=told.get("date")
    )
    action, family = action_of(exchange)
    data = replies.read(reply, start=action == "start")
    if action in READ:
        return READ[action](data)
    return [wire.record(family, row) for row in replies.rows_of(data)]


def record_of(told, family, rows, trace):
    """Make the record that an exchange expects: it has the reply's trace, and a final one keeps its row as it came."""
    record = Record(family=family.name, **told)
    row = next(row for row in rows if row["_id"] == record.id)
    status = Status(told.get("status", "unknown"))
    return attrs.evolve(
        record,
        status=status,
        created_at=datetime.fromisoformat(record.created_at) if record.created_at else None,
        urls=tuple(record.urls),
        trace_id=trace,
        raw=row | ({"trace_id": trace} if trace else {}) if status in (Status.COMPLETED, Status.FAILED) else {},
    )


def written(sent):
    """Give a request as a golden file writes it."""
    return {"method": sent.method, "path": sent.path, "query": dict(sent.query), "body": sent.body}


@pytest.mark.parametrize("name", ASKING)
def test_what_is_sent(name):
    """Method, path, query and body are exactly as written down; only a start is marked as one."""
    exchange = EXCHANGES[name]
    action, family = action_of(exchange)
    sent = WRITE[action](exchange["call"], family)
    shown = written(sent)
    if sent.other is not None:
        other = written(sent.other)
        shown["other"] = {key: value for key, value in other.items() if key == "path" or value != shown[key]}
    assert json.loads(json.dumps(shown)) == exchange["sent"]
    assert sent.start is (action == "start")


@pytest.mark.parametrize("name", [name for name, one in EXCHANGES.items() if "records" in one])
def test_what_is_read_of_tasks(name):
    """Each reply about tasks gives exactly these records, in this order."""
    exchange = EXCHANGES[name]
    _action, family = action_of(exchange)
    data = exchange["reply"]["json"]["data"]
    if isinstance(data, dict):
        data = next((data[key] for key in ("rows", "list", "data") if key in data), [data])
    rows, trace = data or [], exchange["reply"]["json"].get("trace_id")
    read = reading_of(exchange)
    assert read == [record_of(told, family, rows, trace) for told in exchange["records"]]
    assert {record.trace_id for record in read} <= {trace}


@pytest.mark.parametrize("name", [name for name, one in EXCHANGES.items() if "read" in one])
def test_what_is_read_of_calls(name):
    """Each reply to a one-shot call gives exactly this value."""
    exchange = EXCHANGES[name]
    assert reading_of(exchange) == READ_AS[action_of(exchange)[0]](**exchange["read"])


@pytest.mark.parametrize("name", [name for name, one in EXCHANGES.items() if "error" in one])
def test_what_error_comes(name):
    """Each refusal gives this error with these attributes, and says this about the request."""
    exchange = EXCHANGES[name]
    told = dict(exchange["error"])
    with pytest.raises(A2EError) as caught:
        reading_of(exchange)
    assert type(caught.value) is getattr(errors, told.pop("type"))
    assert {key: getattr(caught.value, key) for key in told} == told
    assert verdict(caught.value).name == exchange["verdict"]


def test_every_exchange_is_walked():
    """Each exchange says where it comes from and has one outcome."""
    for name, exchange in EXCHANGES.items():
        assert exchange["source"], name
        assert len({"records", "read", "error"} & set(exchange)) == 1, name
        assert ("call" in exchange) == ("sent" in exchange), name


@pytest.mark.parametrize("name", sorted(families()))
def test_each_family_is_written_down_whole(name):
    """Each family has an exchange for all that can be asked of it, for each stage of a task, and an error."""
    family = families()[name]
    able = {"list": family.listing, "batch": family.batch, "delete": family.delete}
    mine = [exchange for path, exchange in EXCHANGES.items() if path.startswith(f"{name}/")]
    asked = {action_of(exchange)[0] for exchange in mine if "call" in exchange}
    needed = {"start", "detail", *(action for action, endpoint in able.items() if endpoint)}
    assert needed <= asked, f"tests/wire/{name}.json lacks exchanges"
    seen = {record.get("status", "unknown") for exchange in mine for record in exchange.get("records", ())}
    assert {"completed", "failed"} <= seen
    assert {"initialized", "sent"} & seen
    assert {"pending", "processing"} & seen
    assert any("error" in exchange for exchange in mine)
