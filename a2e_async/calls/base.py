"""What every call is made of: a method and a path, arguments with their rules, and how the answer is read.

    class Backgrounds(Group):
        @call("POST", "/api/v1/custom_back/add", one(Background))
        def add(self, img_url: BareUrl) -> None:
            \"\"\"Add an image as a background of your own (POST /api/v1/custom_back/add).\"\"\"

makes `await a2e.calls.backgrounds.add("https://...")` give a `Background`. An argument is checked by the rule in its
type, as the field of a request is; one that is None is not sent. It goes where the path has its name in braces, else
into the query of a GET or DELETE, else into the body. The method's own body only refuses what its arguments may not be
together, and mostly there is nothing to refuse.
"""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import attrs

from a2e_async.calls.writing import given, request_to
from a2e_async.core import replies
from a2e_async.core.family import Endpoint
from a2e_async.core.http import HttpRequest
from a2e_async.core.patterns import late
from a2e_async.core.retry import Verdict, verdict
from a2e_async.core.sse import Message
from a2e_async.errors import A2EError, ProtocolError, StartUnknownError

P = ParamSpec("P")
S = TypeVar("S", bound="Group")
T = TypeVar("T")

_FIRST = late(r"\{\w+\}")

SLOW = 180.0
"""Seconds for a call that does its work before it answers."""


class Asker(Protocol):
    """What carries calls to the service: the engine's session layer, or a fake in a test."""

    async def ask_again(self, request: HttpRequest, *, reads: bool = True) -> Any:  # noqa: ANN401 - any JSON shape
        """Send a request, repeat it while its failure may pass, and give the reply's `data`."""
        ...

    def listen(self, request: HttpRequest) -> AsyncGenerator[Message, None]:
        """Send a request once, and give the server-sent events of its answer as they come."""
        ...


class Line:
    """The way to the service.

    Args:
        asker: Gives what carries calls; it is asked at each call, so that a client that is not open says so then.
        local: Whether the service is a simulator on this machine, which can fetch URLs of this machine.
    """

    __slots__ = ("asker", "local")

    def __init__(self, asker: Callable[[], Asker], *, local: bool) -> None:
        self.asker = asker
        self.local = local


class Group:
    """Calls that belong together."""

    def __init__(self, line: Line) -> None:
        self._line = line


def _never(_error: A2EError) -> bool:
    return False


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plan:
    """A call as data.

    Attributes:
        name: Group and name, for errors.
        endpoint: Method and path, an older dialect, and a note where it is uncertain.
        read: Reads the `data` of the answer; of a list in pages one row.
        reads: Whether the call changes nothing, and so may be repeated after any failure that can pass.
        costs: What a lost answer may mean, such as "it may have been charged"; "" where a call costs nothing.
        refused: Whether a failure surely means that nothing was done, whatever its HTTP status.
        seconds: Time limit for the answer.
        segments: What stands in the path for the values of its first argument, where that is not the value itself.
        refuse: The method that has the arguments, and refuses what they may not be together.
    """

    name: str
    endpoint: Endpoint
    read: Callable[[Any], Any]
    reads: bool
    refuse: Callable[..., None]
    costs: str = ""
    refused: Callable[[A2EError], bool] = _never
    seconds: float = 30.0
    segments: Mapping[str, str] = attrs.field(factory=dict)

    def endpoints(self) -> Iterator[Endpoint]:
        """Give every method and path that the call can take, the older dialect last."""
        for segment in self.segments.values() or ("",):
            endpoint: Endpoint | None = self.endpoint
            while endpoint is not None:
                path = _FIRST().sub(segment, endpoint.path, count=1) if segment else endpoint.path
                yield attrs.evolve(endpoint, path=path)
                endpoint = endpoint.older

    def request(self, arguments: Mapping[str, Any]) -> HttpRequest:
        """Write the request of arguments that are checked."""
        return request_to(self.endpoint, arguments, self.seconds, self.segments)

    async def ask(self, asker: Asker, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what `read` gives
        """Send the call and read the answer."""
        try:
            return self.read(await asker.ask_again(self.request(arguments), reads=self.reads))
        except A2EError as error:
            if not self.costs or self.refused(error) or verdict(error) is not Verdict.UNKNOWN:
                raise
            words = f"{self.name}: no answer came that can be read, and {self.costs}, so it is not sent again: {error}"
            raise StartUnknownError(words) from error


_plans: dict[Any, Plan] = {}


def call(
    method: str,
    path: str,
    read: Callable[[Any], T],
    *,
    reads: bool | None = None,
    older: tuple[str, str] | tuple[str, str, str] | None = None,
    note: str = "",
    **how: Any,  # noqa: ANN401 - further attributes of Plan, checked by it
) -> Callable[[Callable[Concatenate[S, P], None]], Callable[Concatenate[S, P], Coroutine[Any, Any, T]]]:
    """Make a call of a method that has arguments, words and no body but refusals.

    Args:
        method: "GET", "POST", "PUT" or "DELETE".
        path: The path; arguments stand in it in braces, by the names they are sent under.
        read: Reads the `data` of the answer.
        reads: As in `Plan`; by default whether the method is GET.
        older: Method, path and, if it is no older dialect, note of the same call elsewhere, tried once where there is
            no such route.
        note: Why the call is uncertain: "deprecated: ...", "undocumented: ...".
        **how: `costs`, `refused`, `seconds` and `segments`, as in `Plan`.
    """
    endpoint = _endpoint(method, path, older, note)
    repeatable = method == "GET" if reads is None else reads

    def made(refuse: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
        plan = Plan(name=_name(refuse), endpoint=endpoint, read=read, reads=repeatable, refuse=refuse, **how)

        @functools.wraps(refuse)
        async def ask(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            line = self._line
            arguments = given(refuse, self, args, kwargs, local=line.local)
            answer: T = await plan.ask(line.asker(), arguments)
            return answer

        _keep(ask, plan, _given_by(read))
        return ask

    return made


def pages(
    path: str,
    read: Callable[[Mapping[str, Any]], T],
    *,
    page: str = "pageNum",
    size: str = "pageSize",
    largest: int = 100,
    note: str = "",
) -> Callable[[Callable[Concatenate[S, P], None]], Callable[Concatenate[S, P], AsyncIterator[T]]]:
    """Make an async iterator of a list that comes in pages, each asked for when it is needed.

    It ends at a page without rows or without new ones, for not every list tells how long it is. The argument `limit`
    is the number of rows after which it ends, and is not sent.

    Args:
        path: The path of the list, asked by GET.
        read: Reads one row.
        page: The parameter for the page's number, from 1.
        size: The parameter for its length.
        largest: The longest page that the service gives.
        note: Why the call is uncertain.
    """
    endpoint = _endpoint("GET", path, None, note)

    def made(refuse: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], AsyncIterator[T]]:
        plan = Plan(name=_name(refuse), endpoint=endpoint, read=read, reads=True, refuse=refuse)

        @functools.wraps(refuse)
        async def rows(self: S, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
            arguments = given(refuse, self, args, kwargs, local=self._line.local)
            limit = arguments.pop("limit", None)
            arguments[size] = min(largest, limit or largest)
            told = 0
            async for row in _new_rows(self._line, plan, arguments, page):
                yield read(row)
                told += 1
                if told == limit:
                    return

        _keep(rows, plan, AsyncIterator[_given_by(read)])  # type: ignore[misc]  # for help(), not for a checker
        return rows

    return made


async def _new_rows(
    line: Line, plan: Plan, arguments: Mapping[str, Any], page: str
) -> AsyncIterator[Mapping[str, Any]]:
    seen: set[str] = set()
    while True:
        number = arguments.get(page, 0) + 1
        arguments = {**arguments, page: number}
        data = await line.asker().ask_again(plan.request(arguments))
        if number == 1 and not replies.is_list(data):
            raise ProtocolError(f"{plan.name}: the answer should be a list, and is none")
        fresh = {mark: row for row in replies.rows_of(data) if (mark := _mark(row)) not in seen}
        for row in fresh.values():
            yield row
        if not fresh:
            return
        seen |= fresh.keys()


def _mark(row: Mapping[str, Any]) -> str:
    """Give what tells a row from others: its id, or all of it where it has none."""
    return replies.row_id(row) or json.dumps(row, sort_keys=True)


def plan_of(method: Callable[..., Any]) -> Plan | None:
    """Give the plan of a call, None where a method is none."""
    return _plans.get(getattr(method, "__func__", method))


def known_plan(method: Callable[..., Any]) -> Plan:
    """Give the plan of a call."""
    return _plans[method]


def request_of(method: Callable[..., Any], **arguments: Any) -> HttpRequest:  # noqa: ANN401 - those of the call
    """Write the request of a call without sending it.

    Raises:
        InvalidRequestError: An argument breaks its rule.
    """
    plan = known_plan(method)
    return plan.request(given(plan.refuse, None, (), arguments, local=True))


def _endpoint(method: str, path: str, older: tuple[str, str] | tuple[str, str, str] | None, note: str) -> Endpoint:
    back = None
    if older is not None:
        back = Endpoint(method=older[0], path=older[1], note=(*older, "deprecated: an older dialect")[2])
    return Endpoint(method=method, path=path, older=back, note=note)


def _name(refuse: Callable[..., None]) -> str:
    group, _, name = refuse.__qualname__.rpartition(".")
    return f"{group}.{name.lstrip('_')}"


def _keep(made: Callable[..., Any], plan: Plan, gives: object) -> None:
    """Keep the plan of a call, and let its signature say what it gives."""
    plan.refuse.__annotations__["return"] = gives
    made.__annotations__["return"] = gives
    _plans[made] = plan


def _given_by(read: Callable[..., Any]) -> Any:  # noqa: ANN401 - a type, as an annotation has it
    gives = getattr(read, "__annotations__", {}).get("return", read)
    return {"Any": Any, "None": None}.get(gives, gives) if isinstance(gives, str) else gives
