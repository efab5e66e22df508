"""Row files: CSV and JSON Lines, read whole before anything is started, with every bad row named by its line."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.entries import is_text
from a2e_async.batch.rows import BadRow, Row, RowError, numbered, read_row, shortened, shown
from a2e_async.errors import UsageError

_LONGEST_LINE = 1 << 27
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


@attrs.frozen(kw_only=True)
class RowFile:
    """What a row file holds.

    Attributes:
        rows: The rows that can be started, in order.
        bad: The rows that cannot.
    """

    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]


def read_file(path: Path, family: str | None = None) -> RowFile:
    """Read a row file; what ends in .jsonl, .ndjson or .json is JSON Lines, anything else CSV with a header.

    Args:
        path: The file.
        family: The family of rows that name none.

    Raises:
        UsageError: The file cannot be read at all.
    """
    reader = _json_lines if path.suffix.lower() in _JSON_SUFFIXES else _csv
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            found = list(reader(lines, family))
    except (OSError, csv.Error) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} cannot be read: {words}") from error
    if not found:
        raise UsageError(f"{path} holds no rows")
    return check_rows(found)


def check_rows(found: Iterable[Row | BadRow]) -> RowFile:
    """Check rows against each other: ids once only, pictures from rows that are there, no circles."""
    rows: dict[str, Row] = {}
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for row in found:
        own = row if isinstance(row, BadRow) else numbered(row, seen)
        if isinstance(own, Row):
            rows[own.id] = own
        else:
            bad.append(own or _twice(row, rows[row.id].line))
    problems = {row.id: _chain_problem(row, rows) for row in rows.values()}
    for row in rows.values():
        if problems[row.id]:
            words = f"image_from: {problems[row.id]}"
            bad.append(BadRow(line=row.line, id=row.id, field="image_from", message=words))
    bad.sort(key=lambda one: one.line or 0)
    return RowFile(rows=tuple(row for row in rows.values() if not problems[row.id]), bad=tuple(bad))


def _twice(row: Row | BadRow, first: int | None) -> BadRow:
    words = f"id: {row.id} stands in line {first} already" if first else f"id: {row.id} is there already"
    return BadRow(line=row.line, id=row.id, field="id", message=words)


def _chain_problem(row: Row, rows: Mapping[str, Row]) -> str:
    seen = {row.id}
    source = row.image_from
    while source is not None:
        if source not in rows:
            return f"there is no usable row {shown(source)}"
        if source in seen:
            return "the rows wait for each other in a circle"
        seen.add(source)
        source = rows[source].image_from
    return ""


def _json_lines(lines: Iterable[str], family: str | None) -> Iterator[Row | BadRow]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            words = str(error) if isinstance(error, _TwiceError) else f"must be one JSON object a line ({error})"
            yield BadRow(line=number, message=shortened(words))
            continue
        if not isinstance(values, dict):
            yield BadRow(line=number, message="must be one JSON object a line")
            continue
        yield read_row(values, family=family, line=number, typed=True)


class _TwiceError(ValueError):
    """A field stands twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        raise _TwiceError(f"{shown(Counter(names).most_common(1)[0][0])}: stands twice in one row")
    return found


def _csv(lines: Iterable[str], family: str | None) -> Iterator[Row | BadRow]:
    before = csv.field_size_limit(_LONGEST_LINE)  # ours is checked row by row, with the line's number
    try:
        reader = csv.reader(lines, strict=True, skipinitialspace=True)
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        last = reader.line_num
        for cells in _rows_of(reader):
            line, last = last + 1, reader.line_num
            if isinstance(cells, BadRow):
                yield attrs.evolve(cells, line=line)
            elif any(cell.strip() for cell in cells):
                yield _csv_row(header, cells, family, line)
    finally:
        csv.field_size_limit(before)


def _rows_of(reader: Any) -> Iterator[list[str] | BadRow]:  # noqa: ANN401 - csv's reader has no public type
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line=None, message=f"is no CSV: {error}")


def _check_header(header: list[str]) -> None:
    if len(header) == 1 and (wrong := next((mark for mark in ";\t|" if mark in header[0]), None)):
        raise UsageError(f"the columns must be separated by commas, not by {wrong!r}")
    if any("\0" in name or not is_text(name) for name in header):
        raise UsageError("the first line is no UTF-8 text; save the file as CSV in UTF-8")
    if not any(header):
        raise UsageError("the first line must name the columns, as in: id,family,prompt,negative_prompt,image_url")
    if not all(header):
        raise UsageError("the first line must name every column")
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise UsageError(f"the first line names the column {shown(twice)} twice")


def _csv_row(header: list[str], cells: list[str], family: str | None, line: int) -> Row | BadRow:
    if len(cells) > len(header):
        return BadRow(line=line, message=f"has {len(cells)} cells, the header names {len(header)} columns")
    return read_row(dict(zip(header, cells, strict=False)), family=family, line=line, typed=False)


__all__ = ["RowError", "RowFile", "check_rows", "read_file"]
