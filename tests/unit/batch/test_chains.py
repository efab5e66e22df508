"""Rows that take the output of other rows."""

from __future__ import annotations

import pytest
from batches import (
    KITE,
    Asked,
    bring_to,
    client,
    film,
    forget,
    picture,
    play,
    service,
)

from a2e_async import (
    A2EError,
    DownloadError,
)
from a2e_async.batch import State


async def test_a_film_is_made_of_the_picture_of_another_row(tmp_path):
    """Text to image to film in one file, in whatever order."""
    async with service() as sim:
        run = await play(tmp_path, sim, [film("film", "edited"), picture("edited", image_from="kite"), KITE])
        assert run.order == ["kite", "edited", "film"]
        assert all(one.entry.state is State.DONE for one in run.outcomes.values())
        assert [path.suffix for one in run.outcomes.values() for path in one.paths] == [".png", ".png", ".mp4"]
        _first, second, third = (sim.world.task(start.task_ids[0]) for start in sim.book.starts)
        assert second.fields["input_images"][0].startswith(sim.url)
        assert third.fields["image_url"].startswith(sim.url)


async def test_a_chain_goes_on_from_a_picture_of_an_earlier_run(tmp_path):
    """Its link has expired by then, and is asked for anew."""
    async with service(file_ttl=30) as sim:
        await play(tmp_path, sim, [KITE])
        old = await _link(sim)
        await sim.clock.sleep(30)
        since = Asked(sim)
        run = await play(tmp_path, sim, [KITE, film("film", "kite")])
        assert run.outcomes["film"].entry.state is State.DONE
        assert (since("text_to_image.detail"), since("text_to_image.start"), since("image_to_video.start")) == (1, 0, 1)
        used = sim.world.task(sim.book.starts[-1].task_ids[0]).fields["image_url"]
        assert used.startswith(sim.url)
        assert used != old


async def _link(sim):
    async with client(sim) as a2e:
        return (await a2e.look("text_to_image", next(iter(sim.book.tasks)))).urls[0]


async def test_a_chain_whose_picture_is_gone_waits_and_is_not_paid_for(tmp_path):
    """The row stays planned and says why."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        await forget(sim)
        run = await play(tmp_path, sim, [KITE, film("film", "kite")])
        assert isinstance(run.outcomes["film"].error, DownloadError)
        assert run.outcomes["film"].entry.state is State.PLANNED
        assert "kite" in run.outcomes["film"].entry.error
        assert sim.counters["image_to_video.start"] == 0


async def test_a_chain_whose_source_failed_is_not_started(tmp_path):
    """Each row of it is given with its reason, and goes on when the source is retried."""
    rows = [picture("kite", "[fail]"), film("film", "kite"), film("film2", "film"), picture("other")]
    async with service() as sim:
        run = await play(tmp_path, sim, rows)
        assert {row: one.entry.state for row, one in run.outcomes.items()} == {
            "kite": State.FAILED, "film": State.REFUSED, "film2": State.REFUSED, "other": State.DONE,
        }  # fmt: skip
        told = {row: (type(run.outcomes[row].error), run.outcomes[row].entry.error) for row in ("film", "film2")}
        assert told == {
            "film": (A2EError, "its source kite failed"),
            "film2": (A2EError, "its source film was refused"),
        }
        assert sim.counters["image_to_video.start"] == 0
        rows[0] = picture("kite")
        run = await play(tmp_path, sim, rows[:2], retry_failed=True)
        assert run.outcomes["film"].entry.state is State.DONE


async def test_a_chain_whose_source_is_missing_is_told_at_the_end(tmp_path):
    """A source may come late, so only the end of the rows tells."""
    async with service() as sim:
        run = await play(tmp_path, sim, [film("film", "nobody"), film("film2", "film"), KITE])
        assert run.order == ["kite", "film", "film2"]
        assert "its source nobody is not among the rows" in str(run.outcomes["film"].error)
        assert run.outcomes["film"].entry.state is State.PLANNED


@pytest.mark.parametrize("state", [State.ACCEPTED, State.INTENDED])
async def test_a_chained_row_that_was_begun_goes_on(tmp_path, state):
    """What was accepted needs no picture any more, what was intended is looked for first."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        await bring_to(tmp_path, film("film", "kite"), state, sim=sim)
        run = await play(tmp_path, sim, [film("film", "kite"), KITE])
        assert run.outcomes["film"].entry.state is State.DONE
        assert sim.counters["image_to_video.start"] == 0
