"""The manifests of a batch: one line for each row, as JSON Lines with exact values and as CSV for spreadsheets."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from a2e_async.batch.inputs import told
from a2e_async.core.secrets import hide_secrets, is_secret
from a2e_async.store.entries import Entry
from a2e_async.store.values import OWN_COLUMNS

COLUMNS = (
    "row",
    "family",
    "status",
    "ids",
    "coins",
    "path",
    "bytes",
    "sha256",
    "started",
    "finished",
    "seconds",
    "error",
    "prompt",
    "inputs",
)

# What begins a formula in some spreadsheet, at the beginning of a cell or behind what some locale splits cells at.
_FORMULA = re.compile(r"""(^\s*|[;,\t"])(?=[=+\-@\uff1d\uff0b\uff0d\uff20])""")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]+")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./ -]*")  # most text, told quickly
_DEEPEST = 50  # of values in each other that the page shows
_LONGEST_CELL = 32_000  # spreadsheets take 32,767 characters
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


def values(entry: Entry) -> dict[str, Any]:
    """Give a row's values by column.

    `started` is when the start was about to be sent, `finished` when its tasks had ended, both ISO 8601 in UTC;
    `seconds` lie between them. `ids`, `path`, `bytes` and `sha256` are lists; the last three go together, one item for
    each file. `prompt` and `inputs` are what the row was given, without secrets: a file by its name and its digest,
    another row's output as row:ID. What is not known is None.
    """
    given = {
        name: told(value)
        for name, value in entry.fields.items()
        if value is not None and not is_secret(name) and name != OWN_COLUMNS
    }
    return {
        "row": entry.id,
        "family": entry.family,
        "status": entry.state.value,
        "ids": entry.task_ids,
        "coins": number(entry.coins),
        "path": [file.path for file in entry.files],
        "bytes": [file.bytes for file in entry.files],
        "sha256": [file.sha256 for file in entry.files],
        "started": iso(entry.intended_at),
        "finished": iso(entry.finished_at),
        "seconds": _seconds(entry),
        "error": entry.error,
        "prompt": given.pop("prompt", None),
        "inputs": without_secrets(given),
    }


def iso(moment: float | None) -> str | None:
    """Give a time of day as 2026-11-21T03:10:08.250Z."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(value: float | None) -> float | None:
    """Give a number as JSON knows it, without the point where it is whole; None for infinities and the like."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def cell(value: Any) -> str:  # noqa: ANN401 - whatever a row has
    """Give a CSV cell: lists joined by `;`, on one line, and nothing in it that a spreadsheet would run.

    Where a formula could begin, an apostrophe is put before it; control characters become a space, and what no
    spreadsheet takes is cut. JSON Lines has the exact text.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        value = value if len(value) <= _LONGEST_CELL else f"{value[:_LONGEST_CELL]}…"
        return value if _PLAIN.fullmatch(value) else _FORMULA.sub(r"\1'", _CONTROL.sub(" ", value))
    if isinstance(value, (list, tuple)):
        return ";".join(map(cell, value))
    if isinstance(value, Mapping):
        return cell(_encode(value)) if value else ""
    return str(value)


def without_secrets(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - whatever the row's author gave
    """Give a value without the secrets in it, however deep they lie."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {name: without_secrets(one, depth + 1) for name, one in value.items() if not is_secret(str(name))}
    if isinstance(value, (list, tuple)):
        return [without_secrets(one, depth + 1) for one in value]
    return hide_secrets(value) if isinstance(value, str) else value


class Manifests:
    """Writes both manifests, a line at a time.

    Args:
        lines: Where the JSON Lines go.
        table: Where the CSV goes: UTF-8 without a byte order mark, commas, one line feed at a line's end.
        hosts: Whether each row says which machine has its files, in a last column `host`.
        columns: Names of own columns, which stand at the end of the table; JSON Lines have them under `columns`.
    """

    def __init__(self, lines: TextIO, table: TextIO, *, hosts: bool = False, columns: Sequence[str] = ()) -> None:
        self._lines = lines
        self._table = csv.writer(table, lineterminator="\n")
        self._hosts = hosts
        self._columns = columns
        ours = [*COLUMNS, *(["host"] if hosts else [])]
        own = [f"own {name}" if name in ours else name for name in columns]
        self._table.writerow([*ours, *map(cell, own)])

    def add(self, entry: Entry) -> None:
        """Write one row."""
        row = values(entry) | ({"host": [file.host for file in entry.files]} if self._hosts else {})
        own: Any = without_secrets(entry.fields.get(OWN_COLUMNS) or {})
        self._lines.write(_encode({**row, "columns": own} if own else row) + "\n")
        columns = [own.get(name) if isinstance(own, Mapping) else None for name in self._columns]
        self._table.writerow([cell(value) for value in (*row.values(), *columns)])


def _seconds(entry: Entry) -> float | None:
    if entry.intended_at is None or entry.finished_at is None:
        return None
    return round(entry.finished_at - entry.intended_at, 3)
