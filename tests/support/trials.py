"""Trials of the cadence: a client in virtual time, tasks that start and end when we say, and what its polls found."""

from __future__ import annotations

import asyncio
import itertools
import math
from array import array
from collections import Counter, defaultdict, deque

import attrs
from virtual_time import client, play_out

from a2e_async import Cadence, ImageToVideo, TextToImage, Webhook
from a2e_async.core.polling.cohorts import Waiting
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import PollQueue
from a2e_async.simulator.virtual import DirectTransport, virtual_app

LATENCY = 0.02
USUAL = Cadence()
VIDEOS, IMAGES = "image_to_video", "text_to_image"
_HOOK = Webhook("http://127.0.0.1:9/hook", "the secret of a trial")
_REQUESTS = {
    VIDEOS: lambda number: ImageToVideo("http://e.com/a.png", prompt=str(number), negative_prompt="blurry"),
    IMAGES: lambda number: TextToImage(str(number)),
}


@attrs.frozen
class Start:
    """One start of a trial: when it is sent, of which family, and how long its task runs."""

    at: float
    family: str
    seconds: float


@attrs.define
class Trial:
    """What a trial came to.

    Attributes:
        jobs: How many jobs there were.
        delays: Seconds from the end of each task to that of its job, by family.
        polls: When each poll was sent.
        first: The age of each task at its first poll, by family.
        ages: How many task-polls fell on which whole second of age, by family.
        learned: What the client knew at the end, as JSON.
    """

    jobs: int
    delays: dict[str, array[float]] = attrs.field(factory=lambda: defaultdict(lambda: array("d")))
    polls: array[float] = attrs.field(factory=lambda: array("d"))
    first: dict[str, array[float]] = attrs.field(factory=lambda: defaultdict(lambda: array("d")))
    ages: dict[str, Counter[int]] = attrs.field(factory=lambda: defaultdict(Counter))
    learned: object = None

    @property
    def all_delays(self):
        """The delays of all families."""
        return list(itertools.chain(*self.delays.values()))

    @property
    def delay(self):
        """The mean delay in seconds."""
        return sum(self.all_delays) / self.jobs

    @property
    def polls_a_job(self):
        """How many polls a job cost."""
        return len(self.polls) / self.jobs

    @property
    def peak(self):
        """The most polls within any second."""
        first, most = 0, 0
        for last, at in enumerate(self.polls):
            while self.polls[first] <= at - 1:
                first += 1
            most = max(most, last - first + 1)
        return most


class Noting(DirectTransport):
    """Notes each poll and the ages of its tasks."""

    def __init__(self, sim, latency, trial):
        super().__init__(sim, latency)
        self._trial = trial
        self._seen = set()

    async def send(self, request, headers):
        """Note a poll and pass it on."""
        if request.path.endswith("/batchDetail"):
            self._note(IMAGES if "text2image" in request.path.lower() else VIDEOS, request.body["ids"])
        return await super().send(request, headers)

    def _note(self, family, ids):
        now = self.app.world.clock.now()
        self._trial.polls.append(now)
        for task in map(self.app.world.task, ids):
            self._trial.ages[family][int(now - task.created)] += 1
            if task.id not in self._seen:
                self._seen.add(task.id)
                self._trial.first[family].append(now - task.created)


def trial(starts, *, cadence=USUAL, hints=False, latency=LATENCY, kept=None, prepare=lambda _a2e: None):
    """Play a trial with a whole client.

    Args:
        starts: The starts, in order.
        cadence: That of the client.
        hints: Whether a webhook tells of each end at once.
        latency: Seconds from a request to its reply.
        kept: What the client knows at the beginning.
        prepare: Called with the open client.
    """
    outcome = Trial(len(starts))

    async def play():
        sim = virtual_app(
            coins=10**9, media="tiny", task_seconds=lambda _family, body: starts[int(body["prompt"])].seconds
        )
        webhook = _HOOK if hints else None
        http = Noting(sim, latency, outcome)
        async with client(sim, http=http, cadence=cadence, max_starts=1_000, webhook=webhook) as a2e:
            a2e.learned.recall(kept)
            prepare(a2e)
            await _play(starts, sim.world, a2e, outcome)

    play_out(play())
    return outcome


async def _play(starts, world, a2e, outcome):
    loop = asyncio.get_running_loop()
    world.tell = lambda task: loop.call_later(task.ends - world.clock.now(), a2e.hint, task.id)

    def ended(job):
        assert job.error is None
        task = world.task(job.task_ids[0])
        outcome.delays[job.family.name].append(world.clock.now() - task.ends)

    for number, start in enumerate(starts):
        if start.at > loop.time():
            await asyncio.sleep(start.at - loop.time())
        a2e.start(_REQUESTS[start.family](number)).on_end(ended)
    await a2e.drain()
    outcome.learned = a2e.learned.kept()


class Task(Waiting):
    """A task of a trial on paper."""

    __slots__ = ("end", "family", "is_new")

    def __init__(self, start):
        super().__init__(start.at)
        self.family, self.end, self.is_new = start.family, start.at + start.seconds, True


def on_paper(starts, *, cadence=USUAL, learned=None, latency=LATENCY, limit=100):
    """Play a trial with nothing but the queue, for many tasks in little time.

    Args:
        starts: The starts, in order.
        cadence: How often to poll.
        learned: What is known at the beginning.
        latency: Seconds from a poll to its answer.
        limit: Most tasks in a poll.
    """
    outcome, learned = Trial(len(starts)), learned or Learned()
    queue = PollQueue(cadence, learned)
    coming = deque(starts)
    answers = deque()
    now = last = -math.inf
    while coming or answers or queue.next_due() is not None:
        due = queue.next_due()
        look_at = math.inf if due is None else max(due, last + cadence.gap, now)
        answer_at = answers[0][0] if answers else math.inf
        start_at = coming[0].at if coming else math.inf
        now = min(look_at, answer_at, start_at)
        if now == start_at:
            start = coming.popleft()
            queue.add((start.family, False), Task(start))
        elif now == answer_at:
            _answer(queue, learned, outcome, answers.popleft())
        elif taken := queue.take(now, lambda _group: limit):
            last = now
            outcome.polls.append(now)
            answers.append((now + latency, now, *taken))
    outcome.learned = learned.kept()
    return outcome


def _answer(queue, learned, outcome, answer):
    now, asked, group, tasks = answer
    for task in tasks:
        if task.is_new:
            task.is_new = False
            outcome.first[task.family].append(asked - task.born)
        if task.end <= asked:
            learned.ended(task.family, task, now)
            outcome.delays[task.family].append(now - task.end)
        else:
            learned.running(task.family, [task], asked)
            task.asked = asked
            queue.add(group, task)
