"""Walks the golden exchanges of the one-shot calls, `calls.json`: what is sent, and what is read of the reply.

They were written by hand from the service's own pages and what is known of the wire, never by this package; see
`test_golden.py` for their form. `call` is the group and name of a call with its arguments. Of what is read, attributes
that have their default are left out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

import a2e_async.families  # noqa: F401 - makes all families known, whose tasks some calls give
from a2e_async import A2EError, errors
from a2e_async.calls import Calls, catalogue
from a2e_async.calls.base import Line
from a2e_async.core import replies
from a2e_async.core.http import HttpReply
from a2e_async.core.status import Status

EXCHANGES = json.loads(Path(__file__).with_name("calls.json").read_text(encoding="utf-8"))


class Recorder:
    """Carries calls to a service that answers each with the same reply."""

    def __init__(self, told):
        self.requests = []
        self._reply = HttpReply(status=told["status"], body=json.dumps(told["json"]).encode())

    async def ask_again(self, request, *, reads=True):
        """Keep the request, and read the reply."""
        self.requests.append(request)
        return replies.read(self._reply)


def name_of(exchange):
    """Give the group and name of a call."""
    return next(iter(exchange["call"]))


async def made(exchange, recorder):
    """Make the call of an exchange, or what lies below it where it does more than this one request."""
    group, _, name = name_of(exchange).partition(".")
    calls = getattr(Calls(Line(lambda: recorder, local=False)), group)
    method = getattr(calls, f"_{name}", None) or getattr(calls, name)
    given = dict(exchange["call"][name_of(exchange)])
    for moment in given.keys() & {"since", "until"}:
        given[moment] = datetime.fromisoformat(given[moment])
    answer = method(**given)
    return [one async for one in answer] if isinstance(answer, AsyncIterator) else await answer


def shown(value):
    """Give what was read as a golden file writes it."""
    if isinstance(value, list | tuple):
        return [shown(one) for one in value]
    if isinstance(value, Status):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if not attrs.has(type(value)):
        return value
    held = {field.name: (field, getattr(value, field.name)) for field in attrs.fields(type(value))}
    return {name: shown(one) for name, (field, one) in held.items() if one not in (field.default, {}, ())}


def traced(read, trace):
    """Give what is read with the reply's trace in each record, which is not written down for each."""
    if isinstance(read, list):
        return [traced(one, trace) for one in read]
    return read | {"trace_id": trace} if trace and isinstance(read, dict) and "family" in read else read


def written(sent):
    """Give a request as a golden file writes it."""
    return {"method": sent.method, "path": sent.path, "query": dict(sent.query), "body": sent.body}


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_call_is_sent_and_read_as_written_down(name):
    """Method, path, query and body are exactly as written down, and so is what comes of the reply."""
    exchange = EXCHANGES[name]
    recorder = Recorder(exchange["reply"])
    if "error" in exchange:
        told = dict(exchange["error"])
        with pytest.raises(A2EError) as caught:
            asyncio.run(made(exchange, recorder))
        assert type(caught.value) is getattr(errors, told.pop("type"))
        assert {key: getattr(caught.value, key) for key in told} == told
    else:
        told = exchange["reply"]["json"].get("trace_id")
        assert shown(asyncio.run(made(exchange, recorder))) == traced(exchange["read"], told)
    sent = recorder.requests[0]
    whole = written(sent)
    if sent.other is not None:
        whole["other"] = {key: value for key, value in written(sent.other).items() if value != whole[key]}
    assert json.loads(json.dumps(whole)) == exchange["sent"]
    assert not sent.start


def test_every_call_has_an_exchange():
    """No call is without one that says where it comes from."""
    assert all(exchange["source"] for exchange in EXCHANGES.values())
    without = {f"{one.group}.{one.name}" for one in catalogue()} - set(map(name_of, EXCHANGES.values()))
    assert not without, "give each an exchange in tests/wire/calls.json"
