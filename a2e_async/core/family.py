"""A family is one kind of task, as data: its paths, its request type, and how its replies are read.

Laws of this file: what differs between families is a field here, never an `if` in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs

from a2e_async.core.records import Result
from a2e_async.core.requests import Request, fields_of, value_of
from a2e_async.errors import UsageError

__all__ = [
    "PAGES", "Endpoint", "Family", "Form", "Request", "add_source", "families", "family_of", "price_kind", "register",
]  # fmt: skip

_HOUR = 3600.0

PAGES: Mapping[str, str] = {"pageNum": "{page}", "pageSize": "{size}"}
"""How most lists are paged; others have `current` and `pageSize`, or `page` and `page_size` (service.md 0.6)."""


@attrs.frozen(kw_only=True)
class Endpoint:
    """One thing that can be asked about a family's tasks.

    In the path, the query and the body stand, where they are needed: `{id}` a task's id, `{ids}` a list of ids,
    `{page}` a page's number from 1, `{size}` its length.

    Attributes:
        method: "GET", "POST", "PUT" or "DELETE".
        path: The path, beginning with a slash.
        query: Query parameters.
        body: The JSON body, or None.
        pages: How many pages are turned until all that is asked for is found, where a list has to answer for tasks.
        older: The same thing in another dialect, tried once where the service knows no such route.
        note: Why it is uncertain, where it is: "deprecated: ...", "undocumented: ...".
    """

    method: str = "GET"
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict)
    body: Mapping[str, str] | None = None
    pages: int = 1
    older: Endpoint | None = None
    note: str = ""

    @property
    def is_guess(self) -> bool:
        """Whether nobody has named this path: it is one by analogy."""
        return self.note.startswith("undocumented: by analogy")


@attrs.frozen(kw_only=True)
class Form:
    """One way of writing a start.

    Attributes:
        path: Where the start is posted.
        when: The form is taken when one of these fields is given; empty: taken when no other form is.
        always: Fields that this form always sends, with the value they have when none is given.
        alone: A field that this form alone has. Where a refusal (400) speaks of it, or the path is not known, the start
            is written in the form of the other spelling.
        note: Why it is uncertain, where it is: "deprecated: ...", "undocumented: ...".
    """

    path: str
    when: frozenset[str] = frozenset()
    always: Mapping[str, Any] = attrs.field(factory=dict)
    alone: str = ""
    note: str = ""


def _below(path: str, method: str = "GET", **dialect: Any) -> Any:  # noqa: ANN401 - attrs' way of a default
    """Give the default of an endpoint: this path below the family's own."""
    return attrs.Factory(
        lambda family: Endpoint(method=method, path=f"{family.base}/{path}", **dialect), takes_self=True
    )


@attrs.frozen(kw_only=True)
class Family:
    """One kind of task.

    Attributes:
        name: Its name in Python, on the command line and in files.
        title: One line for people.
        request: The class of its requests.
        base: The path below which its endpoints lie, such as "/api/v1/headSwap".
        forms: How a start is written; the first whose `when` matches is taken. By default one, at `base`/start.
        detail: Asks for one task; by default GET `base`/{id}.
        listing: Asks for a page of the list, newest first, or None; by default GET `base`/allRecords with pageNum and
            pageSize.
        batch: Asks for many tasks, or None; by default POST `base`/batchDetail with `ids`.
        delete: Deletes one task, or None; by default DELETE `base`/{id}.
        batch_limit: Most ids in one batch enquiry (service.md 0.6: none is stated for most families; 100 is safe).
        page_limit: Largest page of the list.
        status_fields: Where a record keeps its status; the first that is there counts.
        result_fields: Where a record keeps its result URLs, a string or a list.
        code_fields: Where a record keeps the code of a failure.
        message_fields: Where a record keeps the words of a failure.
        name_field: The body's field that carries the task's name, and in it our tag; None where starts have no name,
            so that a lost start can be neither found nor sent again.
        name_limit: Most characters of a name.
        names_given_back: Whether lists show names as they were sent, which proof of absence needs.
        guest_fields: Fields that rows of another family have and its own never; a list that has such rows, too, is read
            without them.
        count_field: The request's field that asks for several tasks, or None.
        price_fields: The request's fields that decide the price.
        price: What is known of the price, in one sentence.
        makes: What comes out: "image", "video", "audio", or "record" where the result is no file.
        example: Fields of a request that is right, for people and for tests.
        notes: What else people should know, a sentence each.
        refunds: Whether a failed task is refunded: True, False, or None where the service does not say.
        refund_field: The field of a failed record that says whether its coins came back, "" where there is none.
        refusals: HTTP statuses of 500 and above with which a start is surely refused, as the reference says; of all
            others nobody knows whether the start was taken.
        webhook: Whether starts take `webhook_url` and `webhook_token`.
        spellings: Two spellings of a path segment that different servers know; each is tried once.
        timeout: Seconds since acceptance after which a job gives up waiting by default.
    """

    name: str
    title: str
    request: type[Request[Result]]
    base: str
    forms: tuple[Form, ...] = attrs.Factory(lambda family: (Form(path=f"{family.base}/start"),), takes_self=True)
    detail: Endpoint = attrs.field(default=_below("{id}"))
    listing: Endpoint | None = attrs.field(default=_below("allRecords", query=PAGES))
    batch: Endpoint | None = attrs.field(default=_below("batchDetail", "POST", body={"ids": "{ids}"}))
    delete: Endpoint | None = attrs.field(default=_below("{id}", "DELETE"))
    batch_limit: int = 100
    page_limit: int = 100
    status_fields: tuple[str, ...] = ("current_status",)
    result_fields: tuple[str, ...] = ("result_url",)
    code_fields: tuple[str, ...] = ("failed_code",)
    message_fields: tuple[str, ...] = ("failed_message",)
    name_field: str | None = "name"
    name_limit: int = 100
    names_given_back: bool = True
    guest_fields: frozenset[str] = frozenset()
    count_field: str | None = None
    price_fields: tuple[str, ...] = ()
    price: str = ""
    makes: Literal["image", "video", "audio", "record"] = "video"
    example: Mapping[str, Any] = attrs.field(factory=dict)
    notes: tuple[str, ...] = ()
    refunds: bool | None = None
    refund_field: str = ""
    refusals: frozenset[int] = frozenset()
    webhook: bool = False
    spellings: tuple[str, str] | None = None
    timeout: float = 3 * _HOUR

    def form_of(self, request: Request[Result]) -> Form:
        """Give the form in which this request is written."""
        for form in self.forms:
            if not form.when or any(value_of(request, field) is not None for field in form.when):
                return form
        raise UsageError(f"{self.name}: no form fits this request")

    @property
    def listed_form(self) -> Form:
        """The form that the reference lists, in which prices are asked for: the first."""
        return self.forms[0]

    def other_spelling(self, path: str) -> str | None:
        """Give the path under its other spelling, or None where there is only one."""
        for one, other in (self.spellings, self.spellings[::-1]) if self.spellings else ():
            if f"/{one}/" in path:
                return path.replace(f"/{one}/", f"/{other}/")
        return None

    @property
    def is_findable(self) -> bool:
        """Whether its starts carry a name, by whose tag a lost one can be found."""
        return self.name_field is not None

    @property
    def name_attribute(self) -> str:
        """The request's field that becomes `name_field`, "" where there is none."""
        place = (self.request, self.name_field)
        if place not in _name_attributes:
            names = (field.name for field in fields_of(self.request) if field.key == self.name_field)
            _name_attributes[place] = next(names, "")
        return _name_attributes[place]

    def tasks_asked(self, request: Request[Result]) -> int:
        """Say how many tasks this request asks for."""
        asked = value_of(request, self.count_field) if self.count_field else None
        return asked if isinstance(asked, int) and asked > 1 else 1


_name_attributes: dict[tuple[type[object], str | None], str] = {}


def price_kind(family: Family, request: Request[Result]) -> tuple[Any, ...]:
    """Give what decides a price: starts of one kind cost the same, and share one enquiry.

    Of a list its length decides and never what is in it, or each input image would ask for a price of its own. A field
    that this version does not know, in `extra`, may decide a price, too.
    """
    return (family.name, *(_priced(getattr(request, field, None)) for field in (*family.price_fields, "extra")))


def _priced(value: Any) -> Any:  # noqa: ANN401 - the value of any field
    if isinstance(value, Mapping):
        return tuple((str(key), _priced(one)) for key, one in sorted(value.items(), key=lambda pair: str(pair[0])))
    if isinstance(value, list | tuple):
        return ("items", len(value))  # never equal to a number that stands for itself
    return value if isinstance(value, str | int | float | None) else repr(value)


class _Registry:
    """The families that are known; one name and one request class belong to one family."""

    def __init__(self) -> None:
        self.by_name: dict[str, Family] = {}
        self.by_request: dict[type[Request[Result]], Family] = {}
        self.sources: list[Callable[[str | None], None]] = []

    def add(self, family: Family) -> None:
        if not family.name.isidentifier() or family.name != family.name.lower():
            raise UsageError(f"name: must be a word of a-z, 0-9 and _ as in Python, not {family.name!r:.60}")
        named, requested = self.named(family.name), self.by_request.get(family.request)
        for other, what in ((named, f"the name {family.name}"), (requested, f"the request {family.request.__name__}")):
            if other is not None and not _is_remade(other, family):
                raise UsageError(f"register: {what} belongs to the family {other.name} already ({other.title})")
        self.by_name[family.name] = self.by_request[family.request] = family

    def named(self, name: str) -> Family | None:
        if name not in self.by_name:
            for load in self.sources:
                load(name)
        return self.by_name.get(name)


def _is_remade(one: Family, other: Family) -> bool:
    """Whether one is the other, or the same made once more, as when a notebook's cell runs again."""
    places = [(family.name, family.request.__module__, family.request.__qualname__) for family in (one, other)]
    again = one.request is not other.request and places[0] == places[1] and "<locals>" not in places[0][2]
    return again or one == other


_registry = _Registry()


def register(family: Family) -> Family:
    """Make a family known by its name and by the class of its requests.

    Raises:
        UsageError: Another family has the name or the class, or the name is none that Python and files can write.
    """
    _registry.add(family)
    return family


def add_source(load: Callable[[str | None], None]) -> None:
    """Let families be looked for where they have not been loaded yet.

    Args:
        load: Called with the name of the family that is looked for, or None for all; it registers what it has.
    """
    _registry.sources.append(load)


def families() -> Mapping[str, Family]:
    """Give every known family by name."""
    for load in _registry.sources:
        load(None)
    return MappingProxyType(dict(_registry.by_name))


def family_of(what: str | Family | Request[Result] | type[Request[Result]]) -> Family:
    """Give the family of a name, a request or a request class.

    Raises:
        UsageError: There is no such family.
    """
    known = _registry.by_request.get(type(what))  # type: ignore[arg-type]  # of most calls, the class of a request
    if known is not None:
        return known
    if isinstance(what, Family):
        return what
    named, asked = _registry.named, _registry.by_request
    known = named(what.replace("-", "_")) if isinstance(what, str) else asked.get(_class_of(what))
    if known is None:
        shown = repr(what) if isinstance(what, str) else _class_of(what).__name__
        raise UsageError(f"there is no family {shown}; known are {', '.join(sorted(families()))}")
    return known


def _class_of(what: Request[Result] | type[Request[Result]]) -> type[Request[Result]]:
    return what if isinstance(what, type) else type(what)
