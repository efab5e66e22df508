"""Throws damaged event streams at their reader: only A2EError may come out, the same ones wherever pieces are cut.

    python -m benchmarks.fuzz_streams --count 100000 --seed 1

Prints one JSON line with its figures and exits with 1 when there is a finding.
"""

from __future__ import annotations

import random
import sys
from itertools import pairwise
from typing import Any

from a2e_async.calls.prompts import read_event
from a2e_async.core.sse import Message, Messages
from benchmarks.fuzzing import TOKEN, Trial, damaged, main

GOOD = (
    b'event: delta\ndata: {"text": "a red "}\n\nevent: done\ndata: {}\n\n',
    b'event: delta\ndata: "kite"\n\nevent: result\ndata: {"data": {"prompt": "a red kite"}}\n\n',
    b'\xef\xbb\xbf: a comment\r\nid: 7\r\nretry: 100\r\ndata: {"type": "delta",\r\ndata: "delta": "x"}\r\n\r\n',
    b'data: {"event": "error", "message": "no"}\r\rdata: [DONE]\r\r',
    "\u2028data: höhe 🪁\n\ndata:\ndata:  two\n\nevent:\ndata\n\n".encode(),
    b"event: result\ndata: " + b"[" * 3000 + b"\n\n",
)
WORDS = (
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\n\r\n",
        b":",
        b"data",
        b"data:",
        b"data: ",
        b"event: error\n",
        b"\0",
        b"\xff",
    ),
    *(b"\xef\xbb\xbf", b"\xf0\x9f", b"null", b"{}", b"[" * 2000, b"9" * 5000, b"NaN", b"x" * 20_000),
)


def run(count: int, seed: int) -> dict[str, Any]:
    """Read so many damaged streams, and give the figures."""
    dice, trial = random.Random(seed), Trial()

    def throw() -> bytes:
        stream = dice.choice(GOOD)
        for _ in range(dice.randint(1, 4)):
            stream = damaged(dice, stream, WORDS)
        at = dice.randint(0, len(stream))
        stream = stream[:at] + TOKEN.encode() + stream[at:]  # whole: a damaged one is none
        whole = trial.attempt(_messages, [stream], stream)
        cut = trial.attempt(_messages, _pieces(dice, stream), stream)
        trial.check(whole == cut, f"other messages in pieces: {stream!r:.2000}")
        for message in whole or ():
            trial.attempt(read_event, message, stream)
        return stream

    return trial.run("fuzz_streams", count, seed, throw)


def _pieces(dice: random.Random, stream: bytes) -> list[bytes]:
    if len(stream) < 200 and dice.random() < 0.5:  # noqa: PLR2004 - short ones often byte by byte
        return [stream[at : at + 1] for at in range(len(stream))]
    cuts = sorted({0, len(stream), *(dice.randint(0, len(stream)) for _ in range(dice.randint(0, 9)))})
    return [stream[begin:end] for begin, end in pairwise(cuts)]


def _messages(pieces: list[bytes]) -> list[Message]:
    reader = Messages()
    found = [message for piece in pieces for message in reader.feed(piece)]
    return found + reader.feed(b"", last=True)


if __name__ == "__main__":
    sys.exit(main(run, "Throws damaged event streams at their reader."))
