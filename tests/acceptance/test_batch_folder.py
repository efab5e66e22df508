"""`a2e batch run` with a folder, a pattern, prompts and files as rows, and what is read again before a retry."""

from __future__ import annotations

import csv
import io
import json
import sys
from types import SimpleNamespace

import pytest
from batch_command import FAMILY, kites, statuses, write
from photos import mp4, photo

WAVES = ("--family", "image_to_video", "--prompt", "she waves", "--negative-prompt", "blurry", "--out", "out")


def made(folder):
    """Give the names of the videos and images in a folder."""
    return sorted(path.name for path in (folder / "out").iterdir() if path.suffix in (".mp4", ".png"))


def manifest(folder):
    """Give the rows of the manifest by their ids."""
    lines = (folder / "out/manifest.jsonl").read_text("utf-8").splitlines()
    return {row["row"]: row for row in map(json.loads, lines)}


async def test_a_folder_of_photos_becomes_videos_that_are_called_like_them(batch, sim, lonely):
    """Each once, in the order in which people count; a text beside a photo is its prompt, others are passed over."""
    for number in (1, 2, 10):
        photo(lonely.folder / f"photos/IMG_{number}.png", number)
    (lonely.folder / "photos/IMG_2.txt").write_text("she jumps\n", encoding="utf-8")
    (lonely.folder / "photos/notes.txt").write_text("mine", encoding="utf-8")
    (lonely.folder / "photos/clip.mp4").write_bytes(mp4())
    photo(lonely.folder / "photos/.hidden.png")
    (lonely.folder / "photos/more").mkdir()
    end = await batch("run", "photos/", *WAVES)
    assert end.code == 0, end.err
    assert "2 files of another kind passed over: clip.mp4, notes.txt" in end.err
    assert made(lonely.folder) == ["IMG_1.mp4", "IMG_10.mp4", "IMG_2.mp4"]
    rows = manifest(lonely.folder)
    assert list(rows) == ["IMG_1.png", "IMG_2.png", "IMG_10.png"]
    assert [row["prompt"] for row in rows.values()] == ["she waves", "she jumps", "she waves"]
    assert [row["inputs"]["image_url"]["file"] for row in rows.values()] == list(rows)
    assert (await batch("run", "photos", *WAVES)).code == 0
    assert (len(sim.book.starts), sim.counters["upload"]) == (3, 3)


async def test_a_pattern_stands_for_files_of_many_folders(batch, sim, lonely):
    """Ids have the folders in them, so that two photos of one name are two rows."""
    for name in ("a/me.png", "b/me.png", "b/c/me.png"):
        photo(lonely.folder / "photos" / name, len(name))
    end = await batch("run", "photos/**/*.png", *WAVES)
    assert end.code == 0, end.err
    assert list(manifest(lonely.folder)) == ["a/me.png", "b/c/me.png", "b/me.png"]
    assert made(lonely.folder) == ["a-me.mp4", "b-c-me.mp4", "b-me.mp4"]


async def test_two_files_of_one_name_are_told_by_their_suffix(batch, sim, lonely):
    """A file that comes later changes the id of none that was there, so nothing is paid for twice."""
    photo(lonely.folder / "photos/me.png", 1)
    await batch("run", "photos", *WAVES)
    photo(lonely.folder / "photos/me.webp", 2)
    photo(lonely.folder / "photos/you.png", 3), photo(lonely.folder / "photos/You.webp", 4)
    end = await batch("run", "photos", *WAVES)
    assert end.code == 0, end.err
    assert made(lonely.folder) == ["You-webp.mp4", "me-webp.mp4", "me.mp4", "you-png.mp4"]
    assert len(sim.book.starts) == 4


async def test_a_file_that_is_none_is_told_before_anything_is_sent(batch, sim, lonely):
    """By its name and what is wrong; the others are run on demand."""
    photo(lonely.folder / "photos/me.png")
    (lonely.folder / "photos/broken.jpg").write_text("no image")
    (lonely.folder / "photos/empty.jpg").touch()
    (lonely.folder / "photos/out.png").symlink_to("/etc/passwd")
    (lonely.folder / "photos/you.png").symlink_to("me.png")
    (lonely.folder / "photos/you.txt").symlink_to("/etc/passwd")
    end = await batch("run", "photos", *WAVES)
    assert end.code == 2
    for words in (
        "broken.jpg) : image_url: ",
        "(empty.jpg): image_url: ",
        "(out.png): image_url: ",
        "(you.png): prompt: ",
    ):
        assert words.replace(") :", "):") in end.err
    assert "4 of 5 rows invalid: nothing was started" in end.err
    assert (len(sim.book.starts), sim.counters["presign"]) == (0, 0)
    assert (await batch("run", "photos", *WAVES, "--skip-bad-rows")).code == 1
    assert len(sim.book.starts) == 1


USAGE = {
    "no source": ((*WAVES,), "give a rows file, a folder"),
    "two sources": (("a.png", "b.png", *WAVES), "stands in quotes, as in 'photos/*.jpg'"),
    "nothing there": (("nowhere", *WAVES), "there is no file and no folder 'nowhere'"),
    "an empty folder": (("empty", *WAVES), "empty holds no image files"),
    "a pattern for nothing": (("empty/*.png", *WAVES), "holds no image files"),
    "no family": (("photos", "--out", "out"), "family: must be given"),
    "a field that is none": (("photos", *WAVES, "--field", "foo"), "has no field 'foo' that takes a file"),
    "a family that takes no file": (("photos", "--family", "sound2", "--out", "out"), "there is no family"),
    "a field without files": (("rows.jsonl", *WAVES, "--field", "image_url"), "--field has no use"),
    "a value without a field": (("photos", *WAVES, "--set", "video_time"), "--set: must be FIELD=VALUE"),
    "a value for no field": (("photos", *WAVES, "--set", "viedo_time=10"), "image_to_video has no field 'viedo_time'"),
    "prompts and a source": (("photos", "--prompts", "rows.jsonl", *WAVES), "give a rows file"),
}


@pytest.mark.parametrize("kind", USAGE)
async def test_a_source_that_cannot_be_is_told(batch, sim, lonely, kind):
    """In one line, before anything is sent."""
    words, told = USAGE[kind]
    photo(lonely.folder / "photos/me.png")
    (lonely.folder / "empty").mkdir()
    write(lonely.folder, "a kite")
    end = await batch("run", *words)
    assert (end.code, sim.counters.total()) == (2, 0)
    assert told in end.err


async def test_values_for_all_rows_stand_where_a_row_has_none(batch, sim, lonely):
    """A row's own go first."""
    rows = [{"id": "a", "prompt": "she sings"}, {"id": "b", "video_time": 5}, {"id": "c"}]
    (lonely.folder / "rows.json").write_text(json.dumps([{"image_url": "me.png", **row} for row in rows]))
    photo(lonely.folder / "me.png")
    end = await batch("run", "rows.json", *WAVES, "--set", "video_time=10")
    assert end.code == 0, end.err
    given = {row: (one["prompt"], one["inputs"]["video_time"]) for row, one in manifest(lonely.folder).items()}
    assert given == {"a": ("she sings", 10), "b": ("she waves", 5), "c": ("she waves", 10)}


async def test_prompts_come_from_stdin_and_from_a_file(batch, sim, lonely, monkeypatch):
    """One a line, each a row, so that a prompt that is added costs one start."""
    stdin = SimpleNamespace(buffer=io.BytesIO(b"a red kite\n\na boat\n"), fileno=lambda: 0)
    monkeypatch.setattr(sys, "stdin", stdin)
    assert (await batch("run", "-", *FAMILY, "--out", "out")).code == 0
    (lonely.folder / "prompts.csv").write_text("a red kite\na boat\na boat, and a kite\n", encoding="utf-8")
    end = await batch("run", "--prompts", "prompts.csv", *FAMILY, "--out", "out")
    assert end.code == 0, end.err
    assert [row["prompt"] for row in manifest(lonely.folder).values()] == ["a red kite", "a boat", "a boat, and a kite"]
    assert len(sim.book.starts) == 3


async def test_a_dry_run_says_what_would_be_uploaded(batch, sim, lonely):
    """Each file once, by its name; nothing is uploaded or started."""
    photo(lonely.folder / "me.png")
    takes = {"a": "me.png", "b": "me.png", "c": "row:a"}
    rows = [{"id": one, "source_url": taken} for one, taken in takes.items()]
    (lonely.folder / "rows.json").write_text(json.dumps(rows))
    words = ("run", "rows.json", "--family", "upscale", "--out", "out", "--dry-run")
    end = await batch(*words)
    shown = [line.split()[1:] for line in end.out.splitlines()[:3]]
    assert shown == [[one, "upscale", "planned", taken] for one, taken in takes.items()]
    assert "up to 1 upload (69 bytes)" in end.out
    told = (await batch(*words, "--json")).data
    assert (told[0]["request"]["source_url"]["file"], told[2]["request"]["source_url"]) == ("me.png", "row:a")
    assert (sim.counters["presign"], len(sim.book.starts)) == (0, 0)


async def test_own_columns_are_kept_on_demand(batch, sim, lonely):
    """In the manifests and on the page; without a word they are refused, and a slip of a field's name always is."""
    photo(lonely.folder / "me.png")
    head = "id,prompt,negative_prompt,image_url,customer,status"
    (lonely.folder / "rows.csv").write_text(f"{head}\na,waves,blurry,me.png,=Ann & Co,gold\nb,waves,blurry,me.png,,\n")
    words = ("run", "rows.csv", "--family", "image_to_video", "--out", "out")
    end = await batch(*words)
    assert (end.code, len(sim.book.starts)) == (2, 0)
    assert "or keep them with --keep-columns" in end.err
    assert (await batch(*words, "--keep-columns")).code == 0
    rows = manifest(lonely.folder)
    assert (rows["a"]["columns"], "columns" in rows["b"]) == ({"customer": "=Ann & Co", "status": "gold"}, False)
    assert rows["a"]["inputs"]["image_url"]["file"] == "me.png"
    assert str(lonely.folder) not in (lonely.folder / "out/manifest.jsonl").read_text("utf-8")
    with (lonely.folder / "out/manifest.csv").open(newline="") as text:
        table = list(csv.DictReader(text))
    assert [(one["customer"], one["own status"], one["status"]) for one in table] == [
        ("'=Ann & Co", "gold", "done"), ("", "", "done"),
    ]  # fmt: skip
    page = (lonely.folder / "out/index.html").read_text("utf-8")
    assert '["me.png","../me.png"],{"customer":"=Ann & Co","status":"gold"}' in page
    (lonely.folder / "rows.csv").write_text(f"{head}\na,waves,blurry,me.png,Bob,gold\nb,waves,blurry,me.png,,\n")
    assert (await batch(*words, "--keep-columns")).code == 0  # another customer is no other row
    assert (manifest(lonely.folder)["a"]["columns"]["customer"], len(sim.book.starts)) == ("Bob", 2)
    (lonely.folder / "rows.csv").write_text("id,prompt,negative_promt,image_url\na,waves,blurry,me.png\n")
    end = await batch(*words, "--keep-columns")
    assert (end.code, "did you mean negative_prompt?" in end.err) == (2, True)


# What is read again before a retry.


async def test_a_retry_reads_the_rows_again(batch, sim, lonely):
    """A row that was taken out since is not started, one that was mended is taken as it is now; no run in between."""
    sim.change(fails=lambda _family, body: "[bad]" in body["prompt"])
    name = write(lonely.folder, "a kite", "[bad] one", "[bad] two")
    assert (await batch("run", name, "--out", "out", *FAMILY)).code == 1
    write(lonely.folder, "a kite", "a good one")
    end = await batch("retry", "out", "--failed")
    assert end.code == 0, end.err
    assert [start.name.split(" ~")[0] for start in sim.book.starts[3:]] == ["a good one"]
    assert statuses(lonely.folder / "out") == ["done", "done", "failed"]


async def test_a_retry_of_rows_that_are_gone_says_so(batch, sim, lonely, monkeypatch):
    """And what can be done: their file as it is now, or the rows as the folder has them."""
    sim.change(fails=lambda _family, _body: True)
    name = write(lonely.folder, *kites(2))
    await batch("run", name, "--out", "out", *FAMILY)
    (lonely.folder / name).rename(lonely.folder / "moved.jsonl")
    for words in (("retry", "out", "--failed"), ("redo", "out", "row-0")):
        end = await batch(*words)
        assert (end.code, len(sim.book.starts)) == (2, 2)
        assert "the rows of this batch cannot be read again" in end.err
        assert "--as-kept goes by the rows as out has them" in end.err
    sim.change(fails=None)
    (lonely.folder / "elsewhere").mkdir()
    assert (await batch("redo", "out", "row-0", "--as-kept")).code == 0
    assert (await batch("retry", "out", "moved.jsonl", "--failed")).code == 0  # with the family of the first run
    monkeypatch.chdir(lonely.folder / "elsewhere")
    assert (await batch("retry", "../out", "--failed")).code == 0  # and this is where they are from now on
    assert len(sim.book.starts) == 4


async def test_redo_takes_a_file_as_it_is_now(batch, sim, lonely):
    """A photo that was changed is told by a run, and made again by redo; one that was removed is not."""
    for number, name in enumerate(("me.png", "you.png")):
        photo(lonely.folder / "photos" / name, number)
    await batch("run", "photos", *WAVES)
    photo(lonely.folder / "photos/me.png", 7)
    assert "done (edited since; redo starts it again)" in (await batch("run", "photos", *WAVES, "--dry-run")).out
    assert "redo me.png starts it again" in (await batch("run", "photos", *WAVES)).err
    assert len(sim.book.starts) == 2
    assert (await batch("redo", "out", "me.png")).code == 0
    assert (len(sim.book.starts), sim.counters["upload"]) == (3, 3)
    (lonely.folder / "photos/you.png").unlink()
    end = await batch("redo", "out", "you.png")
    assert (end.code, len(sim.book.starts)) == (2, 3)
    assert "row 'you.png' is not in" in end.err


async def test_a_ledger_of_an_earlier_version_is_retried_by_its_rows(batch, sim, lonely):
    """It does not say where they came from."""
    sim.change(fails=lambda _family, _body: True)
    await batch("run", write(lonely.folder, *kites(2)), "--out", "out", *FAMILY)
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(lonely.folder / "out/ledger.sqlite") as db:
        db.execute("DELETE FROM about WHERE key = 'origin'")
    db.close()
    sim.change(fails=None)
    assert (await batch("retry", "out", "--failed")).code == 0
    assert len(sim.book.starts) == 4


async def test_what_uploads_cost_is_told_beforehand_and_counted(batch, sim, lonely):
    """A row whose upload the limit does not cover is not started, and nothing of it is sent."""
    for number in range(3):
        photo(lonely.folder / f"photos/{number}.png", number)
    words = ("run", "photos", *WAVES, "--price", "30", "--upload-price", "5")
    end = await batch(*words, "--dry-run", "--json")
    assert (end.data[-1]["uploads"], end.data[-1]["upload_coins"], end.data[-1]["price"]) == (3, 15, 90)
    end = await batch(*words, "--max-coins", "70", "--max-running", "1")
    assert end.code == 4, end.err
    assert "up to 3 uploads" in end.err
    assert "for 15 coins" in end.err
    assert (len(sim.book.starts), sim.counters["presign"]) == (2, 2)
    await batch(*words, "--max-coins", "90")
    assert (len(sim.book.starts), sim.counters["presign"]) == (2, 2)  # no upload for a start that is not covered
    end = await batch(*words, "--max-coins", "105")
    assert (end.code, len(sim.book.starts), sim.counters["presign"]) == (0, 3, 3), end.err
