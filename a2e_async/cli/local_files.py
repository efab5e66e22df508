"""Files of this machine in the fields of a command: a path where a URL can stand."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from a2e_async.core.fields import Field
from a2e_async.core.inputs import FaultError, replaced
from a2e_async.core.plans import inputs_in
from a2e_async.core.records import Result
from a2e_async.core.requests import Request, fields_of
from a2e_async.core.shapes import at_urls
from a2e_async.core.urls import is_path
from a2e_async.errors import InvalidRequestError


def with_paths(request: type[Request[Result]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a request with paths where texts stand for files; what names a scheme stays a URL."""
    media = {field.name: field for field in fields_of(request) if field.media}
    return {name: _taken(media[name], value) if name in media else value for name, value in given.items()}


def _taken(field: Field, value: Any) -> Any:  # noqa: ANN401 - whatever the option gave
    return at_urls(field.rule, value, lambda one: Path(one) if isinstance(one, str) and is_path(one) else one)


def paths_in(request: Request[Result]) -> Iterator[tuple[str, Path]]:
    """Give the files that a request takes, each with its field."""
    for name, value in inputs_in(request).items():
        found: list[Path] = []
        replaced(value, lambda one, found=found: found.append(one) if isinstance(one, Path) else None)
        for path in found:
            yield name, path


def check_files(requests: Sequence[Request[Result]]) -> None:
    """Refuse files that cannot be read, or are of another kind than their field takes; nothing is sent.

    Raises:
        InvalidRequestError: So; it names the field and the file.
    """
    from a2e_async.engine.files.contents import FileAt  # noqa: PLC0415 - only commands with files need it
    from a2e_async.engine.files.examining import Examiner  # noqa: PLC0415 - as above
    from a2e_async.engine.jobs.input_rules import InputFile, check_file, fault_of, places  # noqa: PLC0415 - as above

    examiner = Examiner(math.inf)
    for request in requests:
        fields = {field.name: field for field in fields_of(type(request))}
        taken = [one for name, value in inputs_in(request).items() for one in places(fields[name], value)]
        for there, place, path in taken:
            if not isinstance(path, Path):
                continue
            held: Any = FileAt(path)
            file = InputFile(there, place, held)
            try:
                file.known = examiner.examine(held)
            except FaultError as fault:
                raise fault_of(file, fault) from fault
            check_file(file)


def with_placeholders(request: Request[Result]) -> Request[Result]:
    """Give a request that can be shown before its files are uploaded: with a URL that stands for each.

    Raises:
        InvalidRequestError: A field does not take such a URL.
    """
    return request.replace(**{name: replaced(value, _placeholder) for name, value in inputs_in(request).items()})


def _placeholder(value: object) -> object:
    return f"https://uploaded.example/{quote(value.name)}" if isinstance(value, Path) else value


def as_text(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    """Give a field's value for output: a file by its path."""
    return replaced(value, lambda one: os.fspath(one) if isinstance(one, os.PathLike) else one)


__all__ = ["InvalidRequestError", "as_text", "check_files", "paths_in", "with_paths", "with_placeholders"]
