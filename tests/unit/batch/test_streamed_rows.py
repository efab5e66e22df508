"""Rows files that are too large for memory: rows are read one at a time."""

from __future__ import annotations

import json
import os

import pytest

from a2e_async.batch.sources import read_rows

LONG = "a kite " * 200


@pytest.mark.parametrize(
    ("suffix", "line"),
    [(".csv", LONG), (".jsonl", json.dumps({"prompt": LONG})), (".txt", LONG)],
)
def test_a_large_file_is_never_held_as_a_whole(tmp_path, suffix, line):
    """What is cut off while rows are read is not among them: it had not been read yet."""
    path, count = tmp_path / f"rows{suffix}", 4_000
    path.write_text("prompt\n" + f"{line}\n" * count if suffix == ".csv" else f"{line}\n" * count)
    rows = read_rows(path, "text_to_image")
    next(rows)
    os.truncate(path, path.stat().st_size // 2)
    read = 1 + sum(1 for _row in rows)
    assert count // 4 < read < count * 3 // 4
