"""The work behind each API route: what goes into `data`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from a2e_async.simulator.answers import avatars, coins, extras, speech, streaming, tools
from a2e_async.simulator.answers.desk import Answer, Asked, Desk, cut, paging, table
from a2e_async.simulator.answers.hosting import FileHost
from a2e_async.simulator.answers.routes import Route, Routes
from a2e_async.simulator.answers.rows import first_row, row
from a2e_async.simulator.world.dialects import ALSO_LISTED, ARRAYS, BATCHES, LENIENT_BATCHES, LISTS, Listing
from a2e_async.simulator.world.facts import facts, read_query, wrong_with
from a2e_async.simulator.world.kinds import SimKind
from a2e_async.simulator.world.making import words_of
from a2e_async.simulator.world.messages import RefusedError, Said, SimRequest
from a2e_async.simulator.world.switches import Names
from a2e_async.simulator.world.tasks import SimTask
from a2e_async.simulator.world.world import World

_USUAL = Listing()
_SAFE_BATCH = 100


class SimService:
    """Answers the API routes of one world.

    Args:
        world: The service itself.
        files: Where its files are.
    """

    def __init__(self, world: World, files: FileHost) -> None:
        self.world = world
        self.files = files
        self._desk = Desk(world, files, self.record)
        self._quotable = Routes(world.kinds)
        self._shuffle = random.Random(world.switches.seed).shuffle  # noqa: S311  # an order, not a secret
        self._calls = table(coins.CALLS, avatars.CALLS, speech.CALLS, streaming.CALLS, tools.CALLS)
        self._answers: dict[str, Callable[[Asked], object]] = {
            "start": self._start,
            "detail": self._detail,
            "list": self._list,
            "batch": self._batch,
            "delete": self._delete,
            "quote": self._quote,
        }
        self._extras: Mapping[str, Answer] = extras.ANSWERS

    def routes(self) -> Routes:
        """Give the routes that are served now."""
        switches = self.world.switches
        calls = [Route("quote", "quote", method="POST", path="/api/v1/generation/quote")]
        calls += [call.route for call in self._calls.values()]
        return Routes(
            self.world.kinds,
            switches.casings,
            calls,
            dialects=switches.dialects,
            undocumented=switches.undocumented,
        )

    def answer(self, route: Route, request: SimRequest) -> object:
        """Give the `data` of a reply, or a `Said`.

        Raises:
            RefusedError: The service says no.
        """
        by_query = request.method in ("GET", "DELETE")
        values = read_query(route.endpoint, request.query) if by_query else request.json()
        wrong = wrong_with(route.endpoint, values) if route.action != "start" else None  # a start is the world's
        if wrong:
            raise RefusedError(wrong)
        asked = Asked(attrs.evolve(route, task_id=route.task_id or _named(route, values)), request, values)
        if route.action == "call":
            return self._calls[route.endpoint].answer(self._desk, asked)
        if route.action in self._extras:
            return self._extras[route.action](self._desk, asked)
        return self._answers[route.action](asked)

    def record(self, task: SimTask) -> dict[str, Any]:
        """Give what the detail of a task says now."""
        return self._row(task, self.world.clock.now())

    def _row(self, task: SimTask, now: float, names: Names = "keep", host: str = "") -> dict[str, Any]:
        """Write a task, in the list of another family as that one does."""
        is_done = now >= task.ends and task.failure is None
        urls = [self.files.url_of(task, now, index) for index in range(len(task.files))] if is_done else []
        dialect = self.world.kinds[task.family].dialect
        if host and host != task.family:
            dialect = attrs.evolve(self.world.kinds[host].dialect, name=dialect.name)
        return row(task, dialect, now, urls, names)

    def _start(self, asked: Asked) -> object:
        route, body = asked.route, asked.values
        kind = self.world.kinds[route.family]
        is_old = kind.old_path is not None and (
            route.old_form and "model_type" not in body  # one route may serve both spellings: unknown
            if self.world.switches.casings == "both"
            else "req_key" in body
        )
        if self._is_kept_back(kind, body):
            return Said(None, words="NSFW content detected")
        tasks = self.world.start(route.family, body, old_form=is_old)
        now = self.world.clock.now()
        rows = [self._row(task, now) for task in tasks]
        if kind.dialect.array and not is_old:
            return [first_row(one, kind) for one in rows]
        return rows if len(rows) > 1 and self.world.switches.siblings_in_reply else rows[0]

    def _is_kept_back(self, kind: SimKind, body: Mapping[str, Any]) -> bool:
        """Say whether a start answers with 200 and starts nothing, as families can that know `force_generate`."""
        knows = "force_generate" in facts().get(f"POST {kind.path}", {})
        return knows and body.get("force_generate") is False and "[nsfw]" in words_of(kind, body)

    def _detail(self, asked: Asked) -> object:
        family, task_id = asked.route.family, asked.route.task_id
        if self.world.switches.detail_lag_as == "null" and self.world.is_new(family, task_id):
            return None
        found = self._row(self.world.find(family, task_id), self.world.clock.now())
        return [found] if asked.route.path in ARRAYS else found

    def _list(self, asked: Asked) -> object:
        how = LISTS.get(asked.route.path, _USUAL)
        tasks, count, number = self._listed(asked, how)
        names = self.world.switches.list_names
        now = self.world.clock.now()
        rows = [self._row(task, now, "keep" if names is None else names, asked.route.family) for task in tasks]
        shapes: Mapping[str, object] = {
            "rows": {"rows": rows, "count": count},
            "list": {"list": rows},
            "page": {"current": number, "total": count, "success": True, "data": rows},
            "array": rows,
        }
        return shapes[how.shape]

    def _listed(self, asked: Asked, how: Listing) -> tuple[Sequence[SimTask], int, int]:
        """Give the tasks of a page, how many the whole list has, and the page's number."""
        family = asked.route.family
        number, size = paging(asked.values, how.keys, how.size, required=how.required) if how.keys else (1, 0)
        wanted, guest = asked.values.get("status"), ALSO_LISTED.get(asked.route.path)
        if guest is not None:
            both = [*self.world.listed(family), *self.world.listed(guest)]
            both.sort(key=lambda task: task.serial, reverse=True)
            return cut(both, number, size), len(both), number
        if how.keys and wanted is None and how.only == "all":
            return *self.world.page(family, number, size), number
        now, dialect = self.world.clock.now(), self.world.kinds[family].dialect
        tasks = [
            task
            for task in self.world.listed(family)
            if _is_among(task.status(now), how.only) and wanted in (None, dialect.word(task, now))
        ]
        return cut(tasks, number, size) if how.keys else tasks, len(tasks), number

    def _batch(self, asked: Asked) -> object:
        ids = asked.values.get("ids")
        most = self.world.switches.batch_limit or BATCHES.get(asked.route.family, _SAFE_BATCH)
        if asked.route.family in LENIENT_BATCHES and isinstance(ids, list):
            ids = list(dict.fromkeys(map(str, ids)))[:most]
            if not ids:
                return []
        if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
            raise RefusedError("ids must be a list of task ids")
        if len(ids) > most:
            raise RefusedError(f"ids must be at most {most}")
        now = self.world.clock.now()
        rows = [self._row(task, now) for task in self.world.batch(asked.route.family, ids)]
        self._shuffle(rows)
        return rows

    def _delete(self, asked: Asked) -> object:
        self.world.delete(asked.route.family, asked.route.task_id)
        return {"_id": asked.route.task_id, "deleted": True}

    def _quote(self, asked: Asked) -> object:
        endpoint, body = asked.text("endpoint").removeprefix("POST "), asked.values.get("requestBody") or {}
        route = self._quotable.match("POST", endpoint)
        if route.action != "start" or route.old_form:  # the reference lists the newer spelling alone
            raise RefusedError("Unsupported endpoint")
        coins = self.world.price(self.world.kinds[route.family], body)
        return {"coins": coins, "generationRequestValidated": False}


def _named(route: Route, values: Mapping[str, Any]) -> str:
    return str(values.get(route.id_in) or "") if route.id_in else ""


def _is_among(status: str, only: str) -> bool:
    is_over = status in ("completed", "failed")
    return {"all": True, "unfinished": not is_over, "completed": status == "completed"}[only]
