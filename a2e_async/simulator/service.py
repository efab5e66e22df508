"""The work behind each API route: what goes into `data`."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from a2e_async.simulator.chance import digest
from a2e_async.simulator.hosting import FileHost
from a2e_async.simulator.messages import RefusedError, SimRequest
from a2e_async.simulator.routes import Route, Routes
from a2e_async.simulator.rows import iso, row
from a2e_async.simulator.switches import Names
from a2e_async.simulator.tasks import SimTask
from a2e_async.simulator.world import World

_LARGEST_PAGE = 100


class Service:
    """Answers the API routes of one world.

    Args:
        world: The service itself.
        files: Where its files are.
    """

    def __init__(self, world: World, files: FileHost) -> None:
        self.world = world
        self.files = files
        self._quotable = Routes(world.kinds, "both")
        self._shuffle = random.Random(world.switches.seed).shuffle  # noqa: S311  # an order, not a secret
        self._answers: dict[str, Callable[[Route, SimRequest], Any]] = {
            "start": self._start,
            "detail": self._detail,
            "list": self._list,
            "batch": self._batch,
            "delete": self._delete,
            "average": self._average,
            "balance": self._balance,
            "history": self._history,
            "quote": self._quote,
            "presign": lambda _, request: self.files.presign(request.json()),
        }

    def answer(self, route: Route, request: SimRequest) -> object:
        """Give the `data` of a reply.

        Raises:
            RefusedError: The service says no.
        """
        return self._answers[route.action](route, request)

    def record(self, task: SimTask) -> dict[str, Any]:
        """Give what the detail of a task says now."""
        return self._row(task, self.world.clock.now())

    def _row(self, task: SimTask, now: float, names: Names = "keep") -> dict[str, Any]:
        is_done = now >= task.ends and task.failure is None
        return row(task, now, self.files.link(task, now) if is_done else None, names)

    def _start(self, route: Route, request: SimRequest) -> object:
        body = request.json()
        kind = self.world.kinds[route.family]
        is_old = kind.old_path is not None and (
            route.old_form if self.world.switches.casings == "both" else "req_key" in body
        )
        tasks = self.world.start(route.family, body, old_form=is_old)
        now = self.world.clock.now()
        rows = [self._row(task, now) for task in tasks]
        if kind.old_path is not None and not is_old:
            return rows
        return rows if len(rows) > 1 and self.world.switches.siblings_in_reply else rows[0]

    def _detail(self, route: Route, _: SimRequest) -> object:
        if self.world.switches.detail_lag_as == "null" and self.world.is_new(route.family, route.task_id):
            return None
        return self._row(self.world.find(route.family, route.task_id), self.world.clock.now())

    def _list(self, route: Route, request: SimRequest) -> object:
        number, size = _paging(request)
        tasks, count = self.world.page(route.family, number, size)
        names = self.world.switches.list_names
        now = self.world.clock.now()
        return {"rows": [self._row(task, now, "keep" if names is None else names) for task in tasks], "count": count}

    def _batch(self, route: Route, request: SimRequest) -> object:
        ids = request.json().get("ids")
        most = self.world.switches.batch_limit
        if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
            raise RefusedError("ids must be a list of task ids")
        if len(ids) > most:
            raise RefusedError(f"ids must be at most {most}")
        now = self.world.clock.now()
        rows = [self._row(task, now) for task in self.world.batch(route.family, ids)]
        self._shuffle(rows)
        return rows

    def _delete(self, route: Route, _: SimRequest) -> object:
        self.world.delete(route.family, route.task_id)
        return {"_id": route.task_id, "deleted": True}

    def _average(self, route: Route, _: SimRequest) -> object:
        return {"avgProcessingTime": sum(self.world.kinds[route.family].seconds) / 2}

    def _balance(self, _: Route, __: SimRequest) -> object:
        return {"coins": self.world.coins, "diamonds": self.world.switches.diamonds}

    def _history(self, _: Route, request: SimRequest) -> object:
        number, size = _paging(request)
        only = request.query.get("is_consumption")
        until = self.world.clock.now() - self.world.switches.history_lag
        moves = [
            move
            for move in reversed(self.world.book.movements)
            if move.at <= until and (only is None or (move.coins < 0) == (only in ("true", "1")))
        ]
        rows = [
            {
                "_id": digest(move.task_id, move.at, move.coins) + move.task_id[-8:],
                "coins": move.coins,
                "type": move.family,
                "task_id": move.task_id,
                "createdAt": iso(move.at),
            }
            for move in moves[(number - 1) * size : number * size]
        ]
        return {"rows": rows, "count": len(moves)}

    def _quote(self, _: Route, request: SimRequest) -> object:
        asked = request.json()
        endpoint, body = str(asked.get("endpoint") or ""), asked.get("requestBody") or {}
        route = self._quotable.match("POST", endpoint)
        if route.action != "start" or not isinstance(body, dict):
            raise RefusedError("Unsupported endpoint")
        coins = self.world.price(self.world.kinds[route.family], body)
        return {"coins": coins, "generationRequestValidated": False}


def _paging(request: SimRequest) -> tuple[int, int]:
    try:
        number, size = int(request.query.get("pageNum", 1)), int(request.query.get("pageSize", 10))
    except ValueError:
        raise RefusedError("pageNum and pageSize must be numbers") from None
    if number < 1 or not 1 <= size <= _LARGEST_PAGE:
        raise RefusedError(f"pageNum must be from 1, pageSize from 1 to {_LARGEST_PAGE}")
    return number, size
