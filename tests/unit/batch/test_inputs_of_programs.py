"""What programs give in rows, and what uploads cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from batches import client, play, service
from photo_rows import done, uploads, waves
from photos import mp4, photo, png

from a2e_async import BudgetExceededError, ImageToVideo, InputFailedError, Transfers, UsageError
from a2e_async.batch import Batch, Row, State
from a2e_async.requests import VirtualTryOn

# What programs give.


def given(folder):
    """Make rows of what programs have: paths, bytes, open files, results and other rows."""
    fields = {"prompt": "she waves", "negative_prompt": "blurry"}
    return {
        "path": ImageToVideo(photo(folder / "a.png", 1), **fields),
        "bytes": ImageToVideo(png(2), **fields),
        "row": Row("row", "image_to_video", {**fields, "image_url": "row:path-of-a-kite"}),
        "two": VirtualTryOn([folder / "a.png", png(2)]),
    }


async def test_programs_give_paths_bytes_open_files_and_rows(tmp_path):
    """Each content is uploaded once; a row's id is that of its content, so that the same program pays once."""
    async with service() as sim:
        for _ in range(2):
            rows = given(tmp_path)
            others = [rows.pop("row"), Row("path-of-a-kite", "text_to_image", {"prompt": "a kite"})]
            with (tmp_path / "a.png").open("rb") as source:
                more = [Row("open", ImageToVideo(source, prompt="she waves", negative_prompt="blurry"))]
                made = [*(Row(name, one) for name, one in rows.items()), *others, *more, rows["path"], rows["bytes"]]
                run = await play(tmp_path / "out", sim, made)
            assert done(run), [one.error for one in run.outcomes.values()]
        assert (uploads(sim), len(sim.book.starts)) == (2, 8)


@pytest.mark.parametrize(("value", "words"), [
    (b"no image", "image_url: 8 bytes is not an image"),
    (Path("nowhere.png"), "image_url: .*nowhere.png.* cannot be read"),
    (mp4(), "image_url: takes an image"),
])  # fmt: skip
async def test_a_file_of_a_program_that_is_none_is_told(tmp_path, value, words):
    """With the row and the field, before anything is sent."""
    row = Row("me", ImageToVideo(value, prompt="she waves", negative_prompt="blurry"))
    async with service() as sim:
        with pytest.raises(UsageError, match=words):
            await play(tmp_path, sim, [row])
        assert sim.counters["presign"] == 0


async def test_a_job_is_no_input_of_a_row(tmp_path):
    """It ends with its process; the words say what to give."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        job = a2e.text_to_image("a kite")
        with pytest.raises(UsageError, match="give the job's row, as row:ID"):
            [one async for one in batch.run([ImageToVideo(job, prompt="a", negative_prompt="b")])]
        await job


# Coins.


async def test_coins_of_uploads_count_for_the_limit_in_all_lives(tmp_path):
    """Nothing is uploaded for which no coins are left; what was paid is known to the next run."""
    rows = waves(tmp_path, *(photo(tmp_path / f"{n}.png", n).name for n in range(4)))
    async with service(prices={"upload": 7, "image_to_video": 30}) as sim:
        options = {"transfers": Transfers(upload_price=7)}
        run = await play(tmp_path / "out", sim, rows, options=options, max_coins=80)
        assert isinstance(run.stopped_by, BudgetExceededError)
        spent = 100_000 - sim.world.account.coins
        assert spent <= 80
        again = await play(tmp_path / "out", sim, rows, options=options, max_coins=80)
        assert isinstance(again.stopped_by, BudgetExceededError)
        assert 100_000 - sim.world.account.coins <= 80
        assert done(await play(tmp_path / "out", sim, rows, options=options, max_coins=148))
        assert (uploads(sim), len(sim.book.starts)) == (4, 4)


async def test_an_upload_whose_answer_was_lost_is_told(tmp_path):
    """It may have been charged, and is made anew by the next run."""
    rows = waves(tmp_path, photo(tmp_path / "a.png").name)
    async with service() as sim:
        sim.faults.add("presign", "reset", when="after")
        run = await play(tmp_path / "out", sim, rows)
        (outcome,) = run.outcomes.values()
        assert isinstance(outcome.error, InputFailedError)
        assert outcome.entry.state is State.PLANNED
        assert "a.png could not be uploaded" in outcome.entry.error
        assert done(await play(tmp_path / "out", sim, rows))
        assert len(sim.book.starts) == 1
