"""One observation is no law: what a service says about tasks and routes is believed slowly, and only for a while."""

from __future__ import annotations

import asyncio
import json

import attrs
import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, until, virtual

from a2e_async import AuthenticationError, Cadence, NotFoundError
from a2e_async.engine.polling.trust import BatchRoutes
from a2e_async.simulator.virtual import DirectTransport


def test_a_missing_route_is_believed_ever_longer_but_never_for_good():
    """Five seconds at first, doubled each time, five minutes at most; one answer ends it."""
    routes = BatchRoutes()
    now_, believed = 100.0, []
    for _ in range(9):
        assert not routes.missing("sora", now_)
        routes.refused("sora", now_)
        routes.refused("sora", now_ + 1)  # polls that were under way together
        until_ = next(later for later in range(1000) if not routes.missing("sora", now_ + later))
        believed.append(until_)
        now_ += until_
    assert believed == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert not routes.missing("veo", now_)
    routes.answered("sora")
    routes.refused("sora", now_)
    assert not routes.missing("sora", now_ + 5)


@pytest.mark.parametrize("hits", [1, 3])
@virtual(task_seconds=600)
async def test_pages_on_batch_looks_cost_a_few_single_polls(a2e, sim, hits):
    """After a deploy, a CDN's 404 or the like the tasks are polled together again."""
    jobs = [a2e.start(VIDEO) for _ in range(100)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    sim.faults.add("*.batch", "no_route", hits=hits)
    await asyncio.gather(*jobs)
    assert sim.counters["image_to_video.detail"] <= 200 + 100 * hits
    assert sim.counters["image_to_video.batch"] >= 60


@virtual(task_seconds=3600)
async def test_a_task_that_spoilt_batches_is_tried_in_one_again(a2e, sim):
    """It was a refusal of some minutes: single polls do not last for life."""
    jobs = [a2e.start(VIDEO) for _ in range(20)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    rule = sim.faults.add("*.batch", "poison", id=jobs[3].task_ids[0], hits=None)
    await asyncio.sleep(60)
    rule.hits = 0
    sim.faults.clear()
    await asyncio.sleep(400)
    before = sim.counters["image_to_video.detail"]
    await asyncio.sleep(600)
    assert sim.counters["image_to_video.detail"] == before
    for job in jobs:
        job.detach()


class Hiding(DirectTransport):
    """A service that does not show some tasks for a while."""

    hidden = ()
    hidden_in_batches = False

    async def send(self, request, headers):
        """Answer one request; a detail of a hidden task is a 404, a batch lacks it."""
        reply = await super().send(request, headers)
        if request.path.rpartition("/")[2] in self.hidden:
            return await super().send(type(request)(method="GET", path=request.path[:-4] + "0000"), headers)
        if request.path.endswith("batchDetail"):
            body = json.loads(reply.body)
            body["data"] = [row for row in body["data"] if row["_id"] not in self.hidden and not self.hidden_in_batches]
            return attrs.evolve(reply, body=json.dumps(body).encode())
        return reply


@pytest.mark.parametrize(("hidden", "seconds"), [(10, 30), (10, 1200), (6, 1200), (1, 200)])
@virtual(opened=False, task_seconds=60)
async def test_tasks_that_vanish_for_a_while_are_waited_for(sim, hidden, seconds):
    """All or most of them for as long as it takes, a single one for minutes."""
    wire = Hiding(sim, 0.05)
    async with client(sim, http=wire) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(10)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        await asyncio.sleep(10)
        wire.hidden = {job.task_ids[0] for job in jobs[:hidden]}
        await asyncio.sleep(seconds)
        assert not any(job.done() and job.error for job in jobs)
        wire.hidden = ()
        await asyncio.gather(*jobs)


@virtual(opened=False, task_seconds=60)
async def test_tasks_that_vanish_together_are_an_outage(sim):
    """The health tells of it, polls pause, and all is well when they are back."""
    wire = Hiding(sim, 0.05)
    async with client(sim, http=wire) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(50)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        await asyncio.sleep(10)
        assert a2e.stats().healthy
        wire.hidden = {task_id for job in jobs for task_id in job.task_ids}
        await asyncio.sleep(60)
        assert not a2e.stats().healthy
        before = sum(sim.counters.values())
        await asyncio.sleep(300)
        assert sum(sim.counters.values()) - before < 60
        wire.hidden = ()
        await asyncio.gather(*jobs)
        assert a2e.stats().healthy


@virtual(opened=False, task_seconds=300)
async def test_batch_looks_that_never_have_a_task_hold_nobody_up(sim):
    """A family whose polls of many answer with nothing at all is asked task by task, more and more of the time."""
    wire = Hiding(sim, 0.05)
    wire.hidden_in_batches = True
    async with client(sim, http=wire) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(5)]
        await asyncio.gather(*jobs)
        assert now() < 340


@virtual(task_seconds=100)
async def test_an_id_that_nobody_knows_is_refused_soon_all_the_same(a2e, sim):
    """A slip of the pen waits for no minutes, be it one or ten of them, beside tasks that are there."""
    job = a2e.start(VIDEO)
    await job.accepted()
    wrong = [a2e.attach("image_to_video", f"{number:024x}") for number in range(10)]
    for one in wrong:
        error = await caught(one.wait())
        assert isinstance(error, NotFoundError)
    assert now() < 30
    await job


PAGES = [("html", {}), ("status", {"status": 403, "body": "html"}), ("status", {"status": 401, "body": "html"})]


@pytest.mark.parametrize(("kind", "details"), PAGES)
@pytest.mark.parametrize("seconds", [14, 600])
@virtual(opened=False, task_seconds=20)
async def test_a_firewalls_page_ends_no_job(sim, kind, details, seconds):
    """It is a matter of health, however long it lasts."""
    async with client(sim) as a2e:
        jobs = [a2e.start(request) for request in [VIDEO, IMAGE] * 10]
        await asyncio.gather(*(job.accepted() for job in jobs))
        for route in ("batch", "detail"):
            sim.faults.add(f"*.{route}", kind, hits=None, **details)
        await asyncio.sleep(seconds)
        assert not a2e.stats().healthy
        assert not any(job.done() for job in jobs)
        sim.faults.clear()
        await asyncio.gather(*jobs)


@virtual(opened=False, task_seconds=200)
async def test_a_token_is_refused_for_good_only_after_a_minute(sim):
    """The service's own 401 for fifty seconds loses nothing; later each job has an error of its own."""
    async with client(sim) as a2e:
        jobs = [a2e.start(VIDEO) for _ in range(5)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        for route in ("batch", "detail"):
            sim.faults.add(f"*.{route}", "status", status=401, hits=None)
        await asyncio.sleep(50)
        assert not any(job.done() for job in jobs)
        sim.faults.clear()
        await until(lambda: a2e.stats().healthy)
        for route in ("batch", "detail"):
            sim.faults.add(f"*.{route}", "status", status=401, hits=None)
        errors = [await caught(job.wait()) for job in jobs]
        assert {type(error) for error in errors} == {AuthenticationError}
        assert len({id(error) for error in errors}) == 5
        assert [error.task_ids for error in errors] == [job.task_ids for job in jobs]


@virtual(task_seconds=40, options={"cadence": Cadence(delay=20)})
async def test_a_missing_batch_route_costs_no_task_a_turn(a2e, sim):
    """Its tasks are asked for alone in the same moment, not an interval later."""
    jobs = [a2e.start(VIDEO) for _ in range(3)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    sim.faults.add("*.batch", "no_route", hits=None)
    await until(lambda: sim.counters["image_to_video.batch"])
    await asyncio.sleep(1)
    assert sim.counters["image_to_video.batch"] == 1
    assert sim.counters["image_to_video.detail"] >= 1
    for job in jobs:
        job.detach()
