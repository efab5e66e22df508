"""Throws damaged replies at everything that reads them: only A2EError may come out, soon, and never with a token.

    python -m benchmarks.fuzz_replies --count 100000 --seed 1

The replies are the golden ones of tests/wire, mutated: bytes flipped, cut and doubled, JSON values replaced by other
types, huge numbers, deep nesting, lone surrogates, odd headers, and in every second one a known token. Prints one JSON
line with its figures and exits with 1 when there is a finding.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from a2e_async import Result, families
from a2e_async.calls import credits as credit_calls
from a2e_async.calls import storage
from a2e_async.core import replies, wire
from a2e_async.core.http import HttpReply
from benchmarks.fuzzing import TOKEN, Trial, damaged, main

GOLDEN = Path(__file__).parents[1] / "tests" / "wire"
STATUSES = [*[200] * 16, 201, 204, 302, 400, 401, 402, 403, 404, 405, 408, 429, 500, 502, 503]
DEPTHS = [2, 30, 900, 1000, 5000]
HEADERS = [
    None,
    "",
    "7",
    "-1",
    "nan",
    "1e999",
    "soon",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "Wed, 99 Oct 0 GMT",
    TOKEN,
    "\x00",
]
WORDS = [
    "",
    " ",
    "0",
    "-1",
    "--5",
    "false",
    "None",
    "x" * 5000,
    "\ud800",
    "\U0001f305",
    "2025-01-02",
    "2025-13-99T99:99Z",
]
ODD: list[Any] = [
    *WORDS,
    *[None, True, False, 0, 1, -1, 5.7, 401, 1003, 10**18, 10**400, -(10**400), 1e308],
    *[float("nan"), float("inf"), -float("inf"), [], {}, [[]], [None], {"_id": None}, {"_id": "t"}, {"message": "m"}],
]
SAID = ["insufficient coins", "no enough", "out of " * 60, "eyJ" * 200, "Bearer " * 100, "coin " * 100, "sk_"]


class Fuzzer:
    """Makes damaged replies out of good ones.

    Args:
        seed: The same seed makes the same replies.
    """

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        files = sorted(GOLDEN.rglob("*.json"))
        held = [json.loads(path.read_text(encoding="utf-8")) for path in files]  # one exchange, or those of a family
        told = [
            one["reply"] for file in held for one in ([file] if "reply" in file else file.values()) if "reply" in one
        ]
        self._good = [one["text"].encode() if "text" in one else json.dumps(one["json"]).encode() for one in told]

    def reply(self) -> HttpReply:
        """Give the next reply."""
        dice = self._dice
        body = dice.choice(self._good)
        for _ in range(dice.randint(1, 3)):
            body = dice.choice([*[self._json] * 8, *[self._damage] * 3, self._nest])(body)
        if dice.random() < 0.5:  # noqa: PLR2004 - every second one
            body = self._with_token(body)
        header, date = dice.choice(HEADERS), dice.choice(HEADERS)
        return HttpReply(status=dice.choice(STATUSES), body=body, retry_after=header, date=date)

    def _with_token(self, body: bytes) -> bytes:
        """Put the token somewhere, whole; a damaged one is none."""
        quotes = [at for at in range(min(len(body), 1000)) if body[at : at + 1] == b'"']
        at = self._dice.choice(quotes) if quotes and self._dice.random() < 0.5 else None  # noqa: PLR2004 - half of them
        at = self._dice.randint(0, min(len(body), 1000)) if at is None else at + 1
        return body[:at] + TOKEN.encode() + body[at:]

    def _damage(self, body: bytes) -> bytes:
        return damaged(self._dice, body)

    def _nest(self, body: bytes) -> bytes:
        depth = self._dice.choice(DEPTHS)
        before, after = self._dice.choice([(b"[", b"]"), (b'{"data":', b"}"), (b'{"code":0,"data":', b"}")])
        return before * depth + body + after * depth

    def _json(self, body: bytes) -> bytes:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return self._damage(body)
        spots = list(_spots(value))
        for _ in range(self._dice.randint(1, 4)):
            if spots:
                self._hurt(*self._dice.choice(spots))
        escaped = self._dice.random() < 0.5  # noqa: PLR2004 - as often as not
        try:
            return json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
        except (ValueError, RecursionError):  # it has become too deep
            return body

    def _hurt(self, holder: Any, key: Any) -> None:  # noqa: ANN401 - any JSON value
        what = self._dice.randrange(6)
        if key not in (holder if isinstance(holder, dict) else range(len(holder))):
            return
        if what == 0 and isinstance(holder, dict):
            holder[self._dice.choice(["_id", "id", "data", "rows", "list", "code", "success", *SAID])] = holder.pop(key)
        elif what == 1:
            holder[key] = [holder[key]] * self._dice.choice([0, 1, 3])
        elif what == 2:  # noqa: PLR2004 - one of six
            holder[key] = self._dice.choice(SAID)
        else:
            holder[key] = self._dice.choice(ODD)


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - any JSON value
    """Give every place of a JSON value where another value could stand."""
    line = [value]
    while line:
        holder = line.pop()
        if isinstance(holder, dict | list):
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            for key in keys:
                yield holder, key
                line.append(holder[key])


def _tasks(data: Any) -> None:  # noqa: ANN401 - any JSON value
    rows = replies.rows_of(data)
    replies.is_list(data)
    for family in families().values():
        records = []
        for row in rows:
            wire.status_text(family, row)
            wire.created_at(row)
            if replies.row_id(row):
                records.append(wire.record(family, row))
        result = Result(tuple(records))
        repr((result, result.coins, result.url))
    for row in rows:
        wire.record(families()["image_to_video"], row)


READERS: list[Callable[[Any], Any]] = [
    _tasks,
    credit_calls.read_balance,
    credit_calls.read_quote,
    storage.read_upload_url,
]


def run(count: int, seed: int) -> dict[str, Any]:
    """Read so many damaged replies, and give the figures."""
    fuzzer, trial = Fuzzer(seed), Trial()

    def throw() -> HttpReply:
        reply = fuzzer.reply()
        read = trial.outcomes["read"]
        data = trial.attempt(replies.read, reply)
        for reader in READERS if trial.outcomes["read"] > read else ():
            trial.attempt(reader, data, reply)
        return reply

    return trial.run("fuzz_replies", count, seed, throw)


if __name__ == "__main__":
    sys.exit(main(run, "Throws damaged replies at everything that reads them."))
