"""Rows that are edited after they were planned or begun."""

from __future__ import annotations

from collections import Counter

import pytest
from batches import (
    KITE,
    bring_to,
    image,
    images,
    one_bill_each,
    play,
    service,
    video,
)

from a2e_async import (
    ImageToVideo,
    TextToImage,
)
from a2e_async.batch import State


async def test_a_row_that_was_edited_before_it_was_begun_is_taken_as_it_is(tmp_path, caplog):
    """Only what was sent cannot be changed."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.PLANNED)
        await play(tmp_path, sim, [image("kite", "another")])
        assert sim.book.starts[0].name.startswith("another ~")
        assert not caplog.records


@pytest.mark.parametrize("state", [State.INTENDED, State.ACCEPTED, State.COMPLETED])
async def test_a_row_that_was_edited_after_it_was_begun_keeps_its_first_version(tmp_path, caplog, state):
    """Also when its family was changed: the task that was paid for is brought home, and a warning says so once."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, state, sim=sim, there=state is not State.INTENDED)
        edited = ImageToVideo("https://example.com/a.png", prompt="it climbs", negative_prompt="blurry")
        row = video("kite", None, edited.prompt)
        row.fields["image_url"] = edited.image_url
        run = await play(tmp_path, sim, [row])
        known = run.outcomes["kite"].entry
        assert (known.state, known.family, known.fields) == (State.DONE, "text_to_image", {"prompt": "a kite"})
        assert run.outcomes["kite"].row.family.name == "text_to_image"
        assert sim.counters["image_to_video.start"] == 0
        assert [record.message for record in caplog.records if "keeps its first version" in record.message] == [
            "row kite was edited after it was begun and keeps its first version; redo kite starts it again as it is now"
        ]


async def test_a_row_that_is_retried_is_taken_as_it_is_now(tmp_path):
    """A prompt that was refused can be mended."""
    async with service() as sim:
        await play(tmp_path, sim, [image("kite", "[fail] a kite")])
        run = await play(tmp_path, sim, [KITE], retry_failed=True)
        assert run.outcomes["kite"].entry.state is State.DONE
        assert run.outcomes["kite"].entry.fields == {"prompt": "a kite"}


async def test_a_file_that_is_edited_adds_work_and_repeats_none(tmp_path):
    """Rows without ids: what is new is started, what was there is not."""
    async with service() as sim:
        await play(tmp_path, sim, [TextToImage("a"), TextToImage("b")])
        await play(tmp_path, sim, [TextToImage("c"), TextToImage("b"), TextToImage("b")])
        assert Counter(start.name[0] for start in sim.book.starts) == {"a": 1, "b": 2, "c": 1}


async def test_lists_and_tuples_are_the_same_row(tmp_path, caplog):
    """JSON knows lists only, which is no edit."""
    async with service() as sim:
        links = (f"{sim.url}/a.png", f"{sim.url}/b.png")
        for kind in (tuple, list):
            await play(tmp_path, sim, [image("kite", input_images=kind(links))])
        assert len(sim.book.starts) == 1
        assert not caplog.records


async def test_the_same_rows_in_another_folder_are_new_intents(tmp_path):
    """Two batches never take each other's tasks for their own."""
    async with service() as sim:
        for name in ("one", "two"):
            await play(tmp_path / name, sim, images(3))
        assert one_bill_each(sim, 6)
