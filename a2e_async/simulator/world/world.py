"""The simulated service itself: an account, its tasks, and what they cost.

Pure and driven by a clock: nothing here runs by itself. What a task's status is, what has been refunded and what a
list shows is worked out from the time at which somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from typing import Any

import attrs

from a2e_async.simulator.chance import number
from a2e_async.simulator.media.specs import ImageSpec, Still
from a2e_async.simulator.world import making
from a2e_async.simulator.world.account import SimAccount
from a2e_async.simulator.world.book import Book
from a2e_async.simulator.world.clock import Clock, ScaledClock
from a2e_async.simulator.world.facts import wrong_with
from a2e_async.simulator.world.kinds import SimKind, known_kinds
from a2e_async.simulator.world.messages import RefusedError
from a2e_async.simulator.world.specials import special_wrong
from a2e_async.simulator.world.storage import Shelf
from a2e_async.simulator.world.switches import Body, Switches, shaped
from a2e_async.simulator.world.tasks import SimTask

_SECRET = frozenset({"webhook_url", "webhook_token"})
_NO_PRICE = 1010
_MODERATED = {"[blocked]": 1003, "[minor]": 1004}
_RUNNING = ("sent", "pending", "processing")
_VOICES = "voice_training"


class World:
    """One account of the simulated service.

    Args:
        clock: The time it lives in; by default the real time.
        switches: How it differs from the usual service; `change` alters them later.

    Attributes:
        kinds: What it makes, by family.
        account: Its coins.
    """

    def __init__(self, clock: Clock | None = None, switches: Switches | None = None) -> None:
        self.clock: Clock = ScaledClock() if clock is None else clock
        self.switches = Switches() if switches is None else switches
        self.kinds: dict[str, SimKind] = known_kinds()
        self.account = SimAccount(self.clock, self.switches.coins, self.switches.diamonds)
        self.find_still: Callable[[str], Still | None] = ImageSpec
        """Gives the still behind a URL, or None where there is none; the file host takes this over."""
        self.tell: Callable[[SimTask], None] = _nobody
        """Called with each new task that has a webhook, and when its end is moved; the postman takes this over."""
        self._tasks: dict[str, SimTask] = {}
        self._order: dict[str, list[SimTask]] = {name: [] for name in self.kinds}
        self._shelves: dict[str, Shelf] = {}
        self._serial = 0

    def change(self, **switches: Any) -> None:  # noqa: ANN401  # the types are those of Switches
        """Alter some switches from now on; coins already there stay as they are."""
        self.switches = attrs.evolve(self.switches, **switches)

    @property
    def book(self) -> Book:
        """Every start, charge and refund."""
        return self.account.book

    @property
    def coins(self) -> int:
        """What the account has now."""
        return self.account.coins

    @coins.setter
    def coins(self, coins: int) -> None:
        self.account.coins = coins

    @property
    def tasks(self) -> Collection[SimTask]:
        """Every task there ever was, oldest first."""
        return self._tasks.values()

    def shelf(self, what: str) -> Shelf:
        """Give what the user has of one sort besides tasks, such as "face"."""
        return self._shelves.setdefault(what, Shelf(what))

    def price(self, kind: SimKind, body: Body) -> int:
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
        if name == "wan30" and not self.switches.wan30_set_up:
            raise RefusedError("Provider or Wan3.0 pricing is not configured", status=503)
        body = self._as_meant(body)
        self._check(kind, body, (old_form and kind.old_path) or kind.path)
        count = 1 if old_form else kind.count(body)
        if self._price_of_one(kind, body) * count > self.account.coins:
            raise self._too_poor(kind)
        instant = old_form and self._is_instant(kind, body)
        shown = {field: value for field, value in body.items() if field not in _SECRET and field != kind.dialect.name}
        tasks = [self._new_task(kind, body, shown, index, instant=instant) for index in range(count)]
        self.account.charge(name, _name(body, kind), tasks)
        return tasks

    def find(self, name: str, task_id: str) -> SimTask:
        """Give a task that is there for its detail.

        Raises:
            RefusedError: There is none, none any more, or none yet.
        """
        task = self._tasks.get(task_id)
        if task is None or task.deleted or task.family != name or self._is_hidden(task):
            raise RefusedError("Record not found", status=404)
        return task

    def is_new(self, name: str, task_id: str) -> bool:
        """Say whether a task is there, but too new for its detail."""
        task = self._tasks.get(task_id)
        return task is not None and task.family == name and not task.deleted and self._is_hidden(task)

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
            if task is not None and not task.deleted and task.family == name and not self._is_hidden(task)
        ]

    def page(self, name: str, number: int, size: int) -> tuple[list[SimTask], int]:
        """Give one page of a family's list, newest first, and how many tasks the list has."""
        tasks = self._order[name]
        low, high = self._shown(tasks)
        stop = max(low, high - (number - 1) * size)
        return tasks[max(low, stop - size) : stop][::-1], max(0, high - low)

    def listed(self, name: str) -> list[SimTask]:
        """Give a family's whole list, newest first."""
        tasks = self._order[name]
        low, high = self._shown(tasks)
        return tasks[low:high][::-1]

    def delete(self, name: str, task_id: str) -> None:
        """Delete a task: refunded while it is initialized, refused while it runs, not refunded after.

        Raises:
            RefusedError: There is no such task, or it is running.
        """
        task = self.find(name, task_id)
        self.account.catch_up()
        now = self.clock.now()
        status = task.status(now)
        if status in _RUNNING:
            raise RefusedError(f"The task cannot be deleted while it is {status}")
        if status == "initialized":
            self.account.refund(task, now)
        task.deleted = True
        order = self._order[name]
        del order[bisect_left(order, task.serial, key=_serial)]

    def finish(self, task_id: str, *, failed: bool = False, code: str = "generation_error") -> None:
        """End a task now, whatever its run time was; for tests."""
        task = self._tasks[task_id]
        task.ends = min(task.ends, self.clock.now())
        task.failure = making.failure(code) if failed else None
        task.refundable = self.switches.refunds_failures
        if failed:
            self.account.await_failure(task)
        if task.secrets.get("webhook_url"):
            self.tell(task)

    def _check(self, kind: SimKind, body: Body, path: str) -> None:
        unnamed = {} if self.switches.strict_names or body.get("name") else {"name": "unnamed"}
        wrong = wrong_with(f"POST {path}", {**body, **unnamed}) or special_wrong(path, body)
        if wrong:
            raise RefusedError(wrong)
        words = making.words_of(kind, body)
        for mark, code in _MODERATED.items():
            if mark in words and not (code == _MODERATED["[minor]"] and body.get("minor_suspected_skip")):
                raise RefusedError("The content was refused by moderation", status=403, code=code)
        if kind.family.name == _VOICES:
            self._check_voices()

    def _as_meant(self, body: Body) -> Body:
        """Give a body with what the switches let pass: another spelling, or a name that is missing."""
        if self.switches.misspelt and "negative_prmpt" in body:
            rest = {key: value for key, value in body.items() if key != "negative_prmpt"}
            body = {"negative_prompt": body["negative_prmpt"], **rest}
        return body

    def _is_instant(self, kind: SimKind, body: Body) -> bool:
        how = self.switches
        if how.instant_old_form is not None:
            return how.instant_old_form
        steered = making.is_stuck(kind, body) or "[fail" in making.words_of(kind, body)
        return how.task_seconds is None and how.fails is None and how.fail_every is None and not steered

    def _check_voices(self) -> None:
        now, voices = self.clock.now(), self._order[_VOICES]
        if any(task.status(now) not in ("completed", "failed") for task in voices):
            raise RefusedError("A voice is being trained already; wait for it to end")
        if sum(task.failure is None for task in voices) >= self.switches.voice_limit:
            raise RefusedError("The limit of voice clones has been reached", status=403)

    def _too_poor(self, kind: SimKind) -> RefusedError:
        status = int(kind.dialect.poor or self.switches.poor)
        return RefusedError("Insufficient coins", status=status, code=_NO_PRICE if status == 200 else status)  # noqa: PLR2004

    def _price_of_one(self, kind: SimKind, body: Body) -> int:
        return self.switches.prices.get(kind.family.name, kind.price.coins) * kind.price.units(body)

    def _is_hidden(self, task: SimTask) -> bool:
        return self.clock.now() < task.created + self.switches.detail_lag

    def _shown(self, tasks: list[SimTask]) -> tuple[int, int]:
        """Say which of these tasks lists show now."""
        now = self.clock.now()
        low = bisect_right(tasks, now - self.switches.file_ttl, key=_created)
        return low, bisect_right(tasks, now - self.switches.list_lag, key=_created)

    def _new_task(self, kind: SimKind, body: Body, shown: Body, index: int, *, instant: bool) -> SimTask:
        now, switches = self.clock.now(), self.switches
        self._serial += 1
        serial = self._serial
        pace = 0.0 if instant else making.run_time(kind, body, switches, serial)
        files = making.files_of(kind, body, switches.seed, index, self.find_still)
        fails = making.failure_of(kind, body, switches, serial) if files else making.failure("invalid_image")
        stuck = making.is_stuck(kind, body) and not instant
        task = SimTask(
            serial=serial,
            id=f"{int(now) & 0xFFFFFFFF:08x}{number(switches.seed) & 0xFFFFFFFF:08x}{serial:08x}",
            family=kind.family.name,
            name=shaped(_name(body, kind), switches.names),
            fields=shown,
            secrets={field: body[field] for field in _SECRET & body.keys()},
            coins=self._price_of_one(kind, body),
            created=now,
            pace=pace,
            ends=now + (switches.stuck_seconds if stuck else pace),
            files=files or (ImageSpec("nothing"),),
            skips_initialized=switches.first_status == "sent" or kind.dialect.begins == "sent",
            failure=making.failure("timeout") if stuck else fails,
            refundable=stuck or switches.refunds_failures,
        )
        self._keep(task)
        return task

    def _keep(self, task: SimTask) -> None:
        self._tasks[task.id] = task
        self._order[task.family].append(task)
        if task.failure:
            self.account.await_failure(task)
        if task.secrets.get("webhook_url"):
            self.tell(task)


def _nobody(_: SimTask) -> None:
    """Tell nobody."""


def _name(body: Body, kind: SimKind) -> str:
    return str(body.get(kind.dialect.name or "") or "")


_created = attrgetter("created")
_serial = attrgetter("serial")
