"""The service as the engine sees it: transports that are not ours, refused tokens, and what is counted."""

from __future__ import annotations

import pytest

from a2e_async import AuthenticationError, ProtocolError, RateLimitedError, RejectedRequestError, Retry, TransportError
from a2e_async.core.family import family_of
from a2e_async.core.http import HttpReply, HttpRequest
from a2e_async.engine.http.service import Service
from a2e_async.engine.http.tasks import TaskCalls
from a2e_async.engine.jobs.live import LiveJobs

TOKEN = "sk_hunter2-hunter2.hunter2"
ASK = HttpRequest(method="GET", path="/api/v1/thing", route="/api/v1/thing")
START = HttpRequest(method="POST", path="/api/v1/start", body={"name": "k"}, route="/api/v1/start", start=True)


class Answering:
    """A transport that answers, or fails, in one way for ever."""

    def __init__(self, answer):
        self.answer = answer

    async def send(self, request, headers):
        """Answer."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def service_of(answer, **more):
    """Make a service behind such a transport."""
    return Service(Answering(answer), TOKEN, Retry(attempts=3, first_wait=0.001), None, **more)


@pytest.mark.parametrize("error", [ValueError(f"at {TOKEN}"), KeyError("x"), OSError(5, "odd"), MemoryError()])
async def test_whatever_a_transport_raises_is_one_of_our_errors(error):
    """Of a start it is in doubt: nobody knows what it left behind; the token is in no text."""
    with pytest.raises(TransportError) as caught:
        await service_of(error).ask(START)
    assert caught.value.sent
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "source", "words"),
    [
        (401, b'{"code": 401, "msg": "no"}', "token=", "no; the token came from token="),
        (401, b'{"code": 401, "msg": "no"}', "A2E_TOKEN", "no; the token came from A2E_TOKEN"),
        (
            403,
            b'{"code": 403}',
            "A2E_TOKEN",
            "the token was refused; the token came from A2E_TOKEN, and a plan without the API is refused like this too",
        ),
    ],
)
async def test_a_refused_token_is_named_by_where_it_came_from(status, body, source, words):
    """Who has several variables learns which one to look at; the value is not shown."""
    with pytest.raises(AuthenticationError) as caught:
        await service_of(HttpReply(status=status, body=body), token_source=source).ask(ASK)
    assert caught.value.message.startswith(words)
    assert "hunter2" not in str(caught.value)


async def test_attempts_are_counted():
    """What is given up after several tries says so."""
    slow = HttpReply(status=429, body=b'{"code": 429, "msg": "slow"}', retry_after="0")
    with pytest.raises(RateLimitedError, match="after 3 attempts") as caught:
        await service_of(slow).ask_again(ASK)
    assert caught.value.attempts == 3


EVENTS = b"event: word\ndata: kite\n\nevent: end\ndata: 1\n\n"


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (EVENTS, [("word", "kite"), ("end", "1")]),
        (b" \n" + EVENTS, [("word", "kite"), ("end", "1")]),
        (b'{"code": 0, "data": {"a": 1}}', [("result", '{"a": 1}')]),
    ],
)
async def test_a_transport_without_streams_gives_its_events_in_one_piece(body, messages):
    """An answer that is no stream of events is one event with its data."""
    heard = [message async for message in service_of(HttpReply(status=200, body=body)).listen(ASK)]
    assert [(message.event, message.data) for message in heard] == messages


async def test_a_page_says_nothing_of_the_token():
    """A gateway's page is told as one, whatever its status."""
    page = HttpReply(status=403, body=b"<html><body>blocked</body></html>")
    with pytest.raises(RejectedRequestError, match="blocked by a gateway") as caught:
        await service_of(page).ask(ASK)
    assert "token" not in str(caught.value)


async def test_a_task_without_a_record_is_named():
    """An answer without data is no record of anything."""
    tasks = TaskCalls(service_of(HttpReply(status=200, body=b'{"code": 0, "data": null}')), LiveJobs())
    with pytest.raises(ProtocolError, match="the task was answered without a record") as caught:
        await tasks.record(family_of("text_to_image"), "65f0")
    assert caught.value.task_ids == ("65f0",)
