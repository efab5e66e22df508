"""Scripted faults: what goes wrong, on which route, at which request."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from types import EllipsisType
from typing import Any, Literal, TypeAlias, get_args

import attrs

SimKind: TypeAlias = Literal[
    "reset", "stall", "delay", "status", "html", "cut_json", "null", "empty", "code", "success_false",
    "unknown_status", "missing_id", "poison", "no_route", "redirect", "cut_body", "stall_body", "no_range",
]  # fmt: skip
When: TypeAlias = Literal["before", "after"]

KINDS: tuple[str, ...] = get_args(SimKind)
REWRITES = frozenset({"cut_json", "unknown_status", "missing_id"})
OF_FILES = frozenset({"cut_body", "stall_body", "no_range"})


@attrs.frozen
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: What.
        details: Its particulars, such as `status` or `seconds`.
    """

    kind: str
    details: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.define(kw_only=True, eq=False)
class FaultRule:
    """When a fault strikes.

    Attributes:
        route: The routes it is for, with wildcards.
        fault: What happens.
        hits: How often it may still strike; None: for ever.
        every: It strikes at each n-th request only.
        skip: It leaves the first n requests alone.
        when: Before the service has done its work, or after it.
        seen: How many requests it has watched.
        struck: How often it has struck.
    """

    route: str
    fault: Fault
    hits: int | None
    every: int | None
    skip: int
    when: str
    seen: int = 0
    struck: int = 0

    def watches(self, route: str, when: str, ids: Collection[str]) -> bool:
        """Say whether a request is this rule's business."""
        wanted = self.fault.details.get("id")
        return self.when == when and fnmatchcase(route, self.route) and (wanted is None or wanted in ids)

    def is_due(self) -> bool:
        """Say whether it strikes at the request it has just seen."""
        if self.hits is not None and self.struck >= self.hits:
            return False
        late = self.seen - self.skip
        return late > 0 and (self.every is None or late % self.every == 0)


class Faults:
    """The faults of one simulator, none to begin with.

    Kinds and their details; every kind also takes `delay` (simulated seconds before it shows) and `id` (only
    requests that name this task):

    | kind | what the client sees |
    | --- | --- |
    | reset | the connection is reset |
    | stall | no answer until the client leaves |
    | delay | the right answer, `seconds` late |
    | status | HTTP `status` (500), with `retry_after`, `body` "json" or "html", `message`, `code` |
    | html | a page of HTML with HTTP 200 |
    | null, empty | `{"code": 0, "data": null}`; nothing |
    | code | HTTP 200 with `code` (500) and `message` under `key` ("msg", "message", "error" or "data") |
    | success_false | HTTP 200 with `success: false` |
    | cut_json | the right answer, cut in the middle |
    | unknown_status | the right answer with another word (`status`) for every status |
    | missing_id | the right batch answer without one task (`id`, by default the first) |
    | poison | a batch that names `id` is refused with `status` (400) |
    | no_route | the HTML 404 of a path that does not exist |
    | redirect | HTTP `status` (302) to `location` |
    | cut_body, stall_body | a file (or any reply) ends, or falls silent, after `after` bytes (by default half) |
    | no_range | a file is sent whole although a range was asked for |
    """

    __slots__ = ("_names", "_rules", "taken")

    def __init__(self, names: Callable[[], Collection[str]] | None = None) -> None:
        self._rules: list[FaultRule] = []
        self._names = names
        self.taken: Counter[tuple[str, str]] = Counter()
        """How often each (route, kind) has struck."""

    def __iter__(self) -> Iterator[FaultRule]:
        return iter(self._rules)

    def add(
        self,
        route: str,
        kind: SimKind,
        *,
        hits: int | EllipsisType | None = ...,
        every: int | None = None,
        skip: int = 0,
        when: When = "before",
        **details: object,
    ) -> FaultRule:
        """Add a fault.

        Args:
            route: "image_to_video.start", ".detail", ".list", ".batch", ".delete" and the like of every family, or a
                call such as "balance", "quote", "history", "presign", "upload", "file", "speech.say", "voices.list",
                "streaming.token", "prompts.extend"; with wildcards, such as "*.batch".
            kind: What goes wrong; see the class.
            hits: How often; None: for ever. By default once, or for ever with `every`.
            every: At each n-th request only.
            skip: Leave the first n requests alone.
            when: "after": the work is done (a task is there and billed) and only then is the answer spoilt. Kinds
                that spoil the right answer always come after.
            **details: The particulars of the kind.

        Raises:
            ValueError: There is no such route or kind, or a number makes no sense.
        """
        self._check_route(route)
        if kind not in KINDS:
            raise ValueError(f"there is no fault {kind!r}; known are {', '.join(KINDS)}")
        if when not in get_args(When) or skip < 0 or (every is not None and every < 1):
            raise ValueError("when is 'before' or 'after', skip at least 0, every at least 1")
        if kind == "poison" and "id" not in details:
            raise ValueError("poison needs id=, the task that spoils its batch")
        fault = Fault(kind, details)
        after: When = "after" if kind in REWRITES else when
        often = hits if not isinstance(hits, EllipsisType) else 1 if every is None else None
        self._rules.append(FaultRule(route=route, fault=fault, hits=often, every=every, skip=skip, when=after))
        return self._rules[-1]

    def _check_route(self, route: str) -> None:
        """Refuse a route that no request can have: a fault that never strikes makes a test that proves nothing."""
        names = self._names() if self._names is not None else ()
        if names and not any(fnmatchcase(name, route) for name in names):
            close = difflib.get_close_matches(route, names, n=5, cutoff=0.5)
            known = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(sorted(names))}"
            raise ValueError(f"there is no route {route!r}; {known}")

    def take(self, route: str, when: When, ids: Collection[str] = ()) -> Fault | None:
        """Tell every rule of this request and give the first fault that strikes.

        Args:
            route: The name of the route.
            when: Before or after the work.
            ids: The tasks that the request names.
        """
        struck: FaultRule | None = None
        for rule in self._rules:
            if rule.watches(route, when, ids):
                rule.seen += 1
                if struck is None and rule.is_due():
                    struck = rule
        if struck is None:
            return None
        struck.struck += 1
        self.taken[route, struck.fault.kind] += 1
        return struck.fault

    def clear(self, route: str | None = None) -> None:
        """Forget all faults, or those that were added for exactly this route."""
        self._rules = [rule for rule in self._rules if route is not None and rule.route != route]
