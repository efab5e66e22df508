"""Which field of a family takes the files of a folder, and what stands beside each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.inputs import FileInput
from a2e_async.batch.reading import RowReading, given_for_all
from a2e_async.batch.rows import RowError, image_field
from a2e_async.core.family import Family
from a2e_async.core.requests import Field, fields_of
from a2e_async.errors import UsageError

_SOME_URL = "https://files.example.net/file.png"


def file_field(family: Family, name: str | None = None) -> Field:
    """Give the field into which a family takes a file.

    Args:
        family: The family.
        name: The field's name; by default its main one: the first URL that it needs, else that of an image.

    Raises:
        UsageError: It has no such field of URLs.
    """
    fields = [
        field
        for field in fields_of(family.request)
        if field.media and field.kind in (str, list) and not field.inherited
    ]
    if name is not None:
        wanted = name.replace("-", "_")
        found = next((field for field in fields if field.name == wanted), None)
        if found is None:
            known = ", ".join(field.name for field in fields) or "none"
            raise UsageError(f"field: {family.name} has no field {wanted!r:.100} that takes a file; it has {known}")
        return found
    needed = next((field for field in fields if field.required), None)
    try:
        return needed or image_field(family)
    except RowError:
        if fields:  # pragma: no cover - every family of today needs one of its fields, or has one of an image
            return fields[0]
    raise UsageError(f"{family.name} takes no file")


@attrs.frozen
class TakenBy:
    """The field that takes the files, and what comes behind each of them in it, where it takes a list."""

    field: Field
    others: Sequence[Any]

    def value(self, file: FileInput) -> Any:  # noqa: ANN401 - a file or a list
        """Give the value of the field in the row of a file."""
        return [file, *self.others] if self.field.kind is list else file


def others_of(source: str | Path, family: Family, taken: Field, how: RowReading) -> Sequence[Any]:
    """Give what comes behind each file in its field.

    Raises:
        UsageError: The family needs more than one file, and nothing says where the others are.
    """
    given = given_for_all(family, taken.name, how)
    if given is not None and taken.kind is not list:
        raise UsageError(f"{taken.name}: takes the files of {source}, so give it nothing else; --field names another")
    others = () if given is None else given if isinstance(given, list | tuple) else (given,)
    whole = taken.kind is not list or taken.rule.check([_SOME_URL] * (1 + len(others)))
    missing = [taken.name] if not whole else _missing(family, taken, how)
    if missing:
        takes = taken.rule.words.partition(" http")[0].removeprefix("must be ") if not whole else ""
        words = (
            f"{family.name} takes {takes} in it" if takes else f"{family.name} needs {' and '.join(missing)} as well"
        )
        first = ", behind the file of the folder," if takes else ""
        sets = " ".join(f"--set {name}=URL_OR_FILE" for name in missing)
        how_to = f"give the other{first} for all rows with {sets}, or each row its own in a rows file"
        raise UsageError(f"{missing[0]}: the files of {source} are given as {taken.name}, and {words}: {how_to}")
    return others


def _missing(family: Family, taken: Field, how: RowReading) -> list[str]:
    """Give the other files that a family needs, and that nobody has given."""
    given = {*how.values, *how.fields, taken.name}
    return [
        field.name for field in fields_of(family.request) if field.required and field.media and field.name not in given
    ]
