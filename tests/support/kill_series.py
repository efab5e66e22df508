"""Lives of a batch that is killed again and again, against a simulator in another process that loses answers.

`live` takes a batch of images through its deaths to its end and says what it has cost and what is left of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from kill_service import simulator_in_a_process

ROWS = 120
COINS = 10 * ROWS
CLOCKS = (0.0, -240.0, 240.0, -86_400.0, 86_400.0, 4 * 86_400.0)
DONE = 0
_PATIENCE = 180
_MOST_RUNS = 30
_WINDOW = "2"
_LAST_WORDS = 4000
_OPENING = 20  # seconds within which a command has opened its ledger, also on a busy machine
_LATEST = 2.0
_LATENCY = 0.15  # seconds of each reply, so that deaths meet starts on the wire
_EARLY = 5  # one death in so many may come before the ledger is open
_RUNNING = ("--max-running", "12")  # so that rows are left for the last deaths
_WRONG_CLOCK = Path(__file__).parent / "wrong_clock"


@attrs.frozen(kw_only=True)
class Life:
    """What became of a batch.

    Attributes:
        seed: What the moments of its deaths were drawn from.
        deaths: How often it was killed.
        at_work: How many of these deaths met a process that had the ledger open and rows left to bring.
        intents: How many rows they left that may or may not have been started.
        runs: How often the command was started.
        bills: How many starts were billed.
        tags: How many intents they were billed for.
        doubles: Intents that were billed more than once, by tag.
        rows: How many rows the manifest has in each status.
        whole: How many files are whole and as the manifest says.
        integrity: What SQLite says about the ledger.
        tracebacks: How many of them the command has shown.
        seconds: How long all of it took.
        last_words: What the last run said on stderr.
    """

    seed: int
    deaths: int
    at_work: int
    intents: int
    runs: int
    bills: int
    tags: int
    doubles: dict[str, int]
    rows: dict[str, int]
    whole: int
    integrity: str
    tracebacks: int
    seconds: float
    last_words: str = attrs.field(repr=False)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, and nothing paid for twice."""
        found = (self.rows, self.bills, self.tags, self.doubles, self.whole, self.integrity, self.tracebacks)
        return found == ({"done": ROWS}, ROWS, ROWS, {}, ROWS, "ok", 0)


def live(
    folder: Path,
    *,
    deaths: int,
    seed: int,
    latest: float = _LATEST,
    clocks: Sequence[float] = (0.0,),
    more: Sequence[str] = (),
) -> Life:
    """Take a batch through so many deaths to its end.

    Args:
        folder: An empty folder.
        deaths: How often it is killed.
        seed: What the moments of its deaths are drawn from.
        latest: Seconds by which the command is killed after it has opened the ledger.
        clocks: By how many seconds the clock of its machine may be wrong; each run has one of them.
        more: Further words of the command.
    """
    began = time.monotonic()
    _write_rows(folder / "rows.jsonl")
    with simulator_in_a_process(seed) as service:
        chance = random.Random(seed)
        command = _Command(folder, service.env, more, lambda: chance.choice(clocks))
        died = _die(command, deaths, lambda: chance.uniform(0, latest))
        end = _finish(command)
        book = service.book()
    return Life(
        seed=seed,
        deaths=died.deaths,
        at_work=died.at_work,
        intents=died.intents,
        runs=died.runs + end.runs,
        **_billed(book),
        **_left(folder / "out"),
        tracebacks=end.words.count("Traceback"),
        seconds=round(time.monotonic() - began, 1),
        last_words=end.words[-_LAST_WORDS:],
    )


def _billed(book: dict[str, Any]) -> dict[str, Any]:
    tags: dict[str, int] = book["bills"]
    return {"bills": book["starts"], "tags": len(tags), "doubles": {tag: n for tag, n in tags.items() if n != 1}}


def _write_rows(path: Path) -> None:
    lines = (json.dumps({"id": f"kite-{number:03}", "prompt": f"kite {number}"}) for number in range(ROWS))
    path.write_text("\n".join(lines), encoding="utf-8")


@attrs.frozen
class _Command:
    """The command: where it runs, its environment, and what is said to it beyond the usual."""

    folder: Path
    env: dict[str, str]
    more: Sequence[str]
    clock: Callable[[], float]

    @contextmanager
    def started(self, redo: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
        """Start it, and leave nothing of it behind; or do these rows again."""
        words = ("batch", "run", "rows.jsonl", "--family", "text-to-image", "--out", "out", *_RUNNING, *self.more)
        if redo:
            words = ("batch", "redo", "out", *redo)
        with (
            (self.folder / "stderr").open("a", encoding="utf-8") as said,
            subprocess.Popen(
                [sys.executable, "-m", "a2e_async", *words, "--unknown-window", _WINDOW],
                cwd=self.folder,
                env=self.env | {"PYTHONPATH": str(_WRONG_CLOCK), "WRONG_CLOCK": str(self.clock())},
                stdout=subprocess.DEVNULL,
                stderr=said,
                text=True,
            ) as child,
        ):
            try:
                yield child
            finally:
                if child.poll() is None:
                    child.kill()


@attrs.define
class _Deaths:
    deaths: int = 0
    at_work: int = 0
    intents: int = 0
    runs: int = 0


@attrs.frozen
class _End:
    runs: int
    words: str


def _die(command: _Command, deaths: int, moment: Callable[[], float]) -> _Deaths:
    """Start the command and kill it, until the deaths are used up.

    It is killed so long after it has opened its ledger; one in five so long after it was started, which may be earlier.
    """
    died, out = _Deaths(), command.folder / "out"
    while died.deaths < deaths and died.runs < deaths * 10:
        died.runs += 1
        with command.started() as child:
            if died.runs % _EARLY:
                _wait_for_ledger(out, child)
            try:
                child.wait(moment())
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                died.deaths += 1
                states = _states(out)
                died.at_work += states["done"] < ROWS and _has_ledger(out, child)
                died.intents += states["intended"]
    return died


def _wait_for_ledger(out: Path, child: subprocess.Popen[str]) -> None:
    until = time.monotonic() + _OPENING
    while child.poll() is None and not _has_ledger(out, child) and time.monotonic() < until:
        time.sleep(0.005)


def _has_ledger(out: Path, child: subprocess.Popen[str]) -> bool:
    """Whether this process was the last one to open the ledger, and its file is there."""
    lock = out / ".ledger.sqlite.lock"
    return (out / "ledger.sqlite").exists() and lock.read_text(encoding="ascii") == str(child.pid)


def _states(out: Path) -> Counter[str]:
    """Count the rows of the ledger by state, as whoever looks at it at that moment."""
    if not (out / "ledger.sqlite").exists():
        return Counter()
    db = sqlite3.connect(f"{(out / 'ledger.sqlite').as_uri()}?mode=ro", uri=True)
    try:
        return Counter(dict(db.execute("SELECT state, count(*) FROM rows GROUP BY state")))
    finally:
        db.close()


def _finish(command: _Command) -> _End:
    """Run the command until nothing is left.

    A start is never sent a third time by itself, nor one that may be too old for its list, which a clock that is days
    ahead makes of any: then somebody has to name its row.
    """
    runs, code = 0, None
    while code != DONE and runs < _MOST_RUNS:
        runs += 1
        with command.started(_stuck(command.folder / "out")) as child:
            code = child.wait(_PATIENCE)
    return _End(runs, (command.folder / "stderr").read_text(encoding="utf-8", errors="replace"))


def _stuck(out: Path) -> list[str]:
    """Give the rows that a run has called unknown, and which no further run brings on."""
    if not (out / "ledger.sqlite").exists():
        return []
    with contextlib.closing(sqlite3.connect(f"{(out / 'ledger.sqlite').as_uri()}?mode=ro", uri=True)) as db:
        return [row[0] for row in db.execute("SELECT id FROM rows WHERE state = 'unknown'")]


def _left(out: Path) -> dict[str, Any]:
    """Look at what is left in the folder."""
    found = [json.loads(line) for line in (out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    db = sqlite3.connect(out / "ledger.sqlite")
    try:
        integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        db.close()
    return {
        "rows": dict(Counter(row["status"] for row in found)),
        "whole": sum(is_whole(out, row) for row in found),
        "integrity": integrity,
    }


def is_whole(out: Path, row: dict[str, Any]) -> bool:
    """Whether a row's one file can be decoded and is what the manifest says."""
    from PIL import Image  # noqa: PLC0415 - the simulator's process does without

    if not row["path"]:
        return False
    (path,), (size,), (digest,) = row["path"], row["bytes"], row["sha256"]
    content = (out / path).read_bytes()
    with Image.open(out / path) as image:
        image.load()
    return len(content) == size and hashlib.sha256(content).hexdigest() == digest
