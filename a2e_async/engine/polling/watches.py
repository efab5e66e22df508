"""What is being watched: each task once, by its id, whoever waits for it; and ids that were hinted at too early.

Law of this file: each fact of a watch has one writer. `rows` writes the spelling and what lacks its URLs, `trust` what
is missing and late, the poller what is asked for and hurried, `learned` what was seen running, and the schedule the
place.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from a2e_async.core.family import Family
from a2e_async.core.polling.cohorts import Waiting
from a2e_async.engine.jobs.kept import AnyJob

KEPT_SECONDS: Final = 60.0
KEPT_IDS: Final = 10_000
_BARE_SECONDS: Final = 30.0
_NEVER: Final = -math.inf  # one for all watches


class Watch(Waiting):
    """One task that is being watched, under its id or, where another family has the same id, under both names."""

    __slots__ = (
        "alone_until",
        "bare_since",
        "hurried",
        "job",
        "key",
        "late",
        "lates",
        "missing_since",
        "spelling",
        "task_id",
    )

    def __init__(self, job: AnyJob, task_id: str, key: str, born: float) -> None:
        super().__init__(born, teaches=job.request is not None and not job.options.find_first)
        self.job = job
        self.task_id = task_id
        self.key = key
        self.spelling: object = None
        self.alone_until = _NEVER
        self.late = False
        self.lates = 0
        self.missing_since: float | None = None
        self.bare_since: float | None = None
        self.hurried = False

    def is_alone(self, now: float) -> bool:
        """Whether the task is asked for by its detail: it spoilt a poll of many, or such polls lack it."""
        return self.late or now < self.alone_until or self.job.family.batch is None

    @property
    def is_known(self) -> bool:
        """Whether the task surely was there: a poll has seen it, or the answer of its start named it here."""
        return self.spelling is not None or self.job.request is not None

    @property
    def is_guessed(self) -> bool:
        """Whether even the path of its detail is a guess that has never shown it: a 404 says nothing then."""
        return self.spelling is None and self.job.family.detail.is_guess

    def polled(self, now: float) -> None:
        """Note that the task is asked for now."""
        self.hurried, self.asked = False, now

    def lacked(self, now: float) -> float:
        """Note that an answer lacks the task; gives for how many seconds answers have done so."""
        if self.missing_since is None:
            self.missing_since = now
        return now - self.missing_since

    def lacks_urls(self) -> bool:
        """Whether to wait for the URLs of a task that is shown as completed without any: they may come a bit later."""
        if self.bare_since is None:
            self.bare_since = self.asked
        return self.asked - self.bare_since < _BARE_SECONDS

    def isolate(self, until: float) -> None:
        """Have the task asked for by its detail until a time; one in the past ends that."""
        self.alone_until = until

    def again(self, job: AnyJob | None = None) -> Watch:
        """Give a watch of the same task that knows the same, for the same job or for another that shares it."""
        copy = Watch(job or self.job, self.task_id, self.key, self.born)
        copy.seen, copy.asked, copy.teaches = self.seen, self.asked, self.teaches
        copy.spelling, copy.missing_since, copy.bare_since = self.spelling, self.missing_since, self.bare_since
        copy.alone_until, copy.late, copy.lates = self.alone_until, self.late, self.lates
        return copy


class Watches:
    """The watches of a client, by key, and the jobs that share the watch of another one."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._sharing: dict[str, list[AnyJob]] = {}

    def __len__(self) -> int:
        return len(self._watches) + len(self._sharing)

    def __iter__(self) -> Iterator[Watch]:
        return iter(self._watches.values())

    def find(self, key: str) -> Watch | None:
        """Give the watch of this key."""
        return self._watches.get(key)

    def is_live(self, watch: Watch) -> bool:
        """Whether this is how its task is watched now."""
        return self._watches.get(watch.key) is watch

    def live_among(self, watches: Sequence[Watch]) -> list[Watch]:
        """Give those of some watches that are how their task is watched now."""
        known = self._watches
        return [watch for watch in watches if known.get(watch.key) is watch]

    def add(self, job: AnyJob, task_id: str, now: float) -> Watch | None:
        """Watch a task of a job; None when it is watched already; another job's watch is shared."""
        found = self._watches.get(task_id)
        key = task_id if found is None or found.job.family is job.family else _second_key(job.family, task_id)
        if key in self._watches:
            if job not in self.jobs_of(self._watches[key]):  # a job comes again when more of its tasks are found
                self._share(self._watches[key], job)
            return None
        watch = self._watches[key] = Watch(job, task_id, key, now)
        return watch

    def renew(self, watch: Watch) -> Watch:
        """Put another watch in the place of one at which a poll is under way."""
        copy = self._watches[watch.key] = watch.again()
        return copy

    def end(self, watch: Watch) -> Sequence[AnyJob]:
        """Stop watching a task; gives the jobs that waited for it."""
        del self._watches[watch.key]
        watch.leave()
        return [watch.job, *self._sharing.pop(watch.key, ())]

    def jobs_of(self, watch: Watch) -> Sequence[AnyJob]:
        """Give the jobs that wait for a task."""
        return [watch.job, *self._sharing.get(watch.key, ())]

    def is_heard(self, watch: Watch) -> bool:
        """Whether somebody listens to each change of a task, whichever of its jobs they listen to."""
        if watch.job.watched or not self._sharing:  # as hardly any task is shared
            return watch.job.watched
        return any(job.watched for job in self._sharing.get(watch.key, ()))

    def jobs(self) -> list[AnyJob]:
        """Give every job that has a watch, each once."""
        return list({watch.job: None for watch in self._watches.values()})

    def forget(self, job: AnyJob, task_ids: Sequence[str]) -> list[tuple[Watch, Watch | None]]:
        """Let go of tasks of a job; gives each of its watches with the one that another job has instead, if any."""
        let_go: list[tuple[Watch, Watch | None]] = []
        for key in [key for task_id in task_ids for key in (task_id, _second_key(job.family, task_id))]:
            others = [other for other in self._sharing.pop(key, ()) if other is not job]
            watch = self._watches.get(key)
            if watch and watch.job is job:
                watch.leave()
                del self._watches[key]
                if others:  # the next of the jobs that share the task watches it from now on
                    self._watches[key] = watch.again(others.pop(0))
                let_go.append((watch, self._watches.get(key)))
            if others:
                self._sharing[key] = others
        return let_go

    def _share(self, watch: Watch, job: AnyJob) -> None:
        """Let a job share the watch of another one, as when a task is attached to that was started here."""
        self._sharing.setdefault(watch.key, []).append(job)
        record = watch.job.known(watch.task_id)
        if record is not None:
            job.change(record)


class EarlyHints:
    """Ids that were hinted at before they were watched, for a minute, at most 10,000 of them.

    A webhook may tell of a task before the answer of its start has told us its id.

    Beyond that the oldest are dropped; their tasks are polled as usual.
    """

    def __init__(self) -> None:
        self._since: OrderedDict[str, float] = OrderedDict()  # oldest first

    def __len__(self) -> int:
        return len(self._since)

    def keep(self, task_id: str, now: float) -> None:
        """Keep a hint; one that is kept already counts from now on."""
        self._since.pop(task_id, None)
        self._since[task_id] = now
        oldest = next(iter(self._since))
        while len(self._since) > KEPT_IDS or self._since[oldest] <= now - KEPT_SECONDS:
            del self._since[oldest]
            oldest = next(iter(self._since))

    def take(self, task_id: str, now: float) -> bool:
        """Whether there was such a hint within the last minute; it is used up."""
        return self._since.pop(task_id, -math.inf) > now - KEPT_SECONDS


def _second_key(family: Family, task_id: str) -> str:
    return f"{family.name} {task_id}"
