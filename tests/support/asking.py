"""Asks the simulated service as a function, without sockets, under a clock that stands still."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

from a2e_async.simulator import App, ManualClock, SimRequest, Switches, World
from a2e_async.simulator.answers.envelopes import _CODES

TOKEN = {"authorization": "Bearer sk_simulator"}
STATUS_OF = {word: status for status, word in _CODES.items()}


def app(**switches):
    """Make an app whose clock stands still, with tasks of 10 seconds."""
    return App(World(ManualClock(), Switches(**{"task_seconds": 10.0, **switches})))


def ask(sim, method, url, body=None, headers=TOKEN, **query):
    """Send a request and give the raw reply."""
    parts = urlsplit(url)
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    params = {**dict(parse_qsl(parts.query)), **{name: str(value) for name, value in query.items()}}
    return sim.handle(SimRequest(method, parts.path, params, headers, content))


def data(sim, method, path, body=None, **query):
    """Send a request that succeeds and give the data of the reply."""
    reply = ask(sim, method, path, body, **query)
    value = json.loads(reply.body)
    assert reply.status == 200, value
    assert value.get("code") == 0 or value.get("success") is True, value
    return value["data"]


def refusal(sim, method, path, body=None, **query):
    """Send a request that is refused and give HTTP status, code and words."""
    reply = ask(sim, method, path, body, **query)
    value = json.loads(reply.body)
    assert value.get("code") != 0, value
    return reply.status, *code_and_words(value)


def code_and_words(value):
    """Give the code of a refusal as a number, and its words, in whichever form it comes: the official one has text."""
    if value.get("success") is False and "error" in value:
        code = value.get("code", "")
        return int(code) if code.isdecimal() else STATUS_OF.get(code, code), value["error"]
    return value.get("code"), value["message"]
