"""What a job costs: bytes, not time, so that a busy machine changes nothing."""

from __future__ import annotations

import asyncio
import gc

import pytest
from benchmark import figures
from virtual_time import play_out

from a2e_async import A2EClient, JobFailedError, Result
from a2e_async.simulator.virtual import DirectTransport, virtual_app


@pytest.mark.slow
@pytest.mark.timeout(400)  # it counts bytes, and a machine that is busy with other things may take its time
def test_twenty_thousand_jobs_are_light():
    """A queued or running job costs at most 4 KiB, and no asyncio task of its own."""
    measured = figures("weight")
    assert 100 < measured["memory of a queued job"] <= 1024
    assert 100 < measured["memory of a running job"] <= 4096
    assert 2 < measured["asyncio tasks with queued jobs"] <= 40
    assert measured["asyncio tasks with running jobs"] <= 10


@pytest.mark.parametrize(("prompt", "kind"), [("a kite", Result), ("[fail] a kite", JobFailedError)])
def test_jobs_leave_no_reference_cycles(prompt, kind):
    """A process with very many jobs can do without Python's garbage collector, whose full runs would hold its loop."""

    async def story():
        app = virtual_app(task_seconds=2, coins=100_000)
        async with A2EClient(app.world.switches.token, base_url="http://127.0.0.1:1", http=DirectTransport(app)) as a2e:
            for _round in range(2):  # the first makes what is made once
                gc.collect()
                gc.disable()
                jobs = [a2e.text_to_image(f"{prompt}, number {number}") for number in range(100)]
                ends = await asyncio.gather(*(job.wait() for job in jobs), return_exceptions=True)
                assert {type(end) for end in ends} == {kind}
                del jobs, ends
        return gc.collect()

    try:
        assert play_out(story()) <= 20
    finally:
        gc.enable()
