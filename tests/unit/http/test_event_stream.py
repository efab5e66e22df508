"""Reading server-sent events: wherever the bytes are cut, the same messages come out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async import ProtocolError
from a2e_async.core.sse import Message, Messages

STREAMS = {
    "a named event": (b"event: delta\ndata: a\n\n", [Message("delta", "a")]),
    "one without a name": (b"data: a\n\n", [Message("message", "a")]),
    "several lines": (b"data: a\ndata: b\n\n", [Message("message", "a\nb")]),
    "any line end": (b"event: x\r\ndata: a\r\rdata: b\n\n", [Message("x", "a"), Message("message", "b")]),
    "comments, ids and other fields": (b": hello\nid: 7\nretry: 5\ndata: a\n\n", [Message("message", "a")]),
    "one space alone goes": (b"data:  a\ndata:b\n\n", [Message("message", " a\nb")]),
    "a mark at the beginning": (b"\xef\xbb\xbfdata: a\n\n", [Message("message", "a")]),
    "letters of several bytes": ("data: \u98a8\n\n".encode(), [Message("message", "\u98a8")]),
    "bytes that are no letters": (b"data: a\xff\n\n", [Message("message", "a\ufffd")]),
    "an end without an empty line": (b"event: done\ndata: a", [Message("done", "a")]),
    "an event without data": (b"event: ping\n\ndata: a\n\n", [Message("message", "a")]),
    "nothing": (b"", []),
}


def read(pieces):
    """Read a stream that comes in these pieces."""
    messages = Messages()
    found = [message for piece in pieces for message in messages.feed(piece)]
    return found + messages.feed(b"", last=True)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_read(name):
    """Each stream gives these messages, whole and byte by byte."""
    stream, expected = STREAMS[name]
    assert read([stream]) == expected
    assert read([bytes([byte]) for byte in stream]) == expected


@given(st.data())
def test_it_does_not_matter_where_a_stream_is_cut(data):
    """Any stream, cut anywhere, gives the messages of the whole."""
    stream = data.draw(st.binary(max_size=60) | st.sampled_from(list(STREAMS.values())).map(lambda held: held[0] * 2))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(pieces) == read([stream])


@pytest.mark.parametrize("stream", [b"x" * 5_000_000, b"data: " + b"x" * 3_000_000 + b"\ndata: " + b"x" * 3_000_000])
def test_an_endless_event_is_an_error(stream):
    """What never ends does not fill the memory."""
    with pytest.raises(ProtocolError, match="longer than 4 MiB"):
        Messages().feed(stream)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data:\n" * 1000] * 1000,
        [b"event: " + b"e" * 2000 + b"\n"],
        [b"x" * 1000] * 5000,
        [b"data: a\n" * 1000] * 1000,
    ],
)
def test_what_is_held_is_bounded_whatever_it_is(pieces):
    """Empty lines, names of events and lines in pieces count as well."""
    reader = Messages()
    with pytest.raises(ProtocolError, match="longer than"):
        [reader.feed(piece) for piece in pieces]


def test_a_long_line_in_small_pieces_takes_the_time_of_its_bytes():
    """Each character is polled a few times, however the line is cut; the square of it would take minutes."""
    reader, line, seen = Messages(), b"data: " + b"x" * (1 << 20), []
    begun = time.process_time()
    for at in range(0, len(line), 64):
        seen += reader.feed(line[at : at + 64])
    seen += reader.feed(b"\n\n")
    assert [len(message.data) for message in seen] == [1 << 20]
    assert time.process_time() - begun < 2
