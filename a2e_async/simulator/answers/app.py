"""The simulated service as a function from request to reply.

It is the way in for both the server and tests that put it behind a transport of their own.
"""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

import attrs

from a2e_async.simulator.answers import envelopes
from a2e_async.simulator.answers.counts import RequestLog
from a2e_async.simulator.answers.hosting import FileHost, refusal
from a2e_async.simulator.answers.ranges import file_reply
from a2e_async.simulator.answers.routes import UNKNOWN, Route, Routes
from a2e_async.simulator.answers.service import SimService
from a2e_async.simulator.answers.spoil import broken_off, spoilt
from a2e_async.simulator.chance import number
from a2e_async.simulator.media.specs import Blob
from a2e_async.simulator.world.faults import Fault, Faults
from a2e_async.simulator.world.messages import (
    RefusedError,
    Said,
    SimReply,
    SimRequest,
    html_reply,
    http_date,
    json_reply,
    stream_reply,
)
from a2e_async.simulator.world.tasks import SimTask
from a2e_async.simulator.world.world import World

Call: TypeAlias = Callable[[SimRequest], Any]

_ON_FILES = frozenset({"file", "upload"})


class App:
    """Answers requests; synchronous, pure but for the world's clock, and without media work.

    A reply whose `media` is set is not complete: render that file (`media.Studio`) and pass it to `finish`.

    Args:
        world: The service itself.
        faults: What goes wrong.
        origin: Scheme, host and port of the URLs in replies.
        timer: The caller's clock, by which `log` measures how densely requests come; by default the world's.

    Attributes:
        calls: More endpoints by (method, path): functions from request to the `data` of the reply.
        log: How often each route was asked, and when.
        files: The host of result files.
    """

    def __init__(
        self,
        world: World | None = None,
        faults: Faults | None = None,
        *,
        origin: str = "http://simulator.invalid",
        timer: Callable[[], float] | None = None,
    ) -> None:
        self.world = World() if world is None else world
        self.faults = Faults(self._names) if faults is None else faults
        self.files = FileHost(self.world, origin)
        self.calls: dict[tuple[str, str], Call] = {}
        self.log = RequestLog()
        self._timer = timer or self.world.clock.now
        self._service = SimService(self.world, self.files)
        self._routes: dict[tuple[str, str, bool], Routes] = {}
        self._recent: deque[float] = deque()
        self._traces = 0
        self._date = (0, "")

    @property
    def origin(self) -> str:
        """Scheme, host and port of the URLs in replies."""
        return self.files.origin

    @origin.setter
    def origin(self, origin: str) -> None:
        self.files.origin = origin

    @property
    def counters(self) -> Counter[str]:
        """How often each route was asked."""
        return self.log.counters

    def handle(self, request: SimRequest) -> SimReply:
        """Answer a request."""
        route = self._route(request)
        self.log.add(route.name, self._timer())
        ids = self._ids(route, request)
        before = self.faults.take(route.name, "before", ids)
        if before is not None and _replaces(before):
            return self._dated(spoilt(SimReply(), before, request.method, request.path))
        reply = self._on_files(route, request) if route.name in _ON_FILES else self._on_api(route, request)
        for fault in (before, self.faults.take(route.name, "after", ids)):
            if fault is not None:
                reply = spoilt(reply, fault, request.method, request.path)
        return self._dated(reply)

    def notice(self, task: SimTask) -> dict[str, Any]:
        """Give the payload of a task's webhook; a guess, as the service documents none."""
        event = "task.completed" if task.failure is None else "task.failed"
        return {"event": event, "data": self._service.record(task)}

    def finish(self, request: SimRequest, reply: SimReply, blob: Blob) -> SimReply:
        """Complete the reply to a request for a file, now that the file is there.

        Args:
            request: The request.
            reply: What `handle` made of it.
            blob: Its `media`, rendered.
        """
        kind = reply.spoilt.kind if reply.spoilt else ""
        is_head = request.method == "HEAD"
        full = file_reply(blob, request.headers, reply.made, head=is_head, ranges=kind != "no_range")
        full = attrs.evolve(full, delay=reply.delay)
        return self._dated(broken_off(full, reply.spoilt) if reply.spoilt else full)

    def _names(self) -> Collection[str]:
        """Give what faults can be for, whatever is served at this moment."""
        added = [path.rpartition("/")[2] for _, path in self.calls]
        return {*(route.name for route in self._service.routes()), *_ON_FILES, UNKNOWN.name, *added}

    def _route(self, request: SimRequest) -> Route:
        if (request.method, request.path) in self.calls:
            return Route(request.path.rpartition("/")[2], "call")
        switches = self.world.switches
        served = (switches.casings, switches.dialects, switches.undocumented)
        if served not in self._routes:
            self._routes[served] = self._service.routes()
        return self._routes[served].match(request.method, request.path)

    def _ids(self, route: Route, request: SimRequest) -> Collection[str]:
        if route.task_id:
            return (route.task_id,)
        key = route.id_in or ("ids" if route.action == "batch" else "")
        if not key:
            return ()
        try:
            ids = request.query.get(key) or request.json().get(key)
        except RefusedError:
            return ()
        if isinstance(ids, str):
            return (ids,)
        return frozenset(one for one in ids if isinstance(one, str)) if isinstance(ids, list) else ()

    def _on_api(self, route: Route, request: SimRequest) -> SimReply:
        switches = self.world.switches
        if route is UNKNOWN:
            return html_reply(f"Cannot {request.method} {request.path}", 404)
        try:
            self._admit(request, is_open=route.is_open)
            is_added = (request.method, request.path) in self.calls
            answer = (
                self.calls[request.method, request.path](request) if is_added else self._service.answer(route, request)
            )
            reply = self._said(route, answer)
        except RefusedError as no:
            reply = self._refused(route, no)
        return attrs.evolve(reply, delay=switches.latency) if switches.latency else reply

    def _said(self, route: Route, answer: object) -> SimReply:
        said = answer if isinstance(answer, Said) else Said(answer)
        if said.pieces:
            return stream_reply(said.pieces)
        told = envelopes.yes(route, said, self.world.switches, self.world.clock.now())
        return json_reply({**told, **self._trace()}, said.status)

    def _refused(self, route: Route, no: RefusedError) -> SimReply:
        kind = self.world.kinds.get(route.family)
        denies = kind is not None and kind.dialect.denies
        told = envelopes.no(route, no, self.world.switches, self.world.clock.now(), denies=denies)
        reply = json_reply({**told, **self._trace()}, no.status)
        if no.status == 429:  # noqa: PLR2004
            reply.headers["Retry-After"] = "1"
        return reply

    def _on_files(self, route: Route, request: SimRequest) -> SimReply:
        try:
            if route.name == "upload":
                return self.files.put(request)
            found = self.files.find(request)
        except RefusedError as no:
            return refusal(no)
        return SimReply(media=found.media, made=found.made)

    def _admit(self, request: SimRequest, *, is_open: bool = False) -> None:
        switches = self.world.switches
        if switches.rate is not None and self._is_too_dense(switches.rate):
            raise RefusedError("Too many requests", status=429)
        if switches.plan == "free":
            raise RefusedError("API access is not part of your plan", status=403)
        if not is_open and request.headers.get("authorization") != f"Bearer {switches.token}":
            raise RefusedError("Invalid token", status=int(switches.unauthorised), code=401)

    def _is_too_dense(self, rate: float) -> bool:
        now = self._timer()
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        if len(self._recent) >= rate:
            return True
        self._recent.append(now)
        return False

    def _trace(self) -> dict[str, str]:
        if not self.world.switches.trace_ids:
            return {}
        self._traces += 1
        low = number(self.world.switches.seed, "trace", self._traces)
        return {"trace_id": str(uuid.UUID(int=low << 64 | low, version=4))}

    def _dated(self, reply: SimReply) -> SimReply:
        now = int(self.world.clock.now())
        if self._date[0] != now:
            self._date = (now, http_date(now))
        reply.headers.setdefault("Date", self._date[1])
        return reply


def _replaces(fault: Fault) -> bool:
    """Say whether a fault that strikes before the work leaves no work to do."""
    return fault.kind not in ("delay", "cut_body", "stall_body", "no_range")
