"""What the log tells of requests: each of them on demand, and every one that is sent again."""

from __future__ import annotations

import logging

import pytest
from scripted import TOKEN, Scripted, client, no
from virtual_time import play_out

from a2e_async.core.http import HttpReply
from a2e_async.errors import A2EError, TransportError

OK = HttpReply(status=200, body=b'{"code": 0, "data": {"coins": 7}, "trace_id": "65f0-abc"}')


def told(caplog, level, *replies):
    """Ask for the balance and give the code and the lines of the log, at this level."""

    async def ask():
        async with client(Scripted(*replies, pause=0.25)) as a2e:
            await a2e.balance()

    with caplog.at_level(level, logger="a2e_async"):
        play_out(ask())
    return [record.getMessage() for record in caplog.records if record.name == "a2e_async.http"]


def test_each_request(caplog):
    """Method, path, status, milliseconds and trace id; never the token."""
    [line] = told(caplog, logging.DEBUG, OK)
    assert line.startswith("GET /api/v1/")
    assert line.endswith(": 200 in 250 ms, trace 65f0-abc")
    assert TOKEN not in line


def test_no_trace(caplog):
    """A reply without a trace id is told without one."""
    [line] = told(caplog, logging.DEBUG, HttpReply(status=200, body=b'{"code": 0, "data": {"coins": 7}}'))
    assert line.endswith(": 200 in 250 ms")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (no(429, message="slow down"), "slow down"),
        (no(503, message="busy"), "busy"),
        (TransportError("could not connect to x: refused", sent=False), "refused"),
    ],
)
def test_each_repeat(caplog, failure, words):
    """What is sent again is told without asking for every request: how it failed, the wait, which attempt comes."""
    [line] = told(caplog, logging.INFO, failure, OK)
    assert line.startswith("sent again in ")
    assert "(2 of " in line
    assert words in line


def test_no_answer(caplog):
    """A request without an answer has its line, too."""
    lines = told(caplog, logging.DEBUG, TransportError("GET /x: reset"), OK)
    assert "no answer after 250 ms: GET /x: reset" in lines[0]
    assert lines[-1].endswith("trace 65f0-abc")


def test_silence(caplog):
    """Nothing is told where nobody asked for it."""
    with pytest.raises(A2EError):
        told(caplog, logging.WARNING, no(400))
    assert told(caplog, logging.WARNING, OK) == []
