"""A failed poll says something about the service's health, never about a job: no job is ever lost by looking."""

from __future__ import annotations

import asyncio
import json

import attrs
import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, play_out, until, virtual

from a2e_async import A2EClient, AuthenticationError, JobFailedError, JobTimeoutError, NotFoundError, Retry, Status
from a2e_async.simulator.virtual import DirectTransport, virtual_app

BAD_POLLS = {
    "500": ("status", {"status": 500}),
    "502": ("status", {"status": 502, "body": "html"}),
    "503": ("status", {"status": 503}),
    "504": ("status", {"status": 504, "body": "html"}),
    "429": ("status", {"status": 429}),
    "429 with Retry-After": ("status", {"status": 429, "retry_after": 3}),
    "reset": ("reset", {}),
    "stall": ("stall", {}),
    "html": ("html", {}),
    "cut json": ("cut_json", {}),
    "null": ("null", {}),
    "empty": ("empty", {}),
    "code 500": ("code", {"code": 500}),
    "code 1": ("code", {"code": 1, "message": "try again"}),
    "success false": ("success_false", {}),
    "unknown status": ("unknown_status", {}),
    "missing id": ("missing_id", {}),
    "400": ("status", {"status": 400}),
    "401": ("status", {"status": 401}),
    "403": ("status", {"status": 403}),
    "404": ("status", {"status": 404}),
    "html 404": ("no_route", {}),
    "redirect": ("redirect", {}),
    "late": ("delay", {"seconds": 20}),
}
SERVICE_DOWN = ["500", "503", "429", "reset", "html"]


def lost(jobs):
    """Give the jobs that have not ended with a result."""
    return [job for job in jobs if not job.done() or job.error is not None]


@pytest.mark.parametrize("route", ["batch", "detail"])
@pytest.mark.parametrize("way", BAD_POLLS)
@pytest.mark.parametrize("hits", [1, 4])
def test_bad_looks_lose_no_job(way, hits, route):
    """One bad poll, or four in a row, of whatever kind: every one of the jobs ends with its result."""

    async def story():
        kind, details = BAD_POLLS[way]
        sim = virtual_app(coins=100_000)
        if route == "detail":
            sim.faults.add("*.batch", "no_route", hits=None)
        sim.faults.add(f"*.{route}", kind, hits=hits, skip=1, **details)
        async with client(sim) as a2e:
            jobs = [a2e.start(request) for request in [IMAGE, VIDEO] * 10]
            await a2e.drain(timeout=3_000)
            assert not lost(jobs)
            assert len(sim.world.book.starts) == 20

    play_out(story())


@pytest.mark.parametrize("seconds", [60, 600])
@pytest.mark.parametrize("way", SERVICE_DOWN)
def test_an_outage_loses_no_job(seconds, way):
    """The status routes are down for a minute, or for ten: 0 of 300 jobs are lost, and all end soon after."""

    async def story():
        kind, details = BAD_POLLS[way]
        sim = virtual_app(coins=100_000, task_seconds=20)
        async with client(sim) as a2e:
            jobs = [a2e.start(IMAGE) for _ in range(300)]
            await asyncio.gather(*(job.accepted() for job in jobs))
            for route in ("batch", "detail"):
                sim.faults.add(f"*.{route}", kind, hits=None, **details)
            await asyncio.sleep(seconds)
            assert not any(job.done() for job in jobs)
            sim.faults.clear()
            over = now()
            await a2e.drain(timeout=3_000)
            assert not lost(jobs)
            assert now() - over < 35  # Retry.longest_wait, and a few polls

    play_out(story())


class Watched(DirectTransport):
    """Notes each poll: when it was sent, on which route, and for how many tasks."""

    def __init__(self, app, latency=0.05):
        super().__init__(app, latency)
        self.polls = []

    async def send(self, request, headers):
        """Note a poll and pass it on."""
        if request.path.endswith("/batchDetail"):
            self.polls.append((now(), "batch", len(request.body["ids"])))
        elif request.method == "GET" and not request.path.endswith("/allRecords"):
            self.polls.append((now(), "detail", 1))
        return await super().send(request, headers)

    def since(self, moment, *routes):
        """Give how many tasks the polls since then were for, each poll a number."""
        return [count for at, route, count in self.polls if at >= moment and route in (routes or ("batch", "detail"))]


@virtual(opened=False, task_seconds=900)
async def test_one_small_look_tries_a_service_that_was_down(sim):
    """During an outage polls are small and rare; afterwards one small poll precedes the full load."""
    watched = Watched(sim)
    async with client(sim, http=watched) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(500)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        await asyncio.sleep(5)
        began = now()
        sim.faults.add("*.batch", "status", status=503, hits=None)
        sim.faults.add("*.detail", "status", status=503, hits=None)
        await asyncio.sleep(600)
        during = watched.since(began + 2)
        assert set(during) == {1}
        assert 18 <= len(during) <= 50  # half a minute apart, more or less
        sim.faults.clear()
        over = now()
        await until(lambda: watched.since(over))
        await asyncio.sleep(5)
        after = watched.since(over)
        assert after[0] == 1
        assert max(after[1:4]) > 40
        await asyncio.sleep(10)
        finished = now()
        await asyncio.sleep(20)
        assert len(watched.since(finished, "detail")) <= 40  # an outage makes no task suspect: batches again
        assert len(watched.since(finished, "batch")) >= 20
        await a2e.drain()
        assert not lost(jobs)


@virtual(opened=False, task_seconds=60, latency=0.5)
async def test_looks_that_fail_together_count_as_one_failure(sim):
    """A blink that hits eight looks at once makes no long pause."""
    watched = Watched(sim, latency=0.5)
    async with client(sim, http=watched) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(2_000)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        rule = sim.faults.add("*.batch", "status", status=503, hits=6)
        await until(lambda: rule.struck == 6)
        blink = now()
        await asyncio.sleep(6)
        assert max(watched.since(blink + 3)) == 100
        await a2e.drain()
        assert not lost(jobs)


@pytest.mark.parametrize("status", [400, 500, 403, 404, 422])
@pytest.mark.parametrize("detail", ["good", "bad for a minute"])
@virtual(opened=False, task_seconds=20)
async def test_a_poisoned_id_spoils_none_of_its_99_neighbours(sim, status, detail):
    """A batch that one id spoils is halved until that one stands alone; its detail tells how it is."""
    watched = Watched(sim)
    async with client(sim, http=watched) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(100)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        poisoned = jobs[37]
        began = now()
        sim.faults.add("*.batch", "poison", id=poisoned.task_ids[0], status=status, hits=None)
        if detail != "good":
            sim.faults.add("*.detail", "status", id=poisoned.task_ids[0], status=500, hits=6)
        neighbours = [job for job in jobs if job is not poisoned]
        await asyncio.gather(*neighbours)
        assert now() - began < 35
        await poisoned
        assert not lost(jobs)
        assert len(watched.polls) < 160


@virtual(task_seconds=5, opened=False)
async def test_a_service_without_batch_looks_is_asked_task_by_task(sim):
    """Where batchDetail does not exist each task is asked for alone, and the route is tried ever more rarely."""
    sim.faults.add("*.batch", "no_route", hits=None)
    async with client(sim) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(20)]
        await a2e.drain()
        assert not lost(jobs)
        assert sim.counters["image_to_video.batch"] <= 2
        await a2e.start(VIDEO, timeout=None)
        before = sim.counters["image_to_video.batch"]
        sim.world.change(task_seconds=3600)
        await a2e.start(VIDEO)
        assert sim.counters["image_to_video.batch"] - before <= 20


@pytest.mark.parametrize("how", ["404", "null"])
@pytest.mark.parametrize("lag", [1, 8])
@pytest.mark.parametrize("batch", [True, False])
def test_a_task_that_is_not_known_at_first_is_waited_for(how, lag, batch):
    """Right after the start detail and batch may not know a task yet: no job is lost."""

    async def story():
        sim = virtual_app(coins=100_000, detail_lag=lag, detail_lag_as=how)
        if not batch:
            sim.faults.add("*.batch", "no_route", hits=None)
        async with client(sim) as a2e:
            jobs = [a2e.start(VIDEO) for _ in range(20)]
            await a2e.drain()
            assert not lost(jobs)

    play_out(story())


@virtual(task_seconds=600)
async def test_a_task_that_is_gone_for_good_ends_its_job_only(a2e, sim):
    """A definite "no such task" ends the job after minutes, with its id; its neighbours go on."""
    jobs = [a2e.start(VIDEO) for _ in range(3)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    sim.world.task(jobs[1].task_ids[0]).deleted = True
    gone = now()
    error = await caught(jobs[1].wait())
    assert isinstance(error, NotFoundError)
    assert error.task_ids == jobs[1].task_ids
    assert 299 < now() - gone < 320
    await a2e.drain()
    assert lost(jobs) == [jobs[1]]


@virtual(opened=False, task_seconds=600)
async def test_the_grace_time_is_tunable(sim):
    """`Retry.vanished_grace` says how long a task of ours may be unknown, `missing_grace` any other id."""
    async with client(sim, retry=Retry(missing_grace=50, vanished_grace=100)) as a2e:
        job = a2e.start(VIDEO)
        await job.accepted()
        sim.world.task(job.task_ids[0]).deleted = True
        assert isinstance(await caught(job.wait()), NotFoundError)
        assert 99 < now() < 106
        began = now()
        assert isinstance(await caught(a2e.attach("image_to_video", "0" * 24).wait()), NotFoundError)
        assert 49 < now() - began < 56


@virtual(task_seconds=30)
async def test_a_row_of_another_task_is_not_believed(a2e, sim):
    """A detail that answers for another task says nothing about ours."""
    other, job = a2e.start(VIDEO), a2e.start(VIDEO)
    await asyncio.gather(other.accepted(), job.accepted())
    sim.world.finish(other.task_ids[0], failed=True)
    sim.faults.add("*.batch", "no_route", hits=None)
    real = sim._service._answers["detail"]
    mixed_up = []

    def detail(asked):
        if len(mixed_up) < 4 and asked.route.task_id == job.task_ids[0]:
            mixed_up.append(1)
            return real(attrs.evolve(asked, route=attrs.evolve(asked.route, task_id=other.task_ids[0])))
        return real(asked)

    sim._service._answers["detail"] = detail
    assert (await job).task_ids == job.task_ids
    assert isinstance(await caught(other.wait()), JobFailedError)


@virtual(task_seconds=10)
async def test_an_unknown_status_means_still_running_and_is_said_once(a2e, sim, caplog):
    """A word that we do not know ends nothing; the log names it once for all jobs."""
    sim.faults.add("*.batch", "unknown_status", status="percolating", hits=5)
    jobs = [a2e.start(VIDEO) for _ in range(10)]
    await a2e.drain()
    assert not lost(jobs)
    assert caplog.text.count("percolating") == 1


@virtual(task_seconds=10_000)
async def test_an_outage_does_not_outlive_the_deadline(a2e, sim):
    """While nobody answers a job still ends by its own deadline, counted from its acceptance, with its ids."""
    sim.faults.add("*.batch", "stall", hits=None)
    sim.faults.add("*.detail", "stall", hits=None)
    job = a2e.start(VIDEO, timeout=120)
    error = await caught(job.wait())
    assert isinstance(error, JobTimeoutError)
    assert error.task_ids == job.task_ids
    assert 120 <= now() < 121
    assert job.status in (Status.INITIALIZED, Status.UNKNOWN)


# The token.


def with_token(sim, token):
    """Make a client of this simulated service with a token of its own."""
    return A2EClient(token, base_url="http://127.0.0.1:1", http=DirectTransport(sim, 0.05))


class Token:
    """A token that is asked for, and may be another one the next time."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.asked = 0

    async def __call__(self):
        """Give the next token; the last one for ever."""
        self.asked += 1
        await asyncio.sleep(0.01)
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]


@pytest.mark.parametrize("unauthorised", ["401", "200"])
@virtual(opened=False, task_seconds=60)
async def test_a_token_that_is_renewed_in_time_loses_no_job(sim, unauthorised):
    """A refused look asks the callable again, and the jobs go on with the new token."""
    token = Token("sk_simulator", "sk_renewed")
    sim.world.change(unauthorised=unauthorised)
    async with with_token(sim, token) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(150)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        sim.world.change(token="sk_renewed")
        await a2e.drain()
        assert not lost(jobs)
        assert 2 <= token.asked <= 5


@virtual(opened=False, task_seconds=60)
async def test_a_token_that_is_refused_for_a_while_loses_no_job(sim):
    """Two refusals, or refusals for less than five seconds, end nothing."""
    async with client(sim) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(150)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        await asyncio.sleep(5)
        sim.world.change(token="sk_other")
        await asyncio.sleep(4)
        sim.world.change(token="sk_simulator")
        await a2e.drain()
        assert not lost(jobs)


@pytest.mark.parametrize("status", [401, 403])
@virtual(opened=False, task_seconds=600)
async def test_a_token_that_is_refused_for_good_ends_every_job_with_its_ids(sim, status):
    """After three refused polls in a row over a minute every job ends with AuthenticationError, ids kept."""
    token = Token("sk_simulator")
    async with with_token(sim, token) as a2e:
        jobs = [a2e.start(request) for request in [IMAGE, VIDEO] * 75]
        await asyncio.gather(*(job.accepted() for job in jobs))
        await asyncio.sleep(3)
        polls = sim.counters["text_to_image.batch"] + sim.counters["image_to_video.batch"]
        refused = now()
        for route in ("batch", "detail"):
            sim.faults.add(f"*.{route}", "status", status=status, hits=None)
        ended = await asyncio.gather(*jobs, return_exceptions=True)
        assert {type(end) for end in ended} == {AuthenticationError}
        assert [end.task_ids for end in ended] == [job.task_ids for job in jobs]
        assert len({id(end) for end in ended}) == len(jobs)
        assert 60 <= now() - refused < 100
        routes = ("text_to_image.batch", "image_to_video.batch", "text_to_image.detail", "image_to_video.detail")
        assert sum(sim.counters[route] for route in routes) - polls >= 3
        assert token.asked >= 3


@virtual(opened=False)
async def test_a_start_with_a_refused_token_fails_at_once(sim):
    """A start's 401 is raised as soon as another token is refused, too; the next start asks for one more."""
    token = Token("sk_old", "sk_older", "sk_simulator")
    async with with_token(sim, token) as a2e:
        error = await caught(a2e.start(IMAGE).wait())
        assert isinstance(error, AuthenticationError)
        assert now() < 0.3
        assert sim.counters["text_to_image.start"] == 2
        await a2e.start(IMAGE)


@virtual(opened=False, task_seconds=20)
async def test_a_token_callable_that_raises_loses_no_job(sim):
    """When the callable itself fails, polls fail for a while and jobs go on."""
    failures = [OSError("the vault is locked"), RuntimeError("the vault is on fire")]
    refused = []

    def token():
        if refused and failures:
            raise failures.pop()
        return "sk_simulator"

    async with with_token(sim, token) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(20)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        refused.append(True)
        sim.faults.add("*.batch", "status", status=401)
        await a2e.drain()
        assert not lost(jobs)
        assert not failures


# Retry-After.


@pytest.mark.parametrize(("asked", "waited"), [(3, 3), (20, 20), (86_400, 30)])
@virtual(opened=False, task_seconds=300)
async def test_retry_after_pauses_the_whole_client_up_to_a_bound(sim, asked, waited):
    """One 429 keeps every request of the client back: polls, starts and calls; never longer than the bound."""
    arrivals = []

    class Noted(DirectTransport):
        async def send(self, request, headers):
            arrivals.append(now())
            return await super().send(request, headers)

    async with client(sim, http=Noted(sim, 0.05)) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(300)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        rule = sim.faults.add("*.batch", "status", status=429, retry_after=asked)
        await until(lambda: rule.struck, step=0.01)
        struck = arrivals[-1]
        await asyncio.sleep(0.06)
        before = len(arrivals)
        late = a2e.start(IMAGE)
        balance = asyncio.create_task(a2e.balance())
        await asyncio.wait([balance])
        assert arrivals[before] - struck == pytest.approx(waited, abs=0.2)
        await late
        await a2e.drain()
        assert not lost(jobs)


@virtual(opened=False, task_seconds=30)
async def test_the_bound_of_retry_after_is_tunable(sim):
    """`Retry.longest_wait` bounds what the service may ask for."""
    async with client(sim, retry=Retry(longest_wait=5)) as a2e:
        sim.faults.add("*.start", "status", status=429, retry_after=1_000)
        job = a2e.start(VIDEO)
        await job.accepted()
        assert 5 <= now() < 6


@pytest.mark.parametrize("header", ["soon", "-5", "1e999", "nan", ""])
@virtual(opened=False, task_seconds=10)
async def test_a_retry_after_that_makes_no_sense_does_no_harm(sim, header):
    """Nonsense in Retry-After is as good as none."""
    sim.faults.add("*.batch", "status", status=429, retry_after=header, hits=3)
    async with client(sim) as a2e:
        await a2e.start(VIDEO)
        assert now() < 30


def test_nobody_reads_a_final_status_into_nonsense():
    """Rows of every odd shape end no job, and the right row afterwards does."""
    rows = [
        [], {}, "", 0, True, [None], [[]], [{"_id": None}], [{"_id": "other", "current_status": "failed"}],
        [{"_id": "ID"}], [{"_id": "ID", "current_status": None}], [{"_id": "ID", "current_status": ["completed"]}],
        [{"_id": "ID", "current_status": {"a": 1}, "image_urls": 7, "coins": "x", "createdAt": 1e300}],
        {"rows": [{"_id": "ID", "current_status": ""}]},
    ]  # fmt: skip

    async def story():
        sim = virtual_app(coins=1_000, task_seconds=5)
        async with client(sim, retry=Retry(missing_grace=1_000)) as a2e:
            job = a2e.start(IMAGE)
            await job.accepted()
            odd = [json.loads(json.dumps(row).replace("ID", job.task_ids[0])) for row in rows]
            answers = sim._service._answers
            for route in ("batch", "detail"):
                answers[route] = lambda *what, real=answers[route]: odd.pop(0) if odd else real(*what)
            await job
            assert not odd

    play_out(story())


class Twice(DirectTransport):
    """Tells of each task a second time in one answer, as it was before."""

    def __init__(self, app, *, older_first):
        super().__init__(app, 0.05)
        self._older_first = older_first

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if not request.path.endswith("batchDetail"):
            return reply
        told = json.loads(reply.body)
        older = [{**row, "current_status": "processing"} for row in told["data"]]
        rows = [*older, *told["data"]] if self._older_first else [*told["data"], *older]
        return attrs.evolve(reply, body=json.dumps({**told, "data": rows}).encode())


@pytest.mark.parametrize("older_first", [True, False])
@virtual(opened=False, task_seconds=20)
async def test_a_task_that_an_answer_tells_of_twice_ends_when_one_says_so(sim, older_first):
    """Nothing comes after the end of a task, wherever it stands in the answer."""
    async with client(sim, http=Twice(sim, older_first=older_first)) as a2e:
        for result in await asyncio.gather(*(a2e.start(VIDEO) for _ in range(3))):
            assert result.url
        assert now() < 60
