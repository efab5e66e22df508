"""Rows that take files and outputs of other rows, run against the simulated service."""

from __future__ import annotations

import json
import time

import pytest
from batches import KITE, bring_to, client, entries, image, one_bill_each, play, service
from ledgers import opened
from photo_rows import done, uploads, waves
from photos import photo, png

from a2e_async import A2EError, UsageError
from a2e_async.batch import Batch, Row, State, read_file
from a2e_async.batch.files import Files
from a2e_async.batch.inputs import OutputOf


def table(folder, *lines):
    """Write a table and read its rows."""
    path = folder / "rows.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    file = read_file(path)
    assert file.bad == ()
    return file.rows


async def test_text_to_image_to_video_to_upscale_to_caption_removal_in_one_table(tmp_path):
    """Rows chain through any families and any fields, in whatever order they stand."""
    rows = table(
        tmp_path,
        "id,family,prompt,negative_prompt,image_url,source_url",
        "clean,caption_removal,,,,row:large",
        "large,upscale,,,,row:video",
        "video,image_to_video,it climbs,blurry,row:kite,",
        "kite,text_to_image,a red kite,,,",
    )
    async with service() as sim:
        run = await play(tmp_path / "out", sim, rows)
        assert done(run)
        assert run.order == ["kite", "video", "large", "clean"]
        assert one_bill_each(sim, 4)
        given = [sim.world.task(start.task_ids[0]).fields for start in sim.book.starts]
        assert [name for one in given for name in ("image_url", "source_url") if name in one] == [
            "image_url", "source_url", "source_url",
        ]  # fmt: skip


async def test_two_images_of_two_rows_go_into_one_try_on(tmp_path):
    """A field that takes a list takes them in its order; it waits for all, and an output is named by its number."""
    rows = table(
        tmp_path,
        "id,family,prompt,max_images,image_urls",
        "worn,virtual_try_on,,,row:clothes#2 row:person",
        "person,text_to_image,a person,,",
        "clothes,text_to_image,clothes,2,",
    )
    async with service() as sim:
        run = await play(tmp_path / "out", sim, rows)
        assert done(run)
        tasks = {row: one.entry.task_ids for row, one in run.outcomes.items()}
        taken = sim.world.task(sim.book.starts[-1].task_ids[0]).fields["image_urls"]
        async with client(sim) as a2e:
            clothes = [(await a2e.record("text_to_image", one)).urls[0] for one in tasks["clothes"]]
            person = (await a2e.record("text_to_image", tasks["person"][0])).urls[0]
        assert [url.partition("?")[0] for url in taken] == [url.partition("?")[0] for url in (clothes[1], person)]


async def test_a_row_that_takes_two_is_not_started_when_one_of_them_fails(tmp_path):
    """In plain words, and so is what waits for it; also when the bad one ended long before."""
    rows = [
        image("good"),
        image("bad", "[fail]"),
        Row("both", "virtual_try_on", {"image_urls": [OutputOf("good"), OutputOf("bad")]}),
        Row("after", "virtual_try_on", {"image_urls": [OutputOf("both"), OutputOf("good")]}),
    ]
    async with service() as sim:
        run = await play(tmp_path, sim, rows)
        told = {row: one.entry.error for row, one in run.outcomes.items() if row in ("both", "after")}
        assert told == {"both": "its source bad failed", "after": "its source both was refused"}
        assert sim.counters["virtual_try_on.start"] == 0
        late = Row("late", "virtual_try_on", {"image_urls": [OutputOf("good"), OutputOf("bad")]})
        run = await play(tmp_path, sim, [*rows, *(image(f"r{n}") for n in range(600)), late])
        assert run.outcomes["late"].entry.error == "its source bad failed"
        assert sim.counters["virtual_try_on.start"] == 0


async def test_a_row_that_names_an_output_too_many_is_refused_by_what_was_made(tmp_path):
    """Where nobody could say before how many there would be."""
    rows = [KITE, Row("worn", "virtual_try_on", {"image_urls": [OutputOf("kite"), OutputOf("kite", 2)]})]
    async with service() as sim:
        run = await play(tmp_path, sim, rows)
        assert run.outcomes["worn"].entry.state is State.REFUSED
        assert "has made 1 output, so there is no row:kite#2" in run.outcomes["worn"].entry.error
        assert sim.counters["virtual_try_on.start"] == 0


# Files.


async def test_the_same_photos_in_many_rows_are_uploaded_once(tmp_path):
    """Ten photos in five hundred rows are ten uploads, and in the next run none."""
    for number in range(10):
        photo(tmp_path / f"{number}.png", number)
    head = "id,family,prompt,negative_prompt,image_url"
    lines = [f"r{n},image_to_video,wave {n},blurry,{n % 10}.png" for n in range(500)]
    async with service() as sim:
        assert done(await play(tmp_path / "out", sim, table(tmp_path, head, *lines)))
        assert (uploads(sim), sim.counters["presign"]) == (10, 10)
        assert one_bill_each(sim, 500)
        more = "more,image_to_video,wave,blurry,3.png"
        assert done(await play(tmp_path / "out", sim, table(tmp_path, head, *lines, more)))
        assert (uploads(sim), len(sim.book.starts)) == (10, 501)


async def test_a_file_that_was_changed_since_is_told_and_left_to_redo(tmp_path, caplog):
    """As an edited row is; one that was not begun is taken as it is now."""
    photo(tmp_path / "me.png", 1)
    async with service() as sim:
        await play(tmp_path / "out", sim, waves(tmp_path, "me.png"))
        photo(tmp_path / "me.png", 2)
        await play(tmp_path / "out", sim, waves(tmp_path, "me.png"))
        assert "row me.png was edited after it was begun" in caplog.text
        assert (uploads(sim), len(sim.book.starts)) == (1, 1)
        async with client(sim) as a2e, Batch.open(tmp_path / "out", a2e) as batch:
            (outcome,) = [one async for one in batch.run(await batch.redo("me.png"))]
        assert outcome.entry.state is State.DONE
        assert (uploads(sim), len(sim.book.starts)) == (2, 2)


async def test_a_file_that_changes_while_the_batch_runs_is_not_sent(tmp_path):
    """It is not what the row says; the next run reads it again, and nothing was paid for."""
    rows = waves(tmp_path, photo(tmp_path / "me.png", 1).name, photo(tmp_path / "you.png", 3).name)
    photo(tmp_path / "me.png", 2)
    (tmp_path / "you.png").unlink()
    async with service() as sim:
        run = await play(tmp_path / "out", sim, rows)
        told = {row: str(one.error) for row, one in run.outcomes.items()}
        assert "me.png has changed since it was read" in told["me.png"]
        assert "you.png cannot be read: No such file" in told["you.png"]
        assert {one.entry.state for one in run.outcomes.values()} == {State.PLANNED}
        assert (uploads(sim), len(sim.book.starts)) == (0, 0)


@pytest.mark.parametrize("left", [3600, 2 * 24 * 3600])
async def test_an_upload_is_made_anew_when_its_url_has_less_than_a_day(tmp_path, left):
    """A task may wait for hours before the service fetches it."""
    rows = waves(tmp_path, photo(tmp_path / "a.png").name, photo(tmp_path / "b.png").name)
    async with service() as sim:
        await play(tmp_path / "out", sim, rows[:1])
        async with opened(tmp_path / "out") as book:
            key = f"upload:{rows[0].fields['image_url'].sha256}"
            kept = json.loads(await book.kept(key))
            await book.keep(key, json.dumps({**kept, "until": time.time() + left}))
        await play(tmp_path / "out", sim, rows)
        assert uploads(sim) == (2 if left < 24 * 3600 else 1)


async def test_a_start_that_was_sent_is_looked_for_also_when_its_file_is_gone(tmp_path):
    """It may have been paid for: it is found, and never sent again."""
    there, absent = waves(tmp_path, photo(tmp_path / "a.png").name, photo(tmp_path / "b.png", 2).name)
    async with service() as sim:
        await bring_to(tmp_path / "out", there, State.INTENDED, sim=sim)
        await bring_to(tmp_path / "out", absent, State.INTENDED, there=False, age=60)
        (tmp_path / "a.png").unlink(), (tmp_path / "b.png").unlink()
        run = await play(tmp_path / "out", sim, [there, absent])
        assert run.outcomes["a.png"].entry.state is State.DONE
        assert run.outcomes["b.png"].entry.state in (State.INTENDED, State.UNKNOWN)
        assert sim.counters["image_to_video.start"] == 0


async def test_what_the_ledger_says_of_a_file_is_checked(tmp_path):
    """A ledger may be somebody else's: what it says of a file's content is compared before anything is uploaded."""
    secret = photo(tmp_path / "secret.png", 7)
    async with service() as sim:
        await bring_to(tmp_path / "out", waves(tmp_path, photo(tmp_path / "a.png").name)[0], State.PLANNED)
        async with opened(tmp_path / "out") as book:
            (entry,) = (await book.known(["a.png"])).values()
            fields = json.dumps({**entry.fields, "image_url": {**entry.fields["image_url"], "at": str(secret)}})
            await book.write(("UPDATE rows SET fields = ?", (fields,)))
        async with client(sim) as a2e, Batch.open(tmp_path / "out", a2e) as batch:
            (outcome,) = [one async for one in batch.run(await batch.redo("a.png"))]
        assert "has changed since it was read" in str(outcome.error)
        assert uploads(sim) == 0


async def test_the_ledger_keeps_what_a_row_was_given(tmp_path):
    """The file by its name and content, the other row by its id; a row comes back from it."""
    (row,) = waves(tmp_path, photo(tmp_path / "a.png").name)
    async with service() as sim:
        await play(tmp_path / "out", sim, [row])
        kept = (await entries(tmp_path / "out"))["a.png"].fields["image_url"]
        assert kept["file"] == "a.png"
        assert kept["bytes"] == len(png())
        assert (tmp_path / "out/a.mp4").is_file()


async def test_an_upload_that_fails_stops_the_run_and_pays_for_nothing(tmp_path):
    """A storage that is away concerns every row; the next run goes on."""
    rows = waves(tmp_path, photo(tmp_path / "a.png").name)
    async with service() as sim:
        sim.faults.add("upload", "status", status=503, hits=None)
        run = await play(tmp_path / "out", sim, rows)
        assert isinstance(run.stopped_by, A2EError)
        assert len(sim.book.starts) == 0
        sim.faults.clear()
        assert done(await play(tmp_path / "out", sim, rows))


def test_a_file_that_is_no_media_cannot_be_given(tmp_path):
    """Also by a program."""
    (tmp_path / "a.png").write_text("words")
    with pytest.raises(ValueError, match="is not an image"):
        Files(tmp_path).take("a.png")
    assert not issubclass(ValueError, UsageError)
