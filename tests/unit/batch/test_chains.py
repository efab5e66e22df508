"""Rows that take the output of other rows."""

from __future__ import annotations

import pytest
from batches import (
    KITE,
    Asked,
    bring_to,
    client,
    forget,
    image,
    play,
    service,
    video,
)

from a2e_async import (
    A2EError,
    DownloadError,
)
from a2e_async.batch import Batch, State


async def test_a_video_is_made_of_the_image_of_another_row(tmp_path):
    """Text to image to video in one file, in whatever order."""
    async with service() as sim:
        run = await play(tmp_path, sim, [video("video", "edited"), image("edited", image_from="kite"), KITE])
        assert run.order == ["kite", "edited", "video"]
        assert all(one.entry.state is State.DONE for one in run.outcomes.values())
        assert [path.suffix for one in run.outcomes.values() for path in one.paths] == [".png", ".png", ".mp4"]
        _first, second, third = (sim.world.task(start.task_ids[0]) for start in sim.book.starts)
        assert second.fields["input_images"][0].startswith(sim.url)
        assert third.fields["image_url"].startswith(sim.url)


async def test_a_chain_goes_on_from_a_image_of_an_earlier_run(tmp_path):
    """Its link has expired by then, and is asked for anew."""
    async with service(file_ttl=30) as sim:
        await play(tmp_path, sim, [KITE])
        old = await _link(sim)
        await sim.clock.sleep(30)
        since = Asked(sim)
        run = await play(tmp_path, sim, [KITE, video("video", "kite")])
        assert run.outcomes["video"].entry.state is State.DONE
        assert (since("text_to_image.detail"), since("text_to_image.start"), since("image_to_video.start")) == (1, 0, 1)
        used = sim.world.task(sim.book.starts[-1].task_ids[0]).fields["image_url"]
        assert used.startswith(sim.url)
        assert used != old


async def _link(sim):
    async with client(sim) as a2e:
        return (await a2e.record("text_to_image", next(iter(sim.book.tasks)))).urls[0]


async def test_a_row_takes_what_a_row_of_an_earlier_run_has_made(tmp_path):
    """Also when that one is not given any more, as when one row of a chain alone is done again."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE, video("video", "kite")])
        async with client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
            (again,) = [one async for one in batch.run(await batch.redo("video"))]
        run = await play(tmp_path, sim, [video("second", "kite")])
        assert {again.entry.state, run.outcomes["second"].entry.state} == {State.DONE}
        assert sim.counters["text_to_image.start"] == 1


async def test_a_chain_whose_image_is_gone_waits_and_is_not_paid_for(tmp_path):
    """The row stays planned and says why."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        await forget(sim)
        run = await play(tmp_path, sim, [KITE, video("video", "kite")])
        assert isinstance(run.outcomes["video"].error, DownloadError)
        assert run.outcomes["video"].entry.state is State.PLANNED
        assert "kite" in run.outcomes["video"].entry.error
        assert sim.counters["image_to_video.start"] == 0


async def test_a_chain_whose_source_failed_is_not_started(tmp_path):
    """Each row of it is given with its reason, and goes on when the source is retried."""
    rows = [image("kite", "[fail]"), video("video", "kite"), video("video2", "video"), image("other")]
    async with service() as sim:
        run = await play(tmp_path, sim, rows)
        assert {row: one.entry.state for row, one in run.outcomes.items()} == {
            "kite": State.FAILED, "video": State.REFUSED, "video2": State.REFUSED, "other": State.DONE,
        }  # fmt: skip
        told = {row: (type(run.outcomes[row].error), run.outcomes[row].entry.error) for row in ("video", "video2")}
        assert told == {
            "video": (A2EError, "its source kite failed"),
            "video2": (A2EError, "its source video was refused"),
        }
        assert sim.counters["image_to_video.start"] == 0
        rows[0] = image("kite")
        run = await play(tmp_path, sim, rows[:2], retry_failed=True)
        assert run.outcomes["video"].entry.state is State.DONE


async def test_a_chain_whose_source_is_missing_is_told_at_the_end(tmp_path):
    """A source may come late, so only the end of the rows tells."""
    async with service() as sim:
        run = await play(tmp_path, sim, [video("video", "nobody"), video("video2", "video"), KITE])
        assert run.order == ["kite", "video", "video2"]
        assert "its source nobody is not among the rows" in str(run.outcomes["video"].error)
        assert run.outcomes["video"].entry.state is State.PLANNED


@pytest.mark.parametrize("state", [State.ACCEPTED, State.INTENDED])
async def test_a_chained_row_that_was_begun_goes_on(tmp_path, state):
    """What was accepted needs no image any more, what was intended is looked for first."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        await bring_to(tmp_path, video("video", "kite"), state, sim=sim)
        run = await play(tmp_path, sim, [video("video", "kite"), KITE])
        assert run.outcomes["video"].entry.state is State.DONE
        assert sim.counters["image_to_video.start"] == 0
