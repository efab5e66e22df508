"""Row files: read whole before anything is started, with every bad row named by its line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

import attrs

from a2e_async.batch.chains import chain_problems
from a2e_async.batch.files import Files
from a2e_async.batch.json_rows import json_rows
from a2e_async.batch.reading import RowReading
from a2e_async.batch.rows import BadRow, Row, RowError, numbered
from a2e_async.batch.tables import head_of, prompt_rows, table_rows
from a2e_async.errors import UsageError

_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_TEXT_SUFFIXES = (".txt", ".text")
_AS_JSON = re.compile(r'\s*(\{\s*["}]|\[\s*\{)')
_MARKED = (  # the longer mark first: UTF-32 begins like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),  # which reads the mark and leaves it out
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAVE = "save the sheet as CSV UTF-8 and give that file"
_EXCEL = f"this is an Excel workbook: {_SAVE}"
_SHEET = f"this is a spreadsheet: {_SAVE}"
_FRAME = "this is a data frame in a form of its own: write it with to_csv(..., index=False) and give that file"
_PACKED = "this is packed: unpack it and give the file that comes out"
_FOREIGN = {
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls"), _EXCEL),
    **dict.fromkeys((".ods", ".fods", ".numbers", ".gsheet"), _SHEET),
    **dict.fromkeys((".parquet", ".feather", ".arrow", ".pkl", ".pickle", ".h5", ".avro", ".orc"), _FRAME),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst", ".zip", ".7z"), _PACKED),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), "this is a database: write its rows as CSV or JSON Lines"),
    **dict.fromkeys((".yaml", ".yml", ".toml", ".xml"), "this form is not read: write the rows as CSV or JSON Lines"),
    **dict.fromkeys((".html", ".htm"), "this is a web page: save its table as CSV UTF-8 and give that file"),
    **dict.fromkeys(
        (".doc", ".docx", ".odt", ".rtf", ".pdf"), "this is a document: save its text as .txt, a prompt a line"
    ),
}
_FOREIGN_STARTS = {
    b"PK\x03\x04": f"this is a workbook, or packed: {_SAVE}",
    b"\xd0\xcf\x11\xe0": _EXCEL,
    b"PAR1": _FRAME,
    b"ARROW1": _FRAME,
    b"\x89HDF": _FRAME,
    b"SQLite format 3\0": _FOREIGN[".db"],
    b"\x1f\x8b": _PACKED,
    b"\xfd7zXZ": _PACKED,
    b"\x28\xb5\x2f\xfd": _PACKED,
    **{b"BZh%d1AY&" % level: _PACKED for level in range(1, 10)},
    b"7z\xbc\xaf\x27\x1c": _PACKED,
    b"\x04\x22\x4d\x18": _PACKED,
    b"Obj\x01": _FRAME,
    b"\x93NUMPY": _FRAME,
    b"\x80\x04\x95": _FRAME,
    b"\x80\x05\x95": _FRAME,
    b"ID;PWXL": f"this is a table of SYLK: {_SAVE}",
    b"TABLE\r\n0,1": f"this is a table of DIF: {_SAVE}",
    b"{\\rtf": _FOREIGN[".rtf"],
    b"%PDF": _FOREIGN[".pdf"],
    b"<!doctype": _FOREIGN[".html"],
    b"<html": _FOREIGN[".html"],
    b"<table": _FOREIGN[".html"],
    b"<?xml": _FOREIGN[".xml"],
}


@attrs.frozen(kw_only=True)
class RowFile:
    """What a row file holds.

    Attributes:
        rows: The rows that can be started, in order.
        bad: The rows that cannot.
        passed: Names of files that were passed over, as a folder has others than are wanted.
    """

    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...]
    passed: tuple[str, ...] = ()


def read_file(path: Path, family: str | None = None, *, how: RowReading | None = None) -> RowFile:
    """Read a file of rows: a table with a header, JSON Lines, a JSON array, or one prompt a line.

    What begins as JSON is read as JSON, and one prompt a line is read from .txt files. What a row takes may lie in the
    file's folder.

    Args:
        path: The file.
        family: The family of rows that name none, where `how` says nothing else.
        how: How rows are read.

    Raises:
        UsageError: The file cannot be read at all.
    """
    return check_rows(read_rows(path, family, how=how))


def read_rows(path: Path, family: str | None = None, *, how: RowReading | None = None) -> Iterator[Row | BadRow]:
    """Read a file of rows one by one, each checked by itself only; a file of a million is never held as a whole.

    Args:
        path: The file.
        family: The family of rows that name none, where `how` says nothing else.
        how: How rows are read.

    Raises:
        UsageError: The file cannot be read at all, or holds no rows.
    """
    reading = how or RowReading(family=family, files=Files(path.parent))
    return _each(str(path), lambda: _opened(path), path.suffix.lower(), reading)


def read_text(text: str, name: str, how: RowReading) -> RowFile:
    """Read rows from text that is in no file, such as that of stdin: one prompt a line, a table or JSON.

    Args:
        text: The text.
        name: What it is called in errors.
        how: How rows are read.

    Raises:
        UsageError: It cannot be read at all, or holds no rows.
    """
    return check_rows(_each(name, lambda: io.StringIO(text, newline=""), _TEXT_SUFFIXES[0], how))


def _each(name: str, opened: Callable[[], TextIO], suffix: str, how: RowReading) -> Iterator[Row | BadRow]:
    found = False
    try:
        with opened() as text:
            for one in _reader(suffix, text)(text, how):
                found = True
                yield one
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: this is no whole {error.encoding} text; save the file as CSV in UTF-8") from error
    except (OSError, csv.Error) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{name} cannot be read: {words}") from error
    if not found:
        raise UsageError(f"{name} holds no rows")


def _opened(path: Path) -> TextIO:
    """Open a file as text; what belongs to another program is named, with the next step."""
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe has no end that is sure to come
        raise UsageError("this is no plain file; give rows of another program on stdin, as in: a2e batch run - < rows")
    with path.open("rb") as source:
        begins = source.read(20).removeprefix(codecs.BOM_UTF8).lstrip().lower()
        source.seek(0)
        first = source.read(4)
    kind = next((kind for start, kind in _FOREIGN_STARTS.items() if begins.startswith(start.lower())), None)
    suffix = path.suffix.lower()
    if kind or suffix in _FOREIGN:
        raise UsageError(_FOREIGN.get(suffix) or str(kind))
    for mark, encoding in _MARKED:
        if first.startswith(mark):
            return path.open(encoding=encoding, newline="")
    if b"\0" in first and first.strip(b"\0"):
        raise UsageError("this is not UTF-8 text; save the file as CSV in UTF-8")
    # A row with other bytes is refused by its line.
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _reader(suffix: str, text: TextIO) -> Callable[[TextIO, RowReading], Iterable[Row | BadRow]]:
    if suffix in _JSON_SUFFIXES:
        return json_rows
    if _AS_JSON.match(head_of(text)):  # no header and hardly a prompt begins so
        return json_rows
    return prompt_rows if suffix in _TEXT_SUFFIXES else table_rows


def check_rows(found: Iterable[Row | BadRow]) -> RowFile:
    """Check rows against each other: ids once only, outputs of rows that are there, no circles."""
    rows: dict[str, Row] = {}
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for row in found:
        own = row if isinstance(row, BadRow) else numbered(row, seen)
        if isinstance(own, Row):
            rows[own.id] = own
        else:
            bad.append(own or _twice(row, rows[row.id].line))
    problems = chain_problems(rows)
    bad.extend(problems)
    bad.sort(key=lambda one: one.line or 0)
    refused = {one.id for one in problems}
    return RowFile(rows=tuple(row for row in rows.values() if row.id not in refused), bad=tuple(bad))


def _twice(row: Row | BadRow, first: int | None) -> BadRow:
    words = f"id: {row.id} is used in line {first} already" if first else f"id: {row.id} is there already"
    return BadRow(line=row.line, id=row.id, field="id", message=words)


__all__ = ["RowError", "RowFile", "check_rows", "read_file", "read_rows", "read_text"]
