"""Rows as JSON: one object a line, an array, or objects written over many lines."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from a2e_async.batch.cells import TwiceError, unique
from a2e_async.batch.reading import RowReading, read_row
from a2e_async.batch.rows import BadRow, Row, shortened, shown
from a2e_async.batch.tables import head_of
from a2e_async.core import rules
from a2e_async.errors import UsageError

_SPACE = re.compile(r"[ \t\r\n]*")
_WRAPPERS = frozenset({"rows", "data", "records", "items", "columns", "index", "schema"})
_ONE_A_LINE = "must be one JSON object per line"


def json_rows(text: TextIO, how: RowReading) -> Iterator[Row | BadRow]:
    """Read JSON rows: in JSON Lines each line stands by itself, and one that is wrong spoils no other.

    Args:
        text: The whole file; of JSON Lines no more than some are held at once, of a document all.
        how: How rows are read.

    Raises:
        UsageError: It is one document, and no JSON.
    """
    if not _begins_with_an_object(head_of(text)):
        yield from _rows_of(text.read(), how)
        return
    for number, line in enumerate(text, 1):
        if line.strip():
            yield _of_line(number, line, how)


def _begins_with_an_object(head: str) -> bool:
    """Whether the first line is a whole JSON object, so that each line is a row."""
    line = next((line for line in io.StringIO(head, newline="") if line.strip()), "")
    return _is_object(line)


def _rows_of(text: str, how: RowReading) -> list[Row | BadRow]:
    lines = [(number, line) for number, line in enumerate(io.StringIO(text, newline=""), 1) if line.strip()]
    if _is_lines([line for _number, line in lines]):
        return [_of_line(number, line, how) for number, line in lines]
    document = _Document(text)
    try:
        return [_of_value(number, value, how) for number, value in list(document.values())]
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("[") or not any(map(_is_object, (line for _number, line in lines))):
            raise UsageError(f"is not valid JSON: {_reason(error)}, in line {document.line} or below") from error
    return [_of_line(number, line, how) for number, line in lines]  # JSON Lines whose first line is wrong


def _is_lines(lines: Sequence[str]) -> bool:
    """Whether each line is a JSON value; an array in a line of its own is a whole document."""
    try:
        first = json.loads(lines[0]) if lines else {}
    except (ValueError, RecursionError):
        return lines[0].lstrip()[:1] not in ("[", "{")
    return isinstance(first, dict) or len(lines) > 1 or not isinstance(first, list)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _of_line(number: int, line: str, how: RowReading) -> Row | BadRow:
    try:
        return _of_value(number, json.loads(line, object_pairs_hook=unique), how)
    except TwiceError as error:
        words = f"{shown(error.name)}: is given twice in one row"
    except (ValueError, RecursionError) as error:
        words = f"{_ONE_A_LINE} ({error})"
    return BadRow(line=number, message=shortened(words))


def _of_value(number: int, value: object, how: RowReading) -> Row | BadRow:
    if not isinstance(value, dict):
        return BadRow(line=number, message=f"{_ONE_A_LINE}, or an array of objects, not {rules.kind_of(value)}")
    if value and _WRAPPERS.issuperset(value):
        return BadRow(
            line=number, message="holds rows, and is not a row: put them at the top, as an array or one per line"
        )
    if value and _are_columns(list(value.values())):
        return BadRow(line=number, message="holds columns, not a row: write a data frame with orient='records'")
    return read_row(value, how=how, line=number, typed=True)


def _are_columns(values: Sequence[object]) -> bool:
    """Whether these are whole columns: by index, or several lists of one length; no row has nothing but lists."""
    if all(isinstance(one, dict) for one in values):
        return True
    lists = [one for one in values if isinstance(one, list)]
    return len(lists) == len(values) > 1 and len({len(one) for one in lists}) == 1


def _reason(error: Exception) -> str:
    if isinstance(error, TwiceError):
        return f"the name {shown(error.name)} is given twice in one object"
    return error.msg if isinstance(error, json.JSONDecodeError) else shortened(str(error))


class _Document:
    """A text of JSON over many lines: an array of rows, or rows one after another.

    Attributes:
        line: The line that has been reached, counted from 1.
    """

    def __init__(self, text: str) -> None:
        self.line = 1
        self._text = text
        self._at = 0
        self._decoder = json.JSONDecoder(object_pairs_hook=unique)

    def values(self) -> Iterator[tuple[int, Any]]:
        """Give each row with the line in which it begins.

        Raises:
            ValueError: It is no JSON.
            RecursionError: It is nested too deeply.
        """
        array = self._next() == "["
        if array:
            self._move(self._at + 1)
        while self._next() not in ("", "]"):
            begins = self.line
            value, end = self._decoder.raw_decode(self._text, self._at)
            self._move(end)
            yield begins, value
            if array and self._next() == ",":
                self._move(self._at + 1)
                self._expect(self._next() != "]", "a value")
            elif array:
                self._expect(self._next() == "]", "a comma or the array's end")
            elif self._next() == ",":  # rows that were taken out of an array
                self._move(self._at + 1)
        if array:
            self._expect(self._next() == "]", "the array's end")
            self._move(self._at + 1)
        self._expect(not self._next(), "the end of the file")

    def _next(self) -> str:
        """Give the next character that is no white space, "" at the end."""
        space = _SPACE.match(self._text, self._at)
        self._move(space.end() if space else self._at)
        return self._text[self._at : self._at + 1]

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _expect(self, right: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not right:
            raise json.JSONDecodeError(f"expected {what}", self._text, self._at)
