"""The simulator with input that nobody sane sends: a refusal each time, never an error of its own."""

from __future__ import annotations

import json

import pytest
from asking import TOKEN, app, data

from a2e_async.simulator import SimRequest

HEADERS = TOKEN
START = "/api/v1/userText2Image/start"
BODIES = {
    "deep": b"[" * 100_000,
    "deep in a field": b'{"prompt": ' + b"[" * 100_000,
    "half a character": b'{"prompt": "\\ud800", "name": "\\udfff"}',
    "no number": b'{"prompt": "x", "width": NaN}',
    "a number without end": b'{"prompt": "x", "width": 1e999}',
    "a number of 5,000 digits": b'{"prompt": "x", "width": ' + b"9" * 5000 + b"}",
    "another type": b'{"prompt": {"a": 1}, "name": [], "width": "x", "key": 5, "contentType": {}, "_id": []}',
    "bytes that are no text": b'{"prompt": "\xff"}',
    "a list": b"[1]",
    "nothing": b"",
}


def send(sim, method, path, body, **query):
    """Send a request as it is."""
    return sim.handle(SimRequest(method, path, query, HEADERS, body))


@pytest.mark.parametrize("what", BODIES)
def test_no_body_is_an_error_of_the_simulators_own(what):
    """Whatever a body holds, every route answers, and what it keeps can be listed afterwards."""
    sim = app()
    routes = list(sim._service.routes())
    assert len(routes) > 100
    for route in routes:
        send(sim, route.method, route.path.replace("{id}", "65f000000000000000000001"), BODIES[what])
    listed = send(sim, "GET", "/api/v1/userText2Image/allRecords", b"", pageNum="1", pageSize="10")
    json.loads(listed.body)
    assert listed.status == 200


def test_half_a_character_is_kept_as_a_replacement_mark():
    """A service that stores UTF-8 has no bytes for it; the start is taken and billed all the same."""
    sim = app()
    send(sim, "POST", START, b'{"prompt": "a kite \\ud83e", "name": "a \\ud83e"}')
    row = data(sim, "GET", "/api/v1/userText2Image/allRecords", pageNum=1, pageSize=10)["rows"][0]
    assert row["name"] == "a \ufffd"


@pytest.mark.parametrize("moment", ["\u00b2", "-1", "1e9", "9" * 5000, "\u0661", ""])
def test_an_odd_moment_in_a_link_is_a_refusal(moment):
    """Digits that are none, and numbers without end, are a wrong signature."""
    assert app().handle(SimRequest("GET", "/files/x.png", {"e": moment, "s": "x"})).status == 403


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("text_to_image.strat", "did you mean text_to_image.start"),
        ("texttoimage.start", "did you mean text_to_image.start"),
        ("files.get", "there is no route 'files.get'"),
        ("nope.*", "there are .*balance.*text_to_image.start"),
        ("Balance", "did you mean balance"),
    ],
)
def test_a_fault_for_a_route_that_is_not_there_is_refused(route, words):
    """A fault that can never strike makes a test that proves nothing."""
    with pytest.raises(ValueError, match=words):
        app().faults.add(route, "reset")


@pytest.mark.parametrize(
    "route", ["*", "*.batch", "file", "upload", "unknown", "voices.list", "streaming.token", "mine"]
)
def test_a_fault_for_a_route_that_is_there_is_taken(route):
    """Wildcards, files, calls, unknown paths and calls of one's own have faults."""
    sim = app()
    sim.calls["POST", "/api/v1/mine"] = lambda request: None
    sim.faults.add(route, "reset")
    assert len(list(sim.faults)) == 1
