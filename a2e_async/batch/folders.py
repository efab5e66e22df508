"""A folder or a glob of files as rows: one for each image, video or audio file, called as the file is.

A row's id is the file's name with its suffix, below the folder: it never depends on which other files are there, or a
photo that is added later would change what others are called and be paid for with them.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import attrs

from a2e_async.batch.cells import UnclearError
from a2e_async.batch.files import Files
from a2e_async.batch.folder_fields import TakenBy, file_field, others_of
from a2e_async.batch.inputs import FileInput
from a2e_async.batch.reading import RowReading, read_row
from a2e_async.batch.rows import LONGEST_ID, BadRow, Row
from a2e_async.batch.sources import RowFile, check_rows
from a2e_async.core import media_kinds, names
from a2e_async.core.family import Family, family_of
from a2e_async.core.records import Result
from a2e_async.core.requests import Field, Request, fields_of
from a2e_async.errors import UsageError

_DIGITS = re.compile(r"(\d+)")
_SIDECAR = ".txt"
_KEPT_OF_A_LONG_NAME = LONGEST_ID - 17
_MOST_FILES = 1_000_000


def is_glob(source: str) -> bool:
    """Whether a text stands for many files, as 'photos/*.jpg' does."""
    return glob.has_magic(source)


def folder_of(source: str | Path) -> Path:
    """Give the folder below which the files of a folder or a glob lie."""
    path = Path(source)
    if path.is_file():
        return path.parent
    parts = path.parts
    magic = next((number for number, part in enumerate(parts) if glob.has_magic(part)), None)
    return path if magic is None or path.is_dir() else Path(*parts[:magic])


def file_rows(
    source: str | Path,
    how: RowReading,
    *,
    field: str | None = None,
) -> RowFile:
    """Make a row of each file of a folder, or of a glob.

    Files that start with a dot, and files that are no media of the kind that the field takes, are passed over. Text
    beside a file, under the same name with .txt, is its prompt. Where the field takes a list, the file is its first
    value, and what was given in the field for all rows comes behind it.

    Args:
        source: A folder, whose own files are taken, or a glob such as "photos/**/*.jpg".
        how: How rows are read; its family and its files are needed.
        field: The field that takes the file; by default the family's main one.

    Raises:
        UsageError: There is no such folder or no file in it, or the family takes none, or needs more than one file.
    """
    if how.family is None:
        raise UsageError("family: must be given (--family), so that it is known what is made of the files")
    family = family_of(how.family)
    taken = file_field(family, field)
    files = how.files or Files(folder_of(source))
    others = others_of(source, family, taken, how)
    found = sorted(_names(source, files.base), key=_natural)
    passed: list[str] = []
    reading = attrs.evolve(how, files=files, values={k: v for k, v in how.values.items() if k != taken.name})
    rows = list(_rows(found, family, TakenBy(taken, others), reading, passed))
    if not rows:
        words = f" ({len(passed)} of another kind passed over)" if passed else ""
        raise UsageError(f"{source} holds no {' or '.join(taken.media)} files{words}")
    return attrs.evolve(check_rows(_called_apart(rows)), passed=tuple(_without_sidecars(passed, found)))


def rows_of_files(
    source: str | Path,
    family: Family | str | type[Request[Result]],
    *,
    field: str | None = None,
    files: Sequence[Path] = (),
    **fields: Any,  # noqa: ANN401 - the fields of the request
) -> list[Row]:
    """Make a row of each image, video or audio file of a folder or a glob, for `Batch.run`.

    A row's id is the file's name below the folder, its files are called so, and text beside a file under the same name
    with .txt is its prompt.

    Args:
        source: A folder, whose own files are taken, or a glob such as "photos/**/*.jpg".
        family: What is made of each file: a family's name or its request class.
        field: The field that takes the file; by default the family's main one.
        files: Other folders to which what stands in this one may lead.
        **fields: The other fields of each request, such as `prompt="she waves"`.

    Raises:
        UsageError: There is no such folder, no file in it, or one of them is none that the field takes.

    Example:
        rows = rows_of_files("photos/", ImageToVideo, prompt="she waves", negative_prompt="blurry")
        async for outcome in batch.run(rows):
            print(outcome.row.id, outcome.paths)
    """
    kind = family_of(family)
    how = RowReading(family=kind.name, fields=fields, files=Files(folder_of(source), files))
    found = file_rows(source, how, field=field)
    if found.bad:
        raise UsageError(f"{source}: {len(found.bad)} of its files cannot be taken; {found.bad[0]}")
    return list(found.rows)


def _names(source: str | Path, base: Path) -> Iterator[str]:
    """Give the names of the files, below their folder, with forward slashes."""
    path = Path(source)
    if path.is_dir():
        yield from (entry.name for entry in os.scandir(path) if not entry.name.startswith(".") and not entry.is_dir())
        return
    if path.is_file():
        yield path.name
        return
    if not is_glob(str(source)):
        raise UsageError(f"there is no folder {source}")
    for number, found in enumerate(base.glob(str(path.relative_to(base)))):  # follows no links to other folders
        if number > _MOST_FILES:
            raise UsageError(f"{source} stands for more than {_MOST_FILES:,} files")
        name = found.relative_to(base)
        if not found.is_dir() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix()


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Give what orders names as people count: IMG_2 before IMG_10."""
    parts = _DIGITS.split(name)
    return [(0, int(part), "") if part.isdecimal() and len(part) < LONGEST_ID else (1, 0, part) for part in parts]


def _rows(
    found: Sequence[str], family: Family, taken: TakenBy, how: RowReading, passed: list[str]
) -> Iterator[Row | BadRow]:
    field = taken.field
    for name in found:
        try:
            file = _wanted(name, field, how.files)
        except UnclearError as error:
            yield BadRow(line=None, id=_id_of(name), field=field.name, message=f"{field.name}: {error}")
            continue
        if file is None:
            passed.append(name)
        else:
            yield _row(name, file, family, taken, how)


def _wanted(name: str, field: Field, files: Files | None) -> FileInput | None:
    """Give a file, None for one that is clearly meant for something else.

    Raises:
        UnclearError: It is called as what is wanted, and is not.
    """
    kind = media_kinds.kind_of_suffix(PurePosixPath(name).suffix)
    if files is None or not kind or kind not in field.media:
        return None
    return files.take(name, field)


def _row(name: str, file: FileInput, family: Family, taken: TakenBy, how: RowReading) -> Row | BadRow:
    values: dict[str, object] = {**how.fields, "id": _id_of(name), taken.field.name: taken.value(file)}
    prompt = next((one for one in fields_of(family.request) if one.name == "prompt"), None)
    try:
        words = _sidecar(name, how.files) if prompt is not None else None
    except UnclearError as error:
        return BadRow(line=None, id=_id_of(name), field="prompt", message=f"prompt: {error}")
    if words:
        values["prompt"] = words
    return read_row(values, line=None, typed=True, how=how)


def _sidecar(name: str, files: Files | None) -> str | None:
    """Give the text that lies beside a file, under its whole name or its name without the suffix."""
    if files is None:  # pragma: no cover - a row is made of a file, which they have given
        return None
    path = PurePosixPath(name)
    for beside in (f"{name}{_SIDECAR}", str(path.with_suffix(_SIDECAR))):
        if os.path.lexists(files.base / beside):
            return files.words(beside)
    return None


def _without_sidecars(passed: Iterable[str], found: Iterable[str]) -> Iterator[str]:
    """Leave out the texts that lie beside other files."""
    media_files = [name for name in found if PurePosixPath(name).suffix.lower() != _SIDECAR]
    others = {one for name in media_files for one in (name, str(PurePosixPath(name).with_suffix("")))}
    return (name for name in passed if name.removesuffix(_SIDECAR) == name or name.removesuffix(_SIDECAR) not in others)


def _id_of(name: str) -> str:
    """Give the id of a row of a file; a name that no row may have is told from others by its digest."""
    if len(name) <= LONGEST_ID and name.isprintable() and name.strip():
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    kept = "".join(one if one.isprintable() else "-" for one in name)[:_KEPT_OF_A_LONG_NAME].strip() or "file"
    return f"{kept}-{digest}"


def _called_apart(rows: Iterable[Row | BadRow]) -> list[Row | BadRow]:
    """Let files that are alike but for their suffix, or for capitals, make files with it: me-png.mp4, me-jpg.mp4."""
    rows = list(rows)
    count = Counter(names.without_suffix(row.id).casefold() for row in rows if isinstance(row, Row))
    return [
        attrs.evolve(row, stem=row.id.replace(".", "-"))
        if isinstance(row, Row) and count[names.without_suffix(row.id).casefold()] > 1
        else row
        for row in rows
    ]
