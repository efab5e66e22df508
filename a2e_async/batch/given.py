"""What programs give in rows: files as paths, bytes or open files, results, and other rows by their ids."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from a2e_async.batch.cells import UnclearError
from a2e_async.batch.files import check_kind
from a2e_async.batch.inputs import FileInput, OutputOf, is_reference, reference
from a2e_async.batch.rows import Row, RowError, hashed_id
from a2e_async.core.fields import Field
from a2e_async.core.inputs import FaultError, Made, Pending, is_input, name_of, output_of, short_name, words_of
from a2e_async.core.plans import at_media, fields_of
from a2e_async.engine.files.contents import FileAt, content_of
from a2e_async.engine.files.examining import Examiner
from a2e_async.errors import UsageError

_PLAIN = (int, float, type(None))


def has_inputs(fields: Mapping[str, Any]) -> bool:
    """Whether some field may hold what is no URL yet; quickly, for most rows hold texts and numbers."""
    return any(not isinstance(value, _PLAIN) and not _is_text(value) for value in fields.values())


def resolved(row: Row) -> Row:
    """Give a row in which files are known by their content; reads them, and so takes a thread.

    Raises:
        RowError: A file cannot be read, or is none that its field takes; or a job was given.
    """
    known = {field.name: field for field in fields_of(row.family.request)}
    fields = {
        name: at_media(known[name], value, partial(_taken, row)) if name in known and known[name].media else value
        for name, value in row.fields.items()
    }
    own_id = hashed_id(row.family, fields, row.image_from) if row.hashed else row.id
    return attrs.evolve(row, id=own_id, fields=fields)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not is_reference(value)


def _taken(row: Row, value: Any, field: Field) -> Any:  # noqa: ANN401 - whatever a program gives
    return _Taken(row, field)(value)


@attrs.frozen
class _Taken:
    """Takes what stands in a field of a row."""

    row: Row
    field: Field

    def __call__(self, value: Any) -> Any:  # noqa: ANN401 - whatever a program gives
        try:
            return self._taken(value)
        except (FaultError, UsageError) as error:
            words = (
                error.message
                if isinstance(error, UsageError)
                else f"{short_name(words_of(value) or str(value))} {error}"
            )
            raise self._refusal(words) from error
        except UnclearError as error:
            raise self._refusal(str(error)) from None

    def _taken(self, value: Any) -> Any:  # noqa: ANN401 - whatever a program gives
        if isinstance(value, FileInput | OutputOf):
            return value
        if is_reference(value):
            return reference(value)
        if isinstance(value, str) or not is_input(value):
            return value
        if isinstance(value, Pending):
            raise self._refusal("a row takes no job, which ends with its process: give the job's row, as row:ID")
        if isinstance(value, Made):
            if not (url := output_of(value)):
                raise self._refusal(f"must have an output, not {words_of(value)}")
            return url
        return self._file(value)

    def _file(self, value: Any) -> FileInput:  # noqa: ANN401 - a path, bytes or an open file
        content = content_of(value, math.inf)
        found = Examiner(math.inf).examine(content)
        path = content.path.absolute() if isinstance(content, FileAt) else None
        file = FileInput(
            sha256=found.digest,
            name=str(value) if path is not None else name_of(value),
            size=found.size,
            kind=found.kind,
            suffix=found.suffix,
            path=path,
            content=None if path is not None else value,
        )
        check_kind(file, self.field)
        return file

    def _refusal(self, words: str) -> RowError:
        return RowError(f"row {self.row.id}: {self.field.name}: {words}", self.field.name)
