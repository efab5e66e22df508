"""Tables as text: CSV as programs and people write it, and lists of one prompt a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import attrs

from a2e_async.batch.reading import RowReading, read_row
from a2e_async.batch.rows import BadRow, Row, shown, squeezed
from a2e_async.core.family import families
from a2e_async.core.requests import fields_of
from a2e_async.errors import UsageError
from a2e_async.store.entries import is_text

_MARKS = (",", ";", "\t", "|")
_LONGEST_CELL = 1 << 27
_HEAD = 1 << 20  # characters, within which the first line ends
_SEP = re.compile(r'"?sep=(.)"?[ \t]*(\r\n|\r|\n|$)', re.IGNORECASE)
_UNNAMED = re.compile(r"(Unnamed: \d+(_level_\d+)?)?")  # pandas has a name for what has none
_RULE = re.compile(r"[-+:= ]*-[-+:= ]*")
_IN_OTHER_QUOTES = re.compile("'.*'|[\u2018\u2019\u201c-\u201e].*[\u2018\u2019\u201c\u201d]|\u00ab.*\u00bb")
_COLUMNS = "the first line must name the columns, as in: id,family,prompt,negative_prompt,image_url"


def table_rows(text: TextIO, how: RowReading) -> Iterator[Row | BadRow]:
    """Read a table with a header; its columns may stand between commas, semicolons, tabs or bars.

    Args:
        text: The whole file, of which no more than some rows are held at once.
        how: How rows are read.

    Raises:
        UsageError: The header cannot be read.
        csv.Error: So.
    """
    head = head_of(text)
    told = _SEP.match(head)  # what Excel writes, and reads, to say it
    begin = told.end() if told else 0
    before = csv.field_size_limit(_LONGEST_CELL)  # ours is checked row by row, with the line's number
    try:
        mark = told[1] if told else _mark(head)
        text.read(begin)
        reader = _reader(text, mark)
        names = _header(reader)
        _check_header(names)
        named = [not _UNNAMED.fullmatch(name) for name in names]
        skipped = 1 if told else 0
        last, counted = reader.line_num, 0
        for cells in _rows_of(reader):
            line, last = last + 1 + skipped, reader.line_num
            if isinstance(cells, BadRow):
                yield attrs.evolve(cells, line=line)
            elif any(cell.strip() for cell in cells) and not (mark == "|" and _RULE.fullmatch("".join(cells))):
                found = _values(names, named, [cell.rstrip() for cell in cells] if mark == "|" else cells, counted)
                counted += 1
                if isinstance(found, str):
                    yield BadRow(line=line, message=found)
                else:
                    yield read_row(found, how=how, line=line, typed=False)
    finally:
        csv.field_size_limit(before)


def prompt_rows(text: TextIO, how: RowReading) -> Iterator[Row | BadRow]:
    """Read one prompt a line; a text file whose first line names columns is a table all the same.

    Args:
        text: The whole file, of which no more than some rows are held at once.
        how: How rows are read.
    """
    head = head_of(text)
    first = next((line for line in io.StringIO(head, newline=None) if line.strip()), "")
    names = [squeezed(name) for name in re.split(r"[,;\t|]", first) if name.strip()]
    if _SEP.match(head) or (names and _known_names().issuperset(names)):
        yield from table_rows(text, how)
        return
    for number, line in enumerate(text, 1):
        if line.strip():
            yield read_row({"prompt": line.strip()}, how=how, line=number, typed=True)


def head_of(text: TextIO) -> str:
    """Give the beginning of a text, which is read from its beginning again afterwards."""
    head = text.read(_HEAD)
    text.seek(0)
    return head


def _reader(text: TextIO, mark: str) -> Any:  # noqa: ANN401 - csv's reader has no public type
    return csv.reader(text, delimiter=mark, strict=True, skipinitialspace=True)


def _header(reader: Iterator[list[str]]) -> list[str]:
    """Give the first line that holds something."""
    return next(([name.strip() for name in cells] for cells in reader if any(map(str.strip, cells))), [])


def _mark(text: str) -> str:
    """Find out what stands between columns: whatever makes several of the first line, and if need be known ones."""
    headers: dict[str, list[str]] = {}
    problem: csv.Error | None = None
    for mark in _MARKS:
        try:
            headers[mark] = _header(_reader(io.StringIO(text, newline=""), mark))
        except csv.Error as error:
            problem = problem or error
    if problem and not any(len(names) > 1 for names in headers.values()):
        raise problem
    several = [mark for mark, names in headers.items() if len(names) > 1]
    if len(several) > 1:
        known = _known_names()
        score = {mark: sum(squeezed(name) in known for name in headers[mark]) for mark in several}
        best = max(score.values())
        several = [mark for mark in several if score[mark] == best]
    if len(several) > 1:
        marks = " or ".join(map(repr, several))
        raise UsageError(f"the columns could be separated by {marks}: say it in a first line such as sep=;")
    return several[0] if several else ","


def _known_names() -> frozenset[str]:
    fields = {field.name for family in families().values() for field in fields_of(family.request)}
    return frozenset(map(squeezed, fields | {"id", "family", "image_from"}))


def _rows_of(reader: Iterator[list[str]]) -> Iterator[list[str] | BadRow]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line=None, message=f"is not valid CSV: {shown(error)}")


def _check_header(names: Sequence[str]) -> None:
    if any("\0" in name or not is_text(name) for name in names):
        raise UsageError("the first line is not UTF-8 text; save the file as CSV in UTF-8")
    named = [name for name in names if not _UNNAMED.fullmatch(name)]
    if not named:
        raise UsageError(_COLUMNS)
    if all(_IN_OTHER_QUOTES.fullmatch(name) for name in named):
        raise UsageError(
            f"the columns stand in other quotes than CSV has, such as {shown(named[0])}: use plain double ones"
        )
    seen: dict[str, str] = {}
    for name in named:
        before = seen.get(squeezed(name))
        if before is not None:
            also = "" if before == name else f" (once as {shown(before)})"
            raise UsageError(f"the first line names the column {shown(name)} twice{also}")
        seen[squeezed(name)] = name


def _values(names: Sequence[str], named: Sequence[bool], cells: Sequence[str], before: int) -> dict[str, str] | str:
    """Give a row's cells by column, or what is wrong; what stands below no name is passed over where it is empty.

    Spreadsheets leave such columns. So is the number of the row at its beginning, counted from 0 or 1, which data
    frames write where nobody forbids it.
    """
    values: dict[str, str] = {}
    for number, cell in enumerate(cells):
        if number < len(names) and named[number]:
            values[names[number]] = cell
        elif cell.strip() and not (number == 0 and cell.strip() in (str(before), str(before + 1))):
            return _nameless(names, cells, number)
    return values


def _nameless(names: Sequence[str], cells: Sequence[str], number: int) -> str:
    if number >= len(names):
        columns = f"the header has {len(names)} column{'s' if len(names) > 1 else ''}"
        return f"has {len(cells)} cells, {columns}; text that holds the separator must stand in double quotes"
    index = " (write a data frame with index=False)" if number == 0 else ""
    return f"cell {number + 1} stands in a column without a name{index}"
