"""What a request takes that is no URL, as a row keeps it: jobs by their keys, files by their content.

A row's intent is what it takes, not where that lies today: a file that is uploaded anew, or a job whose URL has
expired, leaves it the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import attrs

from a2e_async.core.inputs import Made, Pending, output_of, replaced, words_of
from a2e_async.store.entries import Entry

JOB: Final = "a2e.job"
"""Stands in a row before the key of a job."""

TASKS: Final = "a2e.tasks"
"""Stands in a row before a family and the ids of tasks that are watched by a job without a key."""

FILE: Final = "a2e.file"
"""Stands in a row before the digest of a file."""

_OURS = "a2e."
_PATH, _NAME = "a2e.path", "a2e.name"


def as_json(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    """Give a value of a field as JSON has it: a job by its key, a file by its content, and a result by its URL."""
    return replaced(value, _reference)


def _reference(value: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Made):
        return output_of(value)
    if isinstance(value, Pending):
        job: Any = value._awaited()  # noqa: SLF001 - of this package
        return {JOB: job.key} if job.key is not None else {TASKS: [job.family.name, *job.task_ids]}
    if isinstance(value, bytes):
        return {FILE: hashlib.sha256(value).hexdigest()}
    return {_PATH: os.fspath(value)} if isinstance(value, os.PathLike) else {_NAME: words_of(value)}


def has_paths(entry: Entry) -> bool:
    """Whether a row names files whose content is not known yet."""
    found: list[bool] = []
    _walked(entry.fields, lambda one: found.append(_PATH in one))
    return any(found)


def digested(entry: Entry) -> Entry:
    """Give a row with the content of its files in the place of their paths; it reads them, so call it in a thread.

    A file that cannot be read keeps its path: whoever prepares the start says what is wrong with it.
    """

    def by(one: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        with contextlib.suppress(OSError, KeyError, ValueError), _opened(one[_PATH]) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return {FILE: hashlib.file_digest(file, "sha256").hexdigest()}
        return one

    return attrs.evolve(entry, fields=_walked(entry.fields, by))


def _opened(path: str) -> BufferedReader:
    """Open a file; a pipe that nobody writes to is not waited for."""
    return os.fdopen(os.open(Path(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")


def references_in(entry: Entry) -> list[Mapping[str, Any]]:
    """Give what a row takes that is no URL: {JOB: key}, {TASKS: [family, ids]}, {FILE: digest} or words of ours."""
    found: list[Mapping[str, Any]] = []
    _walked([held for name, held in entry.fields.items() if not is_mark(name)], found.append)
    return [one for one in found if any(map(is_mark, one))]


def is_mark(name: str) -> bool:
    """Whether a name stands for something of ours: no field of the service begins so."""
    return name.startswith(_OURS)


def with_inputs(entry: Entry, by: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    """Give the fields of a row with something in the place of each reference."""
    fields = {name: held for name, held in entry.fields.items() if not is_mark(name)}
    return dict(_walked(fields, lambda one: by(one) if any(map(is_mark, one)) else one))


def _walked(value: Any, by: Callable[[Mapping[str, Any]], Any]) -> Any:  # noqa: ANN401 - JSON
    """Give JSON with each object in it replaced, the inner ones first."""
    if isinstance(value, Mapping):
        inner = {name: _walked(held, by) for name, held in value.items()}
        replacement = by(inner)
        return inner if replacement is None else replacement
    return [_walked(one, by) for one in value] if isinstance(value, list | tuple) else value
