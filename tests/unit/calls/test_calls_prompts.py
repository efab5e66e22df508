"""Prompts word by word: server-sent events become deltas and a whole prompt, or an error."""

from __future__ import annotations

import json

import pytest
from scripted import TOKEN, Scripted, Streamed, client, no, yes

from a2e_async import InvalidRequestError, ProtocolError, RejectedRequestError, ServiceError, TransportError
from a2e_async.calls.prompts import ExtendedPrompt, PromptDelta
from a2e_async.core.http import HttpReply

IMAGE = "https://files.example.net/in.png"
WORDS = {"prompt": "she waves", "negative_prompt": "blurry", "reference_id": "65f000000000000000000001"}


def event(name, data):
    """Write one event."""
    return f"event: {name}\ndata: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


WHOLE = event("result", {"prompt": "she waves slowly", "negative_prompt": "dark"})
DONE = event("done", "[DONE]")
EXTENDED = ExtendedPrompt(prompt="she waves slowly", negative_prompt="dark")
STREAMS = {
    "deltas, result, done": (
        [event("delta", {"delta": "she waves"}), event("delta", {"text": " slowly"}), WHOLE, DONE],
        [PromptDelta("she waves"), PromptDelta(" slowly"), EXTENDED],
    ),
    "deltas that are bare texts": ([event("delta", "she"), WHOLE], [PromptDelta("she"), EXTENDED]),
    "events that are named in their data": (
        [b'data: {"type": "delta", "content": "she"}\n\n', b'data: {"event": "result", "data": {"prompt": "she"}}\n\n'],
        [PromptDelta("she"), ExtendedPrompt(prompt="she")],
    ),
    "events that are cut anywhere": ([WHOLE[:9], WHOLE[9:30], WHOLE[30:] + DONE], [EXTENDED]),
    "blank lines first and no empty line at the end": ([b"\n", b"\n", WHOLE.rstrip()], [EXTENDED]),
    "events that nobody knows": ([event("ping", ""), event("usage", {"tokens": 7}), b": hello\n\n", WHOLE], [EXTENDED]),
    "a delta without words": ([event("delta", {"index": 1}), WHOLE], [EXTENDED]),
    "no stream but an answer": (yes({"prompt": "she waves slowly", "negative_prompt": "dark"}), [EXTENDED]),
}


async def events_of(wire, method="extend_live", **more):
    """Give all events of a prompt."""
    async with client(wire) as a2e:
        return [one async for one in getattr(a2e.calls.prompts, method)(IMAGE, **WORDS, **more)]


@pytest.mark.parametrize("transport", [Scripted, Streamed])
@pytest.mark.parametrize("name", STREAMS)
async def test_a_prompt_comes_word_by_word(name, transport):
    """Each stream gives these events, over a transport that streams and over one that does not."""
    reply, expected = STREAMS[name]
    wire = transport(reply)
    assert await events_of(wire) == expected
    (sent,) = wire.sent
    assert sent.path == "/api/v1/userImage2Video/prompt_extension"
    assert sent.body == {"image_url": IMAGE, **WORDS, "stream": True}


async def test_a_prompt_between_two_images_comes_so_too():
    """The other extension streams in the same way."""
    wire = Streamed([WHOLE])
    assert await events_of(wire, "extend_between_live", end_image_url=IMAGE) == [EXTENDED]
    assert wire.sent[0].path == "/api/v1/userImage2Video/flf2v_prompt_extension"
    assert wire.sent[0].body["end_image_url"] == IMAGE


FAILURES = {
    "the event error": ([event("error", {"message": f"bad words {TOKEN}"})], ServiceError, "bad words"),
    "an error without words": ([event("error", " ")], ServiceError, ""),
    "an end without a result": ([event("delta", {"delta": "she"}), DONE], ProtocolError, "without the whole prompt"),
    "a result without a prompt": ([event("result", {"ok": True})], ProtocolError, "without a prompt"),
    "a refusal": (no(400, message="image_url is required"), RejectedRequestError, "image_url is required"),
    "a refusal with status 200": (no(200, 1001, "no"), RejectedRequestError, "no"),
    "a page": (HttpReply(status=200, body=b" <html>"), ProtocolError, "not the service's JSON"),
    "an error that looks like a stream": (HttpReply(status=502, body=WHOLE), ServiceError, ""),
    "nothing": (HttpReply(status=200), ProtocolError, "not the service's JSON"),
    "no connection": (TransportError("could not connect", sent=False), TransportError, "could not connect"),
}


@pytest.mark.parametrize("transport", [Scripted, Streamed])
@pytest.mark.parametrize("name", FAILURES)
async def test_a_prompt_that_does_not_come_is_an_error(name, transport):
    """Nothing that is no whole prompt ends as if it were one; the token is not in the words."""
    reply, kind, words = FAILURES[name]
    wire = transport(reply)
    with pytest.raises(kind) as caught:
        await events_of(wire)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert len(wire.sent) == 1


async def test_a_stream_that_breaks_off_has_given_what_came():
    """What was read before the connection broke is not lost, and the break is an error."""
    wire = Streamed([event("delta", "she"), TransportError("connection reset", sent=True)])
    async with client(wire) as a2e:
        events = a2e.calls.prompts.extend_live(IMAGE, **WORDS)
        assert await anext(events) == PromptDelta("she")
        with pytest.raises(TransportError):
            await anext(events)
    assert wire.closed == 1


async def test_a_stream_that_is_left_is_closed():
    """Whoever has read enough closes the connection by closing the iterator."""
    wire = Streamed([event("delta", "she"), event("delta", "waves"), WHOLE])
    async with client(wire) as a2e:
        events = a2e.calls.prompts.extend_live(IMAGE, **WORDS)
        await anext(events)
        assert wire.closed == 0
        await events.aclose()
        assert wire.closed == 1


async def test_the_rules_hold_for_a_stream_too():
    """A link to this machine and a wrong template are refused before anything is sent."""
    wire = Streamed([WHOLE])
    async with client(wire) as a2e:
        with pytest.raises(InvalidRequestError, match="image_url"):
            await anext(a2e.calls.prompts.extend_live("http://localhost/a.png", **WORDS))
        with pytest.raises(InvalidRequestError, match="template"):
            await anext(a2e.calls.prompts.extend_live(IMAGE, **WORDS, template="noir"))
    assert not wire.sent


async def test_an_answer_of_nothing_but_blanks_is_an_error():
    """White space before an answer means nothing; without end it is not read on."""
    wire = Streamed([b" " * (1 << 20), b"\n" * 10, WHOLE])
    with pytest.raises(ProtocolError, match="nothing but white space"):
        await events_of(wire)
    assert (await events_of(Streamed([b"\n \n", WHOLE])))[-1].prompt


async def test_an_event_that_is_nested_too_deeply_is_an_error():
    """What no reader can take is told as nonsense of the service."""
    with pytest.raises(ProtocolError, match="nested too deeply"):
        await events_of(Streamed([b"event: result\ndata: " + b"[" * 100_000 + b"\n\n"]))
