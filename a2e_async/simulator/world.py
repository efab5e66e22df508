"""The simulated service itself: an account, its tasks, and what they cost.

Pure and driven by a clock: nothing here runs by itself. What a task's status is, what has been refunded and what a
list shows is worked out from the time at which somebody asks.
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from typing import Any

import attrs

from a2e_async.simulator.book import Bill, Book
from a2e_async.simulator.chance import between, digest, number
from a2e_async.simulator.clock import Clock, ScaledClock
from a2e_async.simulator.kinds import Kind, known_kinds, seconds_of, size_of
from a2e_async.simulator.messages import RefusedError
from a2e_async.simulator.specs import Film, Media, Picture, Still
from a2e_async.simulator.switches import Body, Switches, shaped
from a2e_async.simulator.tasks import SimTask

_FAIL = re.compile(r"\[fail(?::([\w-]+))?\]")
_SECRET = frozenset({"webhook_url", "webhook_token"})
_NO_PRICE = 1010
_MODERATED = {"[blocked]": 1003, "[minor]": 1004}


class World:
    """One account of the simulated service.

    Args:
        clock: The time it lives in; by default the real time.
        switches: How it differs from the usual service; `change` alters them later.
    """

    def __init__(self, clock: Clock | None = None, switches: Switches | None = None) -> None:
        self.clock: Clock = ScaledClock() if clock is None else clock
        self.switches = Switches() if switches is None else switches
        self.kinds: dict[str, Kind] = known_kinds()
        self.book = Book(self.settle)
        self.find_still: Callable[[str], Still | None] = Picture
        """Gives the still behind a link, or None where there is none; the file host takes this over."""
        self.tell: Callable[[SimTask], None] = _nobody
        """Called with each new task that has a webhook, and when its end is moved; the postman takes this over."""
        self._coins = self.switches.coins
        self._tasks: dict[str, SimTask] = {}
        self._order: dict[str, list[SimTask]] = {name: [] for name in self.kinds}
        self._failing: list[tuple[float, int, SimTask]] = []
        self._serial = 0

    def change(self, **switches: Any) -> None:  # noqa: ANN401  # the types are those of Switches
        """Alter some switches from now on; coins already there stay as they are."""
        self.switches = attrs.evolve(self.switches, **switches)

    @property
    def coins(self) -> int:
        """What the account has now."""
        self.settle()
        return self._coins

    @coins.setter
    def coins(self, coins: int) -> None:
        self.settle()
        self._coins = coins

    def settle(self) -> None:
        """Pay back what is due for tasks that have failed by now."""
        now = self.clock.now()
        while self._failing and self._failing[0][0] <= now:
            ends, _, task = heapq.heappop(self._failing)
            if task.failure and task.refundable and not task.deleted and task.ends == ends:
                self._coins += self.book.refund(task.id, ends)

    @property
    def tasks(self) -> Collection[SimTask]:
        """Every task there ever was, oldest first."""
        return self._tasks.values()

    def price(self, kind: Kind, body: Body) -> int:
        """Say what all tasks of a body cost."""
        return self._price_of_one(kind, body) * kind.count(body)

    def start(self, name: str, body: Body, *, old_form: bool = False) -> list[SimTask]:
        """Start the tasks that a body asks for and charge for them.

        Args:
            name: The family.
            body: The request.
            old_form: It is written in the family's old form.

        Raises:
            RefusedError: The body breaks a rule, or the coins do not suffice.
        """
        kind = self.kinds[name]
        self._check(kind, body, old_form=old_form)
        count = 1 if old_form else kind.count(body)
        cost = self._price_of_one(kind, body) * count
        self.settle()
        if cost > self._coins:
            raise self._too_poor()
        self._coins -= cost
        instant = old_form and self.switches.instant_old_form
        shown = _shown(body, kind)
        tasks = [self._new_task(kind, body, shown, index, instant=instant) for index in range(count)]
        bills = tuple(
            Bill(task_id=task.id, family=name, name=_text(body, kind), coins=task.coins, at=task.created)
            for task in tasks
        )
        self.book.charge(bills)
        return tasks

    def find(self, name: str, task_id: str) -> SimTask:
        """Give a task that is there for its detail.

        Raises:
            RefusedError: There is none, none any more, or none yet.
        """
        task = self._tasks.get(task_id)
        if task is None or task.deleted or task.kind.family.name != name or self._is_hidden(task):
            raise RefusedError("Record not found", status=404)
        return task

    def is_new(self, name: str, task_id: str) -> bool:
        """Say whether a task is there, but too new for its detail."""
        task = self._tasks.get(task_id)
        return task is not None and task.kind.family.name == name and not task.deleted and self._is_hidden(task)

    def task(self, task_id: str) -> SimTask:
        """Give any task, whatever has become of it; for tests."""
        return self._tasks[task_id]

    def status(self, task: SimTask | str) -> str:
        """Say how far a task is now."""
        return (self._tasks[task] if isinstance(task, str) else task).status(self.clock.now())

    def batch(self, name: str, task_ids: Iterable[str]) -> list[SimTask]:
        """Give those of the tasks that are there."""
        found = (self._tasks.get(task_id) for task_id in dict.fromkeys(task_ids))
        return [
            task
            for task in found
            if task is not None and not task.deleted and task.kind.family.name == name and not self._is_hidden(task)
        ]

    def page(self, name: str, number: int, size: int) -> tuple[list[SimTask], int]:
        """Give one page of a family's list, newest first, and how many tasks the list has."""
        tasks = self._order[name]
        now = self.clock.now()
        low = bisect_right(tasks, now - self.switches.file_ttl, key=_created)
        high = bisect_right(tasks, now - self.switches.list_lag, key=_created)
        stop = max(low, high - (number - 1) * size)
        return tasks[max(low, stop - size) : stop][::-1], max(0, high - low)

    def delete(self, name: str, task_id: str) -> None:
        """Delete a task: refunded while it is initialized, refused while it runs, not refunded after.

        Raises:
            RefusedError: There is no such task, or it is running.
        """
        task = self.find(name, task_id)
        self.settle()
        now = self.clock.now()
        status = task.status(now)
        if status in ("sent", "pending", "processing"):
            raise RefusedError(f"The task cannot be deleted while it is {status}")
        if status == "initialized":
            self._coins += self.book.refund(task.id, now)
        task.deleted = True
        order = self._order[name]
        del order[bisect_left(order, task.serial, key=_serial)]

    def finish(self, task_id: str, *, failed: bool = False, code: str = "generation_error") -> None:
        """End a task now, whatever its run time was; for tests."""
        task = self._tasks[task_id]
        task.ends = min(task.ends, self.clock.now())
        task.failure = (code, _words(code)) if failed else None
        task.refundable = self.switches.refunds_failures
        if failed:
            heapq.heappush(self._failing, (task.ends, task.serial, task))
        if task.secrets.get("webhook_url"):
            self.tell(task)

    def _check(self, kind: Kind, body: Body, *, old_form: bool) -> None:
        check = kind.check_old if old_form and kind.check_old else kind.check
        wrong = check(body)
        if wrong:
            raise RefusedError(wrong)
        prompt = str(body.get("prompt") or "")
        for mark, code in _MODERATED.items():
            if mark in prompt and not (code == _MODERATED["[minor]"] and body.get("minor_suspected_skip")):
                raise RefusedError("The content was refused by moderation", status=403, code=code)

    def _too_poor(self) -> RefusedError:
        status = int(self.switches.poor)
        return RefusedError("Insufficient coins", status=status, code=_NO_PRICE if status == 200 else status)  # noqa: PLR2004

    def _price_of_one(self, kind: Kind, body: Body) -> int:
        return self.switches.prices.get(kind.family.name, kind.price) * kind.units(body)

    def _is_hidden(self, task: SimTask) -> bool:
        return self.clock.now() < task.created + self.switches.detail_lag

    def _new_task(self, kind: Kind, body: Body, shown: Body, index: int, *, instant: bool) -> SimTask:
        now = self.clock.now()
        self._serial += 1
        serial = self._serial
        pace = 0.0 if instant else self._run_time(kind, body, serial)
        media = self._media(kind, body, index)
        failure = self._failure(kind, body, serial) if media else ("invalid_image", _words("invalid_image"))
        stuck = "[stuck]" in str(body.get("prompt")) and not instant
        task = SimTask(
            serial=serial,
            id=f"{int(now) & 0xFFFFFFFF:08x}{number(self.switches.seed) & 0xFFFFFFFF:08x}{serial:08x}",
            kind=kind,
            name=shaped(_text(body, kind), self.switches.names),
            fields=shown,
            secrets={field: body[field] for field in _SECRET & body.keys()},
            coins=self._price_of_one(kind, body),
            created=now,
            pace=pace,
            ends=now + (self.switches.stuck_seconds if stuck else pace),
            media=media or Picture("nothing"),
            skips_initialized=self.switches.first_status == "sent",
            failure=("timeout", _words("timeout")) if stuck else failure,
            refundable=stuck or self.switches.refunds_failures,
        )
        self._tasks[task.id] = task
        self._order[kind.family.name].append(task)
        if task.failure:
            heapq.heappush(self._failing, (task.ends, serial, task))
        if task.secrets.get("webhook_url"):
            self.tell(task)
        return task

    def _run_time(self, kind: Kind, body: Body, serial: int) -> float:
        how = kind.seconds if self.switches.task_seconds is None else self.switches.task_seconds
        if isinstance(how, tuple):
            return between(*how, self.switches.seed, "run time", serial)
        return float(how(kind.family.name, body) if callable(how) else how)

    def _failure(self, kind: Kind, body: Body, serial: int) -> tuple[str, str] | None:
        marked = _FAIL.search(str(body.get("prompt") or ""))
        every, fails = self.switches.fail_every, self.switches.fails
        if marked or (every and serial % every == 0) or (fails and fails(kind.family.name, body)):
            code = (marked[1] if marked else None) or "generation_error"
            return code, _words(code)
        return None

    def _media(self, kind: Kind, body: Body, index: int) -> Media | None:
        variant = f"{self.switches.seed or ''}/{index or ''}".strip("/")
        prompt = str(body.get("prompt") or body.get("lora") or kind.family.title)
        if kind.makes == "picture":
            return Picture(prompt, *size_of(body), variant)
        link = next((body[field] for field in ("image_url", "video_url", "source_url") if body.get(field)), None)
        first = self.find_still(str(link)) if link else Picture(prompt)
        last = self.find_still(str(body["end_image_url"])) if body.get("end_image_url") else None
        if first is None or (last is None and body.get("end_image_url")):
            return None
        return Film(first, last, seconds_of(body), digest(prompt, variant))


def _nobody(_: SimTask) -> None:
    """Tell nobody."""


def _shown(body: Body, kind: Kind) -> Body:
    return {field: value for field, value in body.items() if field not in _SECRET and field != kind.family.name_field}


def _text(body: Body, kind: Kind) -> str:
    return str(body.get(kind.family.name_field or "") or "")


def _words(code: str) -> str:
    return {
        "timeout": "The task was given up after 2 hours; your coins have been returned",
        "invalid_image": "The image could not be read from its URL",
        "nsfw": "The content was found to be sensitive",
    }.get(code, "The generation failed, please try again")


_created = attrgetter("created")
_serial = attrgetter("serial")
