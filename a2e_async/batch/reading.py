"""One row's values as a file or a program gives them, checked and made a row, or said to be a bad one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs

from a2e_async.batch import cells
from a2e_async.batch.files import Files
from a2e_async.batch.inputs import is_reference, reference
from a2e_async.batch.rows import (
    LONGEST_FIELD,
    LONGEST_ID,
    BadRow,
    Row,
    RowError,
    check_id,
    hashed_id,
    image_field,
    shortened,
    shown,
    squeezed,
)
from a2e_async.core import rules
from a2e_async.core.family import Family, family_of
from a2e_async.core.plans import at_media
from a2e_async.core.requests import Field, fields_of
from a2e_async.core.urls import is_path
from a2e_async.errors import A2EError, InvalidRequestError
from a2e_async.store.entries import is_text

_OWN = {"id": "id", "family": "family", "imagefrom": "image_from"}
_LONGEST_NUMBER = 10**18
_MOST_KINDS = 256
_KNOWN: dict[type[object], Mapping[str, Field]] = {}
_LIKE, _VERY_LIKE = 0.75, 0.85  # how much a name must be like a field's to be taken for it, misspelt


@attrs.frozen(kw_only=True)
class RowReading:
    """How rows are read.

    Attributes:
        family: The family of rows that name none.
        values: Fields, as text, for rows that have none of their own.
        fields: Fields, as values, for rows that are made of files.
        files: The files that rows may name; None where a path means nothing.
        typed_files: The files that `values` may name, None for those that rows may.
        keep_columns: Whether columns that are no fields are kept, as the user's own.
    """

    family: str | None = None
    values: Mapping[str, str] = attrs.field(factory=dict)
    fields: Mapping[str, Any] = attrs.field(factory=dict)
    files: Files | None = None
    typed_files: Files | None = None
    keep_columns: bool = False


def read_row(
    values: Mapping[str, Any],
    *,
    line: int | None,
    typed: bool,
    family: str | None = None,
    how: RowReading | None = None,
) -> Row | BadRow:
    """Make a row of its values, with every rule checked.

    Args:
        values: Fields by name; `id`, `family` and `image_from` are the row's own.
        line: Where the row stands in its file.
        typed: Whether values have their types already; otherwise they are text.
        family: The family of rows that name none, where `how` says nothing else.
        how: How it is read.
    """
    try:
        return _row(values, how or RowReading(family=family), line, typed=typed)
    except InvalidRequestError as error:
        return BadRow(line=line, id=_shown(values), field=error.field, message=error.message)
    except A2EError as error:
        return BadRow(line=line, id=_shown(values), field="family", message=shortened(error.message))


def _row(values: Mapping[str, Any], how: RowReading, line: int | None, *, typed: bool) -> Row:
    own, rest = _own_and_fields(values, typed=typed)
    image_from = own.get("image_from")
    kind = _family(own.get("family") or how.family)
    columns = _own_columns(kind, rest) if how.keep_columns else {}
    given = {name: value for name, value in rest.items() if name not in columns} if columns else rest
    fields = _fields(kind, given, how, typed=typed)
    if how.values:
        fields = {**_defaults(kind, how, fields, taken=image_from is not None), **fields}
    if image_from is not None:
        _check_image_from(kind, fields, image_from)
    _check_complete(kind, fields, image_field(kind).name if image_from is not None else "")
    hashed = own.get("id") is None
    own_id = hashed_id(kind, fields, image_from) if hashed else check_id(own["id"])
    row = Row(id=own_id, family=kind, fields=fields, image_from=image_from, line=line, hashed=hashed, columns=columns)
    row.request()
    return row


def _own_and_fields(values: Mapping[str, Any], *, typed: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what a row says of itself, and its fields and columns; what is empty was not given."""
    own: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in values.items():
        _check_text(name, value)
    for name, value in values.items():
        if cells.is_empty(value, typed=typed):
            continue
        as_own = _OWN.get(squeezed(name))
        read = value if typed else _cell(name, value, free=as_own is not None)
        if as_own is None:
            rest[name] = read
        elif as_own in own:
            raise RowError(f"{as_own}: is given twice in one row", as_own)
        else:
            own[as_own] = _as_id(read) if as_own != "family" else read
    return own, rest


def _as_id(value: Any) -> Any:  # noqa: ANN401 - checked by who asked
    """Give the digits of a whole number, which data frames write for an id."""
    return str(value) if type(value) is int and abs(value) < _LONGEST_NUMBER else value


def _cell(name: str, cell: str, *, free: bool) -> str:
    try:
        text = cells.text_of(cell)
        return cells.plain_text(text).strip() if free else text
    except cells.UnclearError as error:
        raise RowError(f"{shown(name)}: {error}", shown(name)) from None


def _family(named: object) -> Family:
    if named is None:
        raise RowError("family: must be given, in the row or with --family", "family")
    if not isinstance(named, str):
        raise RowError(f"family: must be the name of a family, not {rules.kind_of(named)}", "family")
    return family_of(named)


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str):
        for one in value if isinstance(value, (list, tuple)) else ():
            _check_text(field, one)
        return
    if len(value) > LONGEST_FIELD:
        problem = f"must be at most {LONGEST_FIELD} characters, not {len(value)}"
    elif "\0" in value:
        problem = "must hold no NUL character"
    elif not is_text(value):
        problem = "must be UTF-8 text"
    else:
        return
    raise RowError(f"{shown(field)}: {problem}", shown(field))


def _check_image_from(family: Family, fields: Mapping[str, Any], image_from: object) -> None:
    if not isinstance(image_from, str):
        raise RowError(f"image_from: must be the id of another row, not {rules.kind_of(image_from)}", "image_from")
    taken = image_field(family).name
    if taken in fields:
        raise RowError(f"image_from: must not come together with {taken}", "image_from")


def _check_complete(family: Family, fields: Mapping[str, Any], supplied: str) -> None:
    for field in fields_of(family.request):
        if field.required and field.name not in fields and field.name != supplied:
            raise RowError(f"{field.name}: must be given", field.name)


def given_for_all(family: Family, name: str, how: RowReading) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give what was given in a field for all rows, None where nothing was.

    Raises:
        InvalidRequestError: It cannot be read, or is a file that the field does not take.
    """
    if name in how.fields:
        return how.fields[name]
    return _of_values(family, {name}, how).get(name)


def _of_values(family: Family, names: Collection[str], how: RowReading) -> dict[str, Any]:
    given = {name: text for name, text in how.values.items() if name in names}
    typed = how if how.typed_files is None else attrs.evolve(how, files=how.typed_files)
    return _fields(family, given, typed, typed=False) if given else {}


def _defaults(family: Family, how: RowReading, fields: Mapping[str, Any], *, taken: bool) -> dict[str, Any]:
    """Give the fields that were given for all rows, where this row has none of its own and its family takes them."""
    known = {field.name for field in fields_of(family.request)} - fields.keys()
    known -= {image_field(family).name} if taken else set()
    return _of_values(family, known, how)


def _own_columns(family: Family, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give what stands in columns that are no fields; one that is nearly called like a field is taken for a slip."""
    fields = {squeezed(field.name): field.name for field in fields_of(family.request)}
    columns = {name: value for name, value in given.items() if squeezed(name) not in fields}
    free = {squeezed_name: name for squeezed_name, name in fields.items() if squeezed_name not in map(squeezed, given)}
    for name in columns:
        like = difflib.get_close_matches(squeezed(name), free, 1, _VERY_LIKE)
        if like:
            words = f"did you mean {free[like[0]]}? A column of your own must be called otherwise"
            raise RowError(f"{shown(name)}: {family.name} has no such field; {words}", shown(name))
        if len(name) > LONGEST_ID or not name.isprintable():
            raise RowError(f"{shown(name)}: a column's name must be printable text of at most 100 characters", "")
    return columns


def _known(kind: type[object]) -> Mapping[str, Field]:
    """Give the fields of a kind of request by their squeezed names, made once for all rows of a file."""
    if kind not in _KNOWN:
        if len(_KNOWN) >= _MOST_KINDS:
            _KNOWN.clear()
        _KNOWN[kind] = {squeezed(field.name): field for field in fields_of(kind)}
    return _KNOWN[kind]


def _fields(family: Family, given: Mapping[str, Any], how: RowReading, *, typed: bool) -> dict[str, Any]:
    known = _known(family.request)
    found = {name: known.get(squeezed(name)) for name in given}
    fields: dict[str, Any] = {}
    for name, field in found.items():
        if field is None:
            raise _unknown(family, [name for name, field in found.items() if field is None])
        if field.name in fields:
            raise RowError(f"{field.name}: is given twice in one row", field.name)
        try:
            fields[field.name] = _taken(cells.value_of(given[name], field, typed=typed), field, how)
        except cells.UnclearError as error:
            raise RowError(f"{field.name}: {'' if field.secret else error}", field.name) from None
    return {name: value for name, value in fields.items() if value is not None}


def _taken(value: Any, field: Field, how: RowReading) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give a value in which paths are files and `row:ID` is the output of another row.

    Raises:
        UnclearError: A file cannot be taken, or a row is not named right.
    """
    if not field.media:
        return value

    def take(one: Any, there: Field) -> Any:  # noqa: ANN401 - whatever stands in the place of a URL
        if is_reference(one):
            return reference(one)
        is_file = how.files is not None and isinstance(one, str) and is_path(one)
        return how.files.take(one.strip(), there) if how.files is not None and is_file else one

    return at_media(field, value, take)


def _unknown(family: Family, unknown: Sequence[str]) -> RowError:
    names = {squeezed(field.name): field.name for field in fields_of(family.request)} | _OWN
    like = difflib.get_close_matches(squeezed(unknown[0]), names, 1, _LIKE)
    own = "; remove columns of your own from the file, or keep them with --keep-columns"
    hint = f"; did you mean {names[like[0]]}?" if like else own
    others = f" (nor {', '.join(map(shown, unknown[1:4]))})" if unknown[1:] else ""
    return RowError(f"{shown(unknown[0])}: {family.name} has no such field{others}{hint}", shown(unknown[0]))


def _shown(values: Mapping[str, Any]) -> str:
    row_id = next((value for name, value in values.items() if squeezed(name) == "id"), None)
    return row_id[:LONGEST_ID] if isinstance(row_id, str) and row_id.isprintable() else ""
