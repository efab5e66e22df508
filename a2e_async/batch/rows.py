"""A row of a batch: what to start, under which id, and what must be there first."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch import inputs
from a2e_async.batch.inputs import Input, OutputOf
from a2e_async.core import names, rules
from a2e_async.core.family import Family, Request, family_of
from a2e_async.core.plans import holds_inputs
from a2e_async.core.records import Result
from a2e_async.core.requests import Field, fields_of
from a2e_async.core.secrets import hide_secrets
from a2e_async.errors import InvalidRequestError, UsageError
from a2e_async.store.entries import Entry
from a2e_async.store.values import OWN_COLUMNS, content_of

LONGEST_FIELD = 100_000
LONGEST_ID = 100
_MOST_NAMES = 4096  # a table has the same ones in each of its rows
_BETWEEN = re.compile(r"[\W_]+")
_DIGITS, _SHOWN_DIGITS = 16, 8  # of the digest that is the id of a row without one
_HASHED = re.compile(r"[0-9a-f]{16}(-\d+)?")
_LONGEST_WORDS = 40
_MANY = "-file"
_LONGEST_SHOWN = 300
_UNREAD = "(its files are not read yet)"
_IMAGES = ("image", "face", "frame")


def _is_mapping(_row: object, _field: object, value: object) -> None:
    if not isinstance(value, Mapping):
        raise UsageError(f"fields: must be a mapping of names to values, not {rules.kind_of(value)}")


@attrs.frozen(init=False)
class Row:
    """One row.

    Attributes:
        id: Its own id, or a hash of what it holds.
        family: The family to start; its name or its request class will do, or a request, whose fields these are then.
        fields: The request's fields by name; none beside a request.
        image_from: The id of the row whose image it takes, or None; `row:ID` in the image's field says the same.
        line: Where it stands in its file, counted from 1.
        hashed: Whether its id is the hash of what it holds.
        columns: Own columns of its file, which say nothing to the service.
        stem: What its files are called, "" for its id.

    Raises:
        UsageError: There is no such family, or the fields are no mapping.
    """

    id: str
    family: Family = attrs.field(converter=family_of)
    fields: Mapping[str, Any] = attrs.field(validator=_is_mapping)
    image_from: str | None = None
    line: int | None = None
    hashed: bool = False
    columns: Mapping[str, Any] = attrs.field(factory=dict)
    stem: str = ""

    def __init__(
        self,
        id: str,  # noqa: A002 - what a row calls it
        family: Family | str | type[Request[Any]] | Request[Any],
        fields: Mapping[str, Any] | None = None,
        *,
        image_from: str | None = None,
        line: int | None = None,
        hashed: bool = False,
        columns: Mapping[str, Any] | None = None,
        stem: str = "",
    ) -> None:
        if isinstance(family, Request):
            if fields is not None:
                raise UsageError(f"row {id}: a request has its fields already, so give no others beside it")
            fields = fields_in(family)
        given: Any = fields  # None beside a family is refused by its rule
        self.__attrs_init__(id, family, given, image_from, line, hashed, columns or {}, stem)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def taken(self) -> dict[str, Any]:
        """The fields, with what `image_from` says in its place."""
        if self.image_from is None:
            return dict(self.fields)
        field, one = image_field(self.family), OutputOf(self.image_from)
        return {**self.fields, field.name: [one] if field.kind is list else one}

    def inputs(self) -> list[tuple[str, Input]]:
        """Give the files and the outputs of other rows that it takes, each with its field."""
        taken = [(name, value) for name, value in self.taken.items() if type(value) not in inputs.PLAIN]
        return [(name, one) for name, value in taken for one in inputs.inputs_in(value)]

    def sources(self) -> list[str]:
        """Give the ids of the rows whose outputs it takes, each once."""
        return list(dict.fromkeys(one.row_id for _name, one in self.inputs() if isinstance(one, OutputOf)))

    def request(self, urls: Mapping[Input, str] | None = None) -> Request[Result]:
        """Make the request.

        Args:
            urls: The URLs of what it takes; what has none yet gets one that stands for it.

        Raises:
            InvalidRequestError: A field breaks its rule.
        """
        if not (takes := self.inputs()):
            return self.family.request(**self.fields)
        fields, known = self.taken, {field.name: field for field in fields_of(self.family.request)}
        stand_ins = {one: inputs.placeholder(one, known[name]) for name, one in takes if name in known}
        found = {**stand_ins, **(urls or {})}
        with inputs.own_names(stand_ins):
            return self.family.request(**{name: inputs.filled(value, found) for name, value in fields.items()})

    def kept(self) -> dict[str, Any]:
        """Give the fields as the ledger keeps them."""
        fields = {name: inputs.kept(value) for name, value in self.fields.items()}
        fields |= {"image_from": self.image_from} if self.image_from is not None else {}
        return fields | ({OWN_COLUMNS: dict(self.columns)} if self.columns else {})


@attrs.frozen(kw_only=True)
class Outcome:
    """What a row came to in this run.

    Attributes:
        row: The row.
        entry: What is known of it now; `entry.state.final` says that nothing is left to be done for it.
        paths: Its files.
        error: What went wrong in this run, or None.
    """

    row: Row
    entry: Entry
    paths: tuple[Path, ...] = ()
    error: Exception | None = None


@attrs.frozen(kw_only=True)
class BadRow:
    """A row that cannot be started; a token that stands in the wrong column is blotted out.

    Attributes:
        line: Where it stands in its file, counted from 1.
        id: Its id, as far as it has one that can be shown.
        field: The field that is wrong, "" for the row as a whole.
        message: What is wrong.
    """

    line: int | None
    id: str = attrs.field(default="", converter=hide_secrets)
    field: str = attrs.field(default="", converter=hide_secrets)
    message: str = attrs.field(converter=hide_secrets)

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line is not None else "a row"
        named = f" ({self.id})" if self.id else ""
        return f"{where}{named}: {self.message}"


class RowError(InvalidRequestError):
    """What is wrong with one row; of a file's rows it becomes a `BadRow`."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message, field=field)


def of_request(request: Request[Result]) -> Row:
    """Make a row of a request."""
    family, fields = family_of(request), fields_in(request)
    own = _UNREAD if holds_inputs(request) else hashed_id(family, fields)  # what it takes is not read here
    return Row(id=own, family=family, fields=fields, hashed=True)


def fields_in(request: Request[Result]) -> dict[str, Any]:
    """Give the fields of a request by name, as a row and its ledger hold them."""
    held = {field.name: (getattr(request, field.name), field.kind) for field in fields_of(type(request))}
    return {
        name: kind(value) if kind in (list, dict) else value
        for name, (value, kind) in held.items()
        if value is not None
    }


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
    family, given = family_of(entry.family), dict(entry.fields)
    image_from, columns = given.pop("image_from", None), given.pop(OWN_COLUMNS, None)
    known = {field.name: field for field in fields_of(family.request)}
    fields = {name: inputs.revived(value, known.get(name)) for name, value in given.items()}
    return Row(id=entry.id, family=family, fields=fields, image_from=image_from, columns=columns)


def as_given(entry: Entry) -> Row:
    """Make a row of what the ledger keeps of it, as it was given last.

    Raises:
        UsageError: There is no such family in this version.
    """
    if entry.edited is None:
        return of_entry(entry)
    family, fields = entry.edited
    return of_entry(attrs.evolve(entry, family=family, fields=fields))


def stem_of(row_id: str, *, words: object = None, many: bool = False) -> str:
    """Give the name of a row's files, which people can read; whose file it is says its task, not its name.

    Where the names of two rows are alike, also but for upper and lower case, the download numbers the second.

    Args:
        row_id: The row's id.
        words: What the row is about, such as its prompt, for the names of rows without an id of their own.
        many: Whether there are several files, which are numbered.
    """
    begin = names.safe_name(words, "")[:_LONGEST_WORDS].strip("-. ") if isinstance(words, str) else ""
    if begin and _HASHED.fullmatch(row_id):
        name = f"{begin}-{row_id[:_SHOWN_DIGITS]}{row_id[_DIGITS:]}"
    else:
        name = names.without_suffix(names.safe_name(row_id, "row", distinct=True))
    return f"{name}{_MANY if many else ''}"


def image_field(family: Family) -> Field:
    """Give the field into which a row of this family takes another row's image."""
    links = [field for field in fields_of(family.request) if field.rule.link]
    named = (field for field in links if any(word in field.name for word in _IMAGES))  # a family of somebody's own
    field = next((field for field in links if field.image), None) or next(named, None)
    if field is not None:
        return field
    raise RowError(f"{family.name} takes no image", "image_from")


def check_id(row_id: object) -> str:
    """Give back an id that a row may have.

    Raises:
        RowError: It is none.
    """
    if not isinstance(row_id, str) or not row_id.strip() or len(row_id) > LONGEST_ID or not row_id.isprintable():
        raise RowError(f"id: must be printable text of 1 to {LONGEST_ID} characters, not {rules.kind_of(row_id)}", "id")
    return row_id


def hashed_id(family: Family, fields: Mapping[str, Any], image_from: object = None) -> str:
    """Give the id of a row that has none: the same content always has the same."""
    kept = {name: inputs.kept(value) for name, value in fields.items()}
    content = json.dumps([family.name, content_of(kept), image_from], sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def squeezed(name: str) -> str:
    """Give a name without what people write differently, as in "Negative Prompt" and negativePrompt."""
    return _squeezed(name) if len(name) <= LONGEST_ID else name


@functools.lru_cache(_MOST_NAMES)
def _squeezed(name: str) -> str:
    return _BETWEEN.sub("", name).lower()


def shown(name: object) -> str:
    """Give text of a file so that it can be shown: short, and without what a terminal takes for a command."""
    text = hide_secrets(str(name))[:LONGEST_ID]
    if text.isprintable() and text:
        return text
    escaped = ascii(text)  # each character may have become ten
    return escaped if len(escaped) <= 2 * LONGEST_ID else f"{text[: LONGEST_ID // 10]!a}…"


def shortened(message: str) -> str:
    """Give a message that may hold a whole row at a length for people."""
    return message if len(message) <= _LONGEST_SHOWN else f"{message[:_LONGEST_SHOWN]} …"
