"""A fleet under torture: workers are killed, one sleeps past its lease, the database is stopped at once and started.

`torture` takes a batch through it, against a service in another process that loses answers, and says what it has cost.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
from kill_series import is_whole
from kill_service import simulator_in_a_process
from postgres_server import postgres_server

OWN = str(Path(__file__).parent / "own_service.py")
SIMULATOR = str(Path(__file__).parent / "kill_service.py")
_PATIENCE = 180
_LAST_WORDS = 4000
_WINDOW = "3"


@attrs.frozen(kw_only=True)
class Torture:
    """What was done to a fleet, and what became of its batch.

    Attributes:
        seed: What the moments were drawn from.
        rows: How many rows it had.
        limit: Most rows that were to run at once.
        kills: How many workers were killed.
        pauses: How many slept past their lease.
        restarts: How often the database was stopped at once.
        code: How the command ended.
        bills: How many starts were billed.
        tags: How many intents they were billed for.
        twice: Intents that were billed more than once.
        peak: The most tasks that ran at once, by the service's book.
        coins: What was charged.
        statuses: How many rows of the manifest have each status.
        whole: How many files are whole and as the manifest says.
        redone: How many rows somebody had to name, as their start was lost twice.
        secrets: Where the token or the database's password was found.
        seconds: How long all of it took.
        last_words: What the command said last.
    """

    seed: int
    rows: int
    limit: int
    kills: int
    pauses: int
    restarts: int
    code: int | None
    bills: int
    tags: int
    twice: dict[str, int]
    peak: int
    coins: float
    statuses: dict[str, int]
    whole: int
    redone: int
    secrets: list[str]
    seconds: float
    last_words: str = attrs.field(repr=False)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, nothing paid for twice, and no limit passed."""
        once = (self.bills, self.tags, self.twice) == (self.rows, self.rows, {})
        there = (self.statuses, self.whole, self.code) == ({"done": self.rows}, self.rows, 0)
        return once and there and self.peak <= self.limit and not self.secrets


@attrs.frozen(kw_only=True)
class Pains:
    """What is done to a fleet.

    Attributes:
        rows: How many rows its batch has.
        workers: How many processes work on it.
        kills: How many of them are killed.
        pause: For how many leases one of them sleeps; 0 for none.
        restart: Whether the database is stopped at once, and started again.
        lease: Seconds of a lease.
        limit: Most rows that run at once.
        within: Seconds within which all of this happens.
        sqlite: Whether the batch is kept in a file of its folder, and not in PostgreSQL.
    """

    rows: int = 400
    workers: int = 3
    kills: int = 5
    pause: float = 2.5
    restart: bool = True
    lease: float = 3.0
    limit: int = 60
    within: float = 10.0
    sqlite: bool = False


def torture(folder: Path, seed: int, pains: Pains, *, service: str = SIMULATOR) -> Torture:
    """Take a batch through it.

    Args:
        folder: An empty folder.
        seed: What the moments are drawn from.
        pains: What is done.
        service: The script of the service.
    """
    _write_rows(folder / "rows.jsonl", pains.rows)
    with contextlib.ExitStack() as stack:
        database = None if pains.sqlite else stack.enter_context(postgres_server())
        served = stack.enter_context(simulator_in_a_process(seed, service))
        began = time.monotonic()
        env = served.env | ({"A2E_STORE": database.url} if database else {})
        said = stack.enter_context((folder / "stderr").open("wb"))
        child = stack.enter_context(subprocess.Popen(_words(pains), cwd=folder, env=env, stdout=said, stderr=said))
        stack.callback(child.kill)
        done = _hurt(child, database, random.Random(seed), pains)
        try:
            code = child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        seconds = time.monotonic() - began
        if stuck := _unknown(folder / "out"):
            code = subprocess.run(_redo(stuck), cwd=folder, env=env, stdout=said, stderr=said, check=False).returncode
        words = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
        return Torture(
            seed=seed,
            rows=pains.rows,
            limit=pains.limit,
            **done,
            code=code,
            **_billed(served.book()),
            **_left(folder / "out"),
            redone=len(stuck),
            secrets=[one for one in ("sk_own_service", "sk_simulator", "sesame-oyster") if one in words],
            seconds=round(seconds, 1),
            last_words=words[-_LAST_WORDS:],
        )


def _write_rows(path: Path, count: int) -> None:
    lines = [json.dumps({"id": f"kite-{number:03}", "prompt": f"kite {number}"}) for number in range(count)]
    path.write_text("\n".join(lines), encoding="utf-8")


def _words(pains: Pains) -> list[str]:
    words = [
        sys.executable,
        "-m",
        "a2e_async",
        "batch",
        "run",
        "rows.jsonl",
        "--family",
        "text-to-image",
        "--out",
        "out",
    ]
    words += ["--workers", str(pains.workers), "--lease", str(pains.lease), "--max-running", str(pains.limit)]
    return [
        *words,
        "--max-coins",
        str(10 * pains.rows),
        "--unknown-window",
        _WINDOW,
        "--timeout",
        "60",
        "--price",
        "10",
    ]


def _unknown(out: Path) -> list[str]:
    """Give the rows whose start was lost twice: it is never sent a third time before somebody names them."""
    manifest = out / "manifest.jsonl"
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.exists() else []
    return [row["row"] for row in map(json.loads, lines) if row["status"] == "unknown"]


def _redo(ids: list[str]) -> list[str]:
    return [sys.executable, "-m", "a2e_async", "batch", "redo", "out", "--lease", "3", "--", *ids]


def _hurt(child: subprocess.Popen[bytes], database: Any, chance: random.Random, pains: Pains) -> dict[str, int]:
    """Do what shall be done, at random moments; gives how much of it met somebody."""
    done = {"kills": 0, "pauses": 0, "restarts": 0}
    moments = [(chance.uniform(1.5, pains.within), "kills") for _ in range(pains.kills)]
    moments += [(chance.uniform(2, pains.within), "pauses")] if pains.pause else []
    moments += [(chance.uniform(2, pains.within), "restarts")] if pains.restart and database else []
    began, sleepers = time.monotonic(), list[threading.Thread]()
    for moment, what in sorted(moments):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        if child.poll() is not None:
            break
        if what == "restarts":
            database.down()
            database.up()
            done[what] += 1
            continue
        workers = _somebody(child)
        if not workers:
            break
        victim = chance.choice(workers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL if what == "kills" else signal.SIGSTOP)
            done[what] += 1
        if what == "pauses":
            sleepers.append(threading.Timer(pains.pause * pains.lease, _wake, (victim,)))
            sleepers[-1].start()
    for one in sleepers:
        one.join()
    return done


def _somebody(child: subprocess.Popen[bytes]) -> list[int]:
    """Give the workers, as soon as there are any."""
    while child.poll() is None:
        if workers := _workers(child.pid):
            return workers
        time.sleep(0.02)
    return []


def _wake(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _workers(parent: int) -> list[int]:
    """Give the processes that a process has begun."""
    try:
        return [int(one) for one in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def _billed(book: dict[str, Any]) -> dict[str, Any]:
    bills: dict[str, int] = book["bills"]
    twice = {tag: count for tag, count in bills.items() if count != 1}
    return {"bills": book["starts"], "tags": len(bills), "twice": twice, "peak": book["peak"], "coins": book["coins"]}


def _left(out: Path) -> dict[str, Any]:
    manifest = out / "manifest.jsonl"
    if not manifest.exists():
        return {"statuses": {}, "whole": 0}
    found = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return {
        "statuses": dict(Counter(row["status"] for row in found)),
        "whole": sum(is_whole(out, row) for row in found),
    }
