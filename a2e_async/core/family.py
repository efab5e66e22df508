"""A family is one kind of task, as data: its paths, its request type, and how its replies are read.

Laws of this file: what differs between families is a field here, never an `if` in the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import attrs

from a2e_async.core.records import Result
from a2e_async.errors import UsageError

R_co = TypeVar("R_co", bound=Result, covariant=True)

_HOUR = 3600.0


class Request(Generic[R_co]):
    """Base of all requests: a frozen value that describes one task to start.

    A request class is an `attrs.frozen` class whose fields carry the service's own names. A field whose value is
    None is not sent.
    """

    __slots__ = ()


@attrs.frozen(kw_only=True)
class Form:
    """One way of writing a start.

    Attributes:
        path: Where the start is posted.
        when: The form is taken when one of these fields is given; empty: taken when no other form is.
        always: Fields that this form always sends, with the value they have when none is given.
    """

    path: str
    when: frozenset[str] = frozenset()
    always: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Family:
    """One kind of task.

    Attributes:
        name: Its name in Python, on the command line and in files.
        title: One line for people.
        request: The class of its requests.
        forms: How a start is written; the first whose `when` matches is taken.
        detail: Path of one task, with `{id}`.
        listing: Path of the list, newest first, with `pageNum` and `pageSize`.
        batch: Path that answers for many ids, or None.
        delete: Path that deletes one task, with `{id}`.
        batch_limit: Most ids in one batch enquiry (wire.md 0.6: none is stated for most families; 100 is safe).
        page_limit: Largest `pageSize` of the list.
        status_fields: Where a record keeps its status; the first that is there counts.
        result_fields: Where a record keeps its result links, a string or a list.
        code_fields: Where a record keeps the code of a failure.
        message_fields: Where a record keeps the words of a failure.
        name_field: The field that carries the task's name, and in it our tag.
        name_limit: Most characters of a name.
        names_given_back: Whether lists show names as they were sent, which proof of absence needs.
        count_field: The request's field that asks for several tasks, or None.
        price_fields: The request's fields that decide the price.
        refunds: Whether a failed task is refunded: True, False, or None where the service does not say.
        webhook: Whether starts take `webhook_url` and `webhook_token`.
        spellings: Two spellings of a path segment that different servers know; each is tried once.
        timeout: Seconds since acceptance after which a job gives up waiting by default.
    """

    name: str
    title: str
    request: type[Request[Result]]
    forms: tuple[Form, ...]
    detail: str
    listing: str
    batch: str | None
    delete: str
    batch_limit: int = 100
    page_limit: int = 100
    status_fields: tuple[str, ...] = ("current_status",)
    result_fields: tuple[str, ...] = ("result_url",)
    code_fields: tuple[str, ...] = ("failed_code",)
    message_fields: tuple[str, ...] = ("failed_message",)
    name_field: str = "name"
    name_limit: int = 100
    names_given_back: bool = True
    count_field: str | None = None
    price_fields: tuple[str, ...] = ()
    refunds: bool | None = None
    webhook: bool = False
    spellings: tuple[str, str] | None = None
    timeout: float = 3 * _HOUR

    def form_of(self, request: Request[Result]) -> Form:
        """Give the form in which this request is written."""
        for form in self.forms:
            if not form.when or any(getattr(request, field) is not None for field in form.when):
                return form
        raise UsageError(f"{self.name}: no form fits this request")

    def other_spelling(self, path: str) -> str | None:
        """Give the path under its other spelling, or None where there is only one."""
        for one, other in (self.spellings, self.spellings[::-1]) if self.spellings else ():
            if f"/{one}/" in path:
                return path.replace(f"/{one}/", f"/{other}/")
        return None

    def tasks_asked(self, request: Request[Result]) -> int:
        """Say how many tasks this request asks for."""
        return int(getattr(request, self.count_field) or 1) if self.count_field else 1


_by_name: dict[str, Family] = {}
_by_request: dict[type[Request[Result]], Family] = {}


def register(family: Family) -> Family:
    """Make a family known by its name and by the class of its requests."""
    _by_name[family.name] = family
    _by_request[family.request] = family
    return family


def families() -> Mapping[str, Family]:
    """Give every known family by name."""
    return _by_name


def family_of(what: str | Family | Request[Result] | type[Request[Result]]) -> Family:
    """Give the family of a name, a request or a request class.

    Raises:
        UsageError: There is no such family.
    """
    if isinstance(what, Family):
        return what
    known = _by_name.get(what.replace("-", "_")) if isinstance(what, str) else _by_request.get(_class_of(what))
    if known is None:
        shown = repr(what) if isinstance(what, str) else _class_of(what).__name__
        raise UsageError(f"there is no family {shown}; known are {', '.join(sorted(_by_name))}")
    return known


def _class_of(what: Request[Result] | type[Request[Result]]) -> type[Request[Result]]:
    return what if isinstance(what, type) else type(what)
