"""From a client's events to what people see of its jobs."""

from __future__ import annotations

import asyncio
import re

import pytest
from virtual_time import IMAGE, until, virtual

from a2e_async import Cadence, Status, TextToImage
from a2e_async.cli.board_updates import BoardUpdates
from a2e_async.cli.codes import DONE, FAILED
from a2e_async.cli.display.board import Board
from a2e_async.cli.jobs import run_jobs
from a2e_async.cli.run import Run
from a2e_async.cli.settings import Settings

OFTEN = {"cadence": Cadence(delay=0.1)}
LIFE = ["initialized", "sent", "pending", "processing", "completed"]


def plain_run() -> Run:
    """Give the run of a command off a terminal."""
    return Run(Settings(), board=Board())


def told(capsys) -> list[str]:
    """Give the lines on stderr without times and families."""
    return [re.sub(r"^ *[\d.]+ s  \w+  ", "", line) for line in capsys.readouterr().err.splitlines()]


@virtual(options=OFTEN, task_seconds=20)
async def test_each_status_is_a_line(a2e, sim, capsys):
    """A job's whole life is on the board, in order, and ends with what came of it."""
    assert await run_jobs(plain_run(), a2e, [(a2e.start(IMAGE), "a kite")], None) == DONE
    assert told(capsys) == [f"a kite: {word}" for word in [*LIFE, "done"]]


@virtual(options=OFTEN, task_seconds=5)
async def test_jobs_that_fail_or_never_begin(a2e, sim, capsys):
    """Each row ends with its own words; the coins of those that were taken are summed up."""
    sim.faults.add("text_to_image.start", "status", status=400)
    jobs = [(a2e.start(TextToImage(prompt)), prompt) for prompt in ("refused", "bad [fail]", "good")]
    assert await run_jobs(plain_run(), a2e, jobs, None) == FAILED
    lines = told(capsys)
    assert {"refused: refused", "bad [fail]: failed", "good: done"} <= set(lines)
    assert [line for line in lines if line.startswith("refused")] == ["refused: refused"]
    assert any(line.startswith("1 of 3 done · 2 failed · 20 coins") for line in lines)


@virtual(options=OFTEN, task_seconds=20)
async def test_a_task_that_somebody_else_started(a2e, sim, capsys):
    """A task that is attached to is watched until the first poll says more."""
    job = a2e.start(IMAGE)
    await until(lambda: job.status is Status.PROCESSING)
    job.detach()
    [task_id] = job.task_ids
    assert await run_jobs(plain_run(), a2e, [(a2e.attach("text_to_image", task_id), task_id)], None) == DONE
    assert told(capsys) == [f"{task_id}: {word}" for word in ("watched", "processing", "completed", "done")]


@pytest.mark.parametrize(("seconds", "lines"), [(1, 0), (30, 2)])
@virtual(options={"cadence": Cadence(delay=0.5)}, task_seconds=90)
async def test_an_outage_is_told_once(a2e, sim, capsys, seconds, lines):
    """Why nothing moves is said when it lasts, and when it is over; a hiccup is not worth a line."""
    seeing = asyncio.create_task(run_jobs(plain_run(), a2e, [(a2e.start(IMAGE), "a kite")], None))
    await asyncio.sleep(10)
    faults = [sim.faults.add(route, "status", status=503, hits=None) for route in ("*.batch", "*.detail")]
    await asyncio.sleep(seconds)
    for fault in faults:
        fault.hits = 0
    assert await seeing == DONE
    said = [line for line in told(capsys) if line.startswith("a2e: ")]
    assert [line.split()[1:4] for line in said] == [["the", "API", "does"], ["the", "API", "answers"]][:lines]
    if said:
        assert 25 < float(said[1].split()[-2]) < 60


@virtual(options=OFTEN, task_seconds=90)
async def test_a_display_that_is_left_says_no_more(a2e, sim, capsys):
    """After Ctrl-C nothing is listened to and nothing said, also in the middle of an outage."""
    job = a2e.start(IMAGE)
    seeing = asyncio.create_task(run_jobs(plain_run(), a2e, [(job, "a kite")], None))
    await asyncio.sleep(10)
    faults = [sim.faults.add(route, "status", status=503, hits=None) for route in ("*.batch", "*.detail")]
    await asyncio.sleep(2)
    seeing.cancel()
    await asyncio.wait([seeing])
    assert seeing.cancelled()
    assert "a2e display" not in {task.get_name() for task in asyncio.all_tasks()}
    await asyncio.sleep(10)
    for fault in faults:
        fault.hits = 0
    await job
    assert "a2e:" not in capsys.readouterr().err


@virtual(task_seconds=5)
async def test_a_job_that_is_left_is_shown_no_more(a2e, sim):
    """Who waited for a job says the rest: an event that comes late takes nothing back."""
    run = plain_run()
    async with BoardUpdates(run, a2e) as updates:
        row = run.board.add("text_to_image", "a kite")
        job = a2e.start(IMAGE)
        updates.add(job, row)
        updates.remove(job)
        run.board.change(row, "done", good=True)
        await job
    assert row.state == "done"
