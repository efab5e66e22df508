"""Several results at once: jobs, lists, names that are too long, and those who listen."""

from __future__ import annotations

import asyncio

import pytest
from video_results import result
from videos import QUICK, VIDEO, names

from a2e_async import A2EClient, Cadence, DownloadError, JobFailedError, Record, Result, Status, TextToImage
from a2e_async.engine.jobs.events import Downloaded
from a2e_async.simulator import serve


async def test_several_results_and_links_come_together(a2e, host, tmp_path):
    """A list may hold results, records and links; nothing is fetched under a name of another one."""
    one, two = result(host, 1), result(host, 2)
    paths = await a2e.download([one, two.records[0], host.url], tmp_path)
    assert [path.read_bytes() for path in paths] == [VIDEO] * 3
    assert len({path.name for path in paths}) == 3
    assert await a2e.download([], tmp_path) == []


def client(sim):
    """Make a client of a simulator."""
    return A2EClient(sim.token, base_url=sim.url, retry=QUICK, cadence=Cadence(delay=0.02))


async def test_a_job_is_waited_for(tmp_path):
    """`download(job)` waits for its result; one that fails raises its own error."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        jobs = [a2e.text_to_image("a red kite"), a2e.text_to_image("a blue kite")]
        assert len(await a2e.download(jobs, tmp_path)) == 2
        (path,) = await a2e.download(a2e.start(TextToImage("a kite")), tmp_path / "kite.png")
        assert path == tmp_path / "kite.png"
        with pytest.raises(JobFailedError):
            await a2e.download(a2e.text_to_image("[fail] a kite"), tmp_path)


async def test_whoever_listens_hears_of_each_download(a2e, host, tmp_path):
    """An event tells the tasks and the files, or what went wrong."""
    heard = []

    async def listen():
        heard.extend([event async for event in a2e.events()])

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    paths = await a2e.download([result(host, 1), host.url], tmp_path)
    host.script = [{"status": 400}]
    with pytest.raises(DownloadError):
        await a2e.download(f"{host.url}&other", tmp_path)
    await a2e.aclose()
    await listening
    first, second = [event for event in heard if isinstance(event, Downloaded)]
    assert (first.task_ids, first.paths, first.error) == ((f"{1:024}",), tuple(paths), None)
    assert (second.paths, type(second.error)) == ((), DownloadError)


async def test_a_record_without_a_family_has_no_fresh_link(a2e, host, tmp_path):
    """A record that was made by hand is fetched by its link, and nobody is asked for another one."""
    host.script = [{"status": 403}]
    record = Record(id="1" * 24, family="", name="夕日" * 90, status=Status.COMPLETED, urls=(host.url,))
    with pytest.raises(DownloadError, match="expired"):
        await a2e.download(Result((record,)), tmp_path)
    (path,) = await a2e.download(record, tmp_path)
    assert path.name.startswith("夕日")
    assert len(path.name.encode()) < 255
    assert names(tmp_path) == [path.name]
