"""Throws damaged ledgers at all that reads them: rows, the counts and the report, or a LedgerError, and soon.

    python -m benchmarks.fuzz_ledgers --count 100000 --seed 1

A ledger may come from a broken disk or from somebody else: bytes are hurt, and values replaced by odd ones. Prints one
JSON line with its figures and exits with 1 when there is a finding.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.report import write_report
from a2e_async.batch.stored import read_coins, read_entries
from a2e_async.store.entries import Entry, FileEntry
from benchmarks.fuzzing import Trial, damaged, main

COLUMNS = (
    *(
        "id",
        "family",
        "fields",
        "state",
        "attempt",
        "tag",
        "task_ids",
        "coins",
        "price",
        "error",
        "planned_at",
        "files",
    ),
    *("intended_at", "sent_first", "letters", "accepted_at", "done_at", "listed", "suspect", "edited", "lost_coins"),
)
ODD: tuple[Any, ...] = (
    *("", " ", "x" * 3000, "[", "{}", "[]", "null", "[" * 3000, '{"prompt": 5}', '["a"]', '[{"path": "../../x"}]'),
    *(
        '[{"path": "/etc/passwd", "bytes": -1, "sha256": ""}]',
        "done",
        "accepted",
        "\x1b[2J",
        "9" * 5000,
        "text_to_image",
    ),
    *(None, 0, 1, -1, 2**62, -(2**62), 1e308, -1e308, float("inf"), 0.5, b"\xff\0"),
)


def run(count: int, seed: int) -> dict[str, Any]:
    """Read so many damaged ledgers, and give the figures."""
    dice, trial = random.Random(seed), Trial()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = asyncio.run(good_ledger(folder / "good"))
        path = folder / FILE_NAME

        def throw() -> str:
            story = _hurt(dice, good, path)
            entries = trial.attempt(lambda path: list(read_entries(path)), path, story)
            trial.attempt(read_coins, path, story)
            if entries is not None and dice.random() < 0.1:  # noqa: PLR2004 - it is the slow part
                trial.attempt(lambda entries: write_report(folder, entries), entries, story)
            return story

        return trial.run("fuzz_ledgers", count, seed, throw)


async def good_ledger(folder: Path) -> bytes:
    """Make a ledger with rows in several states, and give its bytes."""
    ledger = await FolderLedger.open(folder)
    ids = [f"r{number}" for number in range(12)]
    await ledger.plan([Entry(id=one, family="text_to_image", fields={"prompt": f"kite {one}"}) for one in ids])
    for row_id in ids[2:]:
        await ledger.intended(row_id, "k7f3q9x2m4pd", 1)
    for row_id in ids[4:]:
        await ledger.accepted(row_id, [f"{row_id}-task"], 10)
    for row_id in ids[8:]:
        await ledger.finished(row_id, coins=10)
        await ledger.downloaded(row_id, [FileEntry(path=f"{row_id}.png", bytes=5, sha256="0" * 64)])
    await ledger.aclose()
    return (folder / FILE_NAME).read_bytes()


def _hurt(dice: random.Random, good: bytes, path: Path) -> str:
    """Put a damaged ledger there, and say what was done to it."""
    for left in path.parent.glob(f"{FILE_NAME}*"):
        left.unlink()
    if dice.random() < 0.5:  # noqa: PLR2004 - half of them
        content = good
        for _ in range(dice.randint(0, 3)):
            content = damaged(dice, content)
        path.write_bytes(content)
        return f"bytes {len(content)}"
    path.write_bytes(good)
    column, value, where = dice.choice(COLUMNS), dice.choice(ODD), dice.randrange(13)
    with contextlib.closing(sqlite3.connect(path)) as db, contextlib.suppress(sqlite3.Error, OverflowError):
        if dice.random() < 0.1:  # noqa: PLR2004 - seldom
            db.execute(
                dice.choice(("DROP TABLE rows", "DELETE FROM about", "CREATE VIEW v AS SELECT 1", "DELETE FROM rows"))
            )
        db.execute(f"UPDATE rows SET {column} = ? WHERE number = ?", (value, where))
        db.commit()
    return f"{column} = {value!r:.100} in row {where}"


if __name__ == "__main__":
    sys.exit(main(run, "Throws damaged ledgers at all that reads them."))
