"""What the calls of the service have at hand, and how one is written down as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from a2e_async.simulator.answers.hosting import FileHost
from a2e_async.simulator.answers.routes import Route
from a2e_async.simulator.world.messages import RefusedError, SimRequest
from a2e_async.simulator.world.world import World

LARGEST_PAGE = 100


@attrs.frozen
class Asked:
    """One request that has found its route.

    Attributes:
        route: The route.
        request: The request.
        values: Its body, or its query with the documented types.
    """

    route: Route
    request: SimRequest
    values: Mapping[str, Any]

    def text(self, field: str) -> str:
        """Give a field as text, "" where it is not given."""
        return str(self.values.get(field) or "")

    @property
    def given_id(self) -> str:
        """The id that the path or the field `_id` names."""
        return self.route.task_id or self.text("_id")

    def without_id(self) -> dict[str, Any]:
        """Give the fields but for the id."""
        return {field: value for field, value in self.values.items() if field != "_id"}


@attrs.frozen
class Desk:
    """What an answer is made from.

    Attributes:
        world: The service itself.
        files: Where its files are.
        record: Writes a task's record of now.
    """

    world: World
    files: FileHost
    record: Callable[[Any], dict[str, Any]]

    @property
    def now(self) -> float:
        """The time."""
        return self.world.clock.now()


Answer: TypeAlias = Callable[[Desk, Asked], object]


@attrs.frozen
class Call:
    """One call that the service answers.

    Attributes:
        name: What counters and faults call it, such as "voices.list".
        endpoint: Method and path, such as "GET /api/v1/anchor/voice_list", with `{id}` in the place of an id.
        answer: Gives the `data` of the reply, or a `Said`.
        is_open: It needs no token.
    """

    name: str
    endpoint: str
    answer: Answer
    is_open: bool = False

    @property
    def route(self) -> Route:
        """The route to it."""
        method, path = self.endpoint.split()
        return Route(self.name, "call", method=method, path=path, is_open=self.is_open)


def paging(
    values: Mapping[str, Any], keys: Sequence[str], size: int = 10, *, required: bool = False
) -> tuple[int, int]:
    """Read number and length of the page that is asked for.

    Args:
        values: The parameters.
        keys: What they are called here.
        size: The length by default.
        required: Both must be given.

    Raises:
        RefusedError: They are missing, no numbers, or out of range.
    """
    for key in keys if required else ():
        if values.get(key) is None:
            raise RefusedError(f"{key} is required")
    try:
        number, length = int(values.get(keys[0], 1)), int(values.get(keys[1], size))
    except (TypeError, ValueError):
        raise RefusedError(f"{keys[0]} and {keys[1]} must be numbers") from None
    if number < 1 or length < 1:
        raise RefusedError(f"{keys[0]} and {keys[1]} must be from 1")
    return number, min(length, LARGEST_PAGE)  # a limit is stated for some lists only, and there refused by the facts


def cut(rows: Sequence[Any], number: int, size: int) -> list[Any]:
    """Give one page of these rows."""
    return list(rows[(number - 1) * size : number * size])


def table(*calls: Iterable[Call]) -> dict[str, Call]:
    """Give calls by their endpoint."""
    return {call.endpoint: call for group in calls for call in group}
