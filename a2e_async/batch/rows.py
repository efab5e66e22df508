"""A row of a batch: what shall be started, under which id, and what must be there first."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import attrs

from a2e_async.batch.entries import Entry, is_text
from a2e_async.core import media, rules
from a2e_async.core.family import Family, Request, family_of
from a2e_async.core.records import Result
from a2e_async.core.requests import Field, fields_of
from a2e_async.errors import A2EError, InvalidRequestError

LONGEST_FIELD = 100_000
_LONGEST_ID = 100
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]*")
_COUNTED = re.compile(r".*-file-\d+")
_MANY = "-file"
_LONGEST_SHOWN = 300
_PICTURES = ("image", "face", "frame")
_PENDING = "https://picture.invalid/of-another-row.png"
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OWN = frozenset({"id", "family", "image_from"})


@attrs.frozen(kw_only=True)
class Row:
    """One row.

    Attributes:
        id: Its own id, or a hash of what it holds.
        family: The family to start.
        fields: The request's fields by name.
        image_from: The id of the row whose picture it takes, or None.
        line: Where it stands in its file, counted from 1.
        hashed: Whether its id is the hash of what it holds.
    """

    id: str
    family: Family
    fields: Mapping[str, Any]
    image_from: str | None = None
    line: int | None = None
    hashed: bool = False

    def request(self, picture: str | None = None) -> Request[Result]:
        """Make the request.

        Args:
            picture: The link of the picture that the row takes from another one.

        Raises:
            InvalidRequestError: A field breaks its rule.
        """
        fields = dict(self.fields)
        if self.image_from is not None:
            field = picture_field(self.family)
            one = _PENDING if picture is None else picture
            fields[field.name] = [one] if field.kind is list else one
        return self.family.request(**fields)

    def kept(self) -> dict[str, Any]:
        """Give the fields as the ledger keeps them."""
        return {**self.fields, **({"image_from": self.image_from} if self.image_from is not None else {})}


@attrs.frozen(kw_only=True)
class BadRow:
    """A row that cannot be started.

    Attributes:
        line: Where it stands in its file, counted from 1.
        id: Its id, as far as it has one that can be shown.
        field: The field that is wrong, "" for the row as a whole.
        message: What is wrong.
    """

    line: int | None
    id: str = ""
    field: str = ""
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line is not None else "a row"
        named = f" ({self.id})" if self.id else ""
        return f"{where}{named}: {self.message}"


class RowError(Exception):
    """What is wrong with one row, on its way to a `BadRow`."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def read_row(values: Mapping[str, Any], *, family: str | None, line: int | None, typed: bool) -> Row | BadRow:
    """Make a row of its values, with every rule checked.

    Args:
        values: Fields by name; `id`, `family` and `image_from` are the row's own.
        family: The family of rows that name none.
        line: Where the row stands in its file.
        typed: Whether values have their types already; otherwise they are text.
    """
    row_id = values.get("id")
    try:
        return _row(values, family, line, typed=typed)
    except InvalidRequestError as error:
        return BadRow(line=line, id=_shown(row_id), field=error.field, message=error.message)
    except RowError as error:
        return BadRow(line=line, id=_shown(row_id), field=error.field, message=str(error))
    except A2EError as error:
        return BadRow(line=line, id=_shown(row_id), field="family", message=shortened(error.message))


def of_request(request: Request[Result]) -> Row:
    """Make a row of a request."""
    family = family_of(request)
    held = {field.name: (getattr(request, field.name), field.kind) for field in fields_of(type(request))}
    fields = {
        name: kind(value) if kind in (list, dict) else value
        for name, (value, kind) in held.items()
        if value is not None
    }
    return Row(id=_hashed(family, fields), family=family, fields=fields, hashed=True)


def numbered(row: Row, seen: dict[str, int]) -> Row | None:
    """Give a row that has no id of its own another number when its content was there before; None: its id was.

    Args:
        row: The row.
        seen: How often each id was there; it is added up here.
    """
    seen[row.id] = seen.get(row.id, 0) + 1
    if seen[row.id] == 1:
        return row
    return numbered(attrs.evolve(row, id=f"{row.id}-{seen[row.id]}", hashed=False), seen) if row.hashed else None


def of_entry(entry: Entry) -> Row:
    """Make a row again of what the ledger keeps of it.

    Raises:
        UsageError: There is no such family in this version.
    """
    fields = dict(entry.fields)
    image_from = fields.pop("image_from", None)
    return Row(id=entry.id, family=family_of(entry.family), fields=fields, image_from=image_from)


def stem_of(row_id: str, *, many: bool = False) -> str:
    """Give the name of a row's files; two ids never share one, also where upper and lower case are the same.

    Args:
        row_id: The row's id.
        many: Whether there are several files, which are numbered; no id's one file has such a name.
    """
    plain = _PLAIN.fullmatch(row_id) and not _COUNTED.fullmatch(row_id) and media.safe_name(row_id) == row_id
    digest = "" if plain else f"-{hashlib.sha256(row_id.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return f"{media.safe_name(row_id, 'row')}{digest}{_MANY if many else ''}"


def picture_field(family: Family) -> Field:
    """Give the field into which a row of this family takes another row's picture."""
    for field in fields_of(family.request):
        if field.rule.link and any(word in field.name for word in _PICTURES):
            return field
    raise RowError(f"{family.name} takes no picture", "image_from")


def _row(values: Mapping[str, Any], family: str | None, line: int | None, *, typed: bool) -> Row:
    for name, value in values.items():
        _check_text(name, value)
    if not typed:
        values = {name: value.strip() if name in _OWN else value for name, value in values.items()}
    kind = _family(values.get("family") or family)
    own = {name: value for name, value in values.items() if name not in _OWN and value not in (None, "")}
    fields = _fields(kind, own, typed=typed)
    image_from = values.get("image_from") or None
    if image_from is not None:
        _check_image_from(kind, fields, image_from)
    _check_complete(kind, fields, picture_field(kind).name if image_from is not None else "")
    hashed = values.get("id") in (None, "")
    row_id = _hashed(kind, fields, image_from) if hashed else check_id(values.get("id"))
    row = Row(id=row_id, family=kind, fields=fields, image_from=image_from, line=line, hashed=hashed)
    row.request()
    return row


def _family(named: object) -> Family:
    if named is None:
        raise RowError("family: must be given, in the row or with --family", "family")
    if not isinstance(named, str):
        raise RowError(f"family: must be the name of a family, not {rules.kind_of(named)}", "family")
    return family_of(named)


def _check_text(field: str, value: object) -> None:
    if isinstance(value, (list, tuple)):
        for one in value:
            _check_text(field, one)
    if not isinstance(value, str):
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


def check_id(row_id: object) -> str:
    """Give back an id that a row may have.

    Raises:
        RowError: It is none.
    """
    if not isinstance(row_id, str) or not row_id.strip() or len(row_id) > _LONGEST_ID or not row_id.isprintable():
        raise RowError(
            f"id: must be printable text of 1 to {_LONGEST_ID} characters, not {rules.kind_of(row_id)}", "id"
        )
    return row_id


def _check_image_from(family: Family, fields: Mapping[str, Any], image_from: object) -> None:
    if not isinstance(image_from, str):
        raise RowError(f"image_from: must be the id of another row, not {rules.kind_of(image_from)}", "image_from")
    taken = picture_field(family).name
    if taken in fields:
        raise RowError(f"image_from: must not come together with {taken}", "image_from")


def _check_complete(family: Family, fields: Mapping[str, Any], supplied: str) -> None:
    for field in fields_of(family.request):
        if field.required and field.name not in fields and field.name != supplied:
            raise RowError(f"{field.name}: must be given", field.name)


def _fields(family: Family, given: Mapping[str, Any], *, typed: bool) -> dict[str, Any]:
    known = {field.name: field for field in fields_of(family.request)}
    unknown = [shown(name) for name in given if name not in known]
    if unknown:
        raise RowError(f"{unknown[0]}: {family.name} has no such field", unknown[0])
    return {name: value if typed else _typed(value, known[name]) for name, value in given.items()}


def _typed(text: Any, field: Field) -> Any:  # noqa: ANN401 - whatever the field holds
    """Read the text of a CSV cell as the type of its field."""
    if not isinstance(text, str) or field.kind is str:
        return text
    stripped = text.strip()
    if field.kind is bool:
        return _TRUTH.get(stripped.lower(), text)
    if field.kind in (int, float):
        try:
            return field.kind(stripped)
        except ValueError:
            return text
    return _list(field.name, stripped) if field.kind is list else _object(field.name, stripped)


def _list(name: str, text: str) -> list[Any]:
    if not text.startswith("["):
        return text.split()
    try:
        return list(json.loads(text))
    except (ValueError, RecursionError):
        raise RowError(f"{name}: must be a JSON array, or values with spaces between them", name) from None


def _object(name: str, text: str) -> Any:  # noqa: ANN401 - JSON is anything
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RowError(f"{name}: must be a JSON object", name) from None


def _hashed(family: Family, fields: Mapping[str, Any], image_from: object = None) -> str:
    """Give the id of a row that has none: the same content always has the same."""
    content = json.dumps([family.name, fields, image_from], sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _shown(row_id: object) -> str:
    return row_id[:_LONGEST_ID] if isinstance(row_id, str) and row_id.isprintable() else ""


def shown(name: object) -> str:
    """Give text of a file so that it can be shown: short, and without what a terminal takes for a command."""
    text = str(name)[:_LONGEST_ID]
    return text if text.isprintable() and text else ascii(text)


def shortened(message: str) -> str:
    """Give a message that may hold a whole row at a length for people."""
    return message if len(message) <= _LONGEST_SHOWN else f"{message[:_LONGEST_SHOWN]} …"
