"""What the fuzzers share: damage to bytes, and a trial that lets only our own errors pass, soon and without a token."""

from __future__ import annotations

import argparse
import collections
import faulthandler
import json
import random
import time
from collections.abc import Callable
from typing import Any

from a2e_async import A2EError

TOKEN = "sk_eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJfaWQiOiI2NWYwIiwibmFtZSI6ImtpdGUifQ.bm9ib2R5LXNob3VsZC1zZWUtdGhpcw"
WINDOW = 12
SECRETS = {part[at : at + WINDOW] for part in TOKEN.split(".") for at in range(len(part) - WINDOW + 1)}

LIMIT_SECONDS = 1.0
HANG_SECONDS = 60
ROUND = 100
MOST_FINDINGS = 20
SHOWN = 2000


class Trial:
    """Counts what came out, and keeps what must not.

    Attributes:
        outcomes: How often each kind of end was there; "read" is a good one.
        findings: What must not happen, in words.
    """

    def __init__(self) -> None:
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.findings: list[str] = []

    def attempt(self, reader: Callable[[Any], Any], what: Any, thrown: object = None) -> Any:  # noqa: ANN401 - anything
        """Read something; gives what was read, or None.

        Args:
            reader: What reads it.
            what: What it reads.
            thrown: What was thrown at first, for the findings; by default `what`.
        """
        shown = f"{what if thrown is None else thrown!r:.{SHOWN}}"
        try:
            answer = reader(what)
        except A2EError as error:
            self.outcomes[type(error).__name__] += 1
            said = f"{error} {error!r} {error.__dict__}"
            self.check(not any(secret in said for secret in SECRETS), f"a token in {said[:300]!r} of {shown}")
        except Exception as error:  # noqa: BLE001 - this is what we look for
            self.findings.append(f"{type(error).__name__} ({error!s:.200}) in {reader.__name__} of {shown}")
        else:
            self.outcomes["read"] += 1
            return answer
        return None

    def check(self, right: bool, words: str) -> None:  # noqa: FBT001 - reads as an assertion
        """Keep a finding where something is not right."""
        if not right:
            self.findings.append(words)

    def run(self, name: str, count: int, seed: int, throw: Callable[[], object]) -> dict[str, Any]:
        """Throw so many things, each soon done with, and give the figures.

        Args:
            name: The benchmark's name.
            count: How many.
            seed: Their seed, for the figures.
            throw: Makes one and has it read; gives it, for the findings.
        """
        slowest, begun = 0.0, time.perf_counter()
        for number in range(count):
            if number % ROUND == 0:
                faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
            at = time.process_time()  # others on this machine do not count
            thrown = throw()
            took = time.process_time() - at
            slowest = max(slowest, took)
            self.check(took <= LIMIT_SECONDS, f"{took:.1f} s for {thrown!r:.{SHOWN}}")
        faulthandler.cancel_dump_traceback_later()
        seconds = time.perf_counter() - begun
        return {
            "benchmark": name,
            "count": count,
            "seed": seed,
            "seconds": round(seconds, 1),
            "each_second": round(count / seconds),
            "slowest_ms": round(slowest * 1000, 1),
            "outcomes": dict(self.outcomes.most_common()),
            "findings": len(self.findings),
            "first_findings": self.findings[:MOST_FINDINGS],
        }


def damaged(dice: random.Random, body: bytes, words: tuple[bytes, ...] = ()) -> bytes:
    """Give bytes with some flipped, cut away, doubled, or with one of these words put in."""
    how = dice.randrange(4 if words else 3)
    begin, end = sorted(dice.randint(0, len(body)) for _ in range(2))
    if how == 0:
        hurt = bytearray(body)
        for _ in range(dice.randint(1, 8) if hurt else 0):
            hurt[dice.randrange(len(hurt))] = dice.randrange(256)
        return bytes(hurt)
    if how == 1:
        return body[begin if dice.random() < 0.1 else 0 : end]  # noqa: PLR2004 - mostly the end is missing
    if how == 2:  # noqa: PLR2004 - the third way
        return body[:end] + body[begin:]
    return body[:begin] + dice.choice(words) + body[begin if dice.random() < 0.5 else end :]  # noqa: PLR2004 - or so


def main(run: Callable[[int, int], dict[str, Any]], about: str) -> int:
    """Read the command line, run, print; 1 when there is a finding."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--count", type=int, default=100_000, help="how many (default 100000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same ones (default 1)")
    given = parser.parse_args()
    figures = run(given.count, given.seed)
    print(json.dumps(figures))
    return 1 if figures["findings"] else 0
