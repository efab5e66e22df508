"""What lies in a folder and is not ours stays as it is; a row's files are known by their content."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import pytest
from batches import KITE, Asked, image, play, service

from a2e_async.batch import State
from a2e_async.batch.report import PAGE_MARK, place_for, report_places, write_report
from a2e_async.engine.files.names import require_writable
from a2e_async.errors import LedgerError, UsageError
from a2e_async.store.entries import Entry

NAMES = ("manifest.jsonl", "manifest.csv", "index.html")


def content(folder):
    """Give the files of a folder by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_report_replaces_only_reports(tmp_path):
    """Somebody's own page and tables stay; ours have numbers, and a second report goes over the first."""
    for name in NAMES:
        (tmp_path / name).write_text(f"my own {name}")
    page = write_report(tmp_path, [Entry(id="a", family="text_to_image", fields={})])
    first = content(tmp_path)
    assert page.name == "index-2.html"
    assert sorted(first) == sorted([*NAMES, "manifest-2.jsonl", "manifest-2.csv", "index-2.html"])
    assert write_report(tmp_path, []) == page
    assert report_places(tmp_path)["manifest.csv"] == tmp_path / "manifest-2.csv"
    second = content(tmp_path)
    assert {name: second[name] for name in NAMES} == {name: f"my own {name}".encode() for name in NAMES}
    assert second.keys() == first.keys()
    assert write_report(tmp_path, [Entry(id="b", family="text_to_image", fields={})]) == page  # over an empty one


@pytest.mark.skipif(os.name != "posix", reason="links")
@pytest.mark.parametrize("how", ["symbolic link", "second name", "folder", "pipe"])
def test_a_page_is_written_over_no_link(tmp_path, how):
    """What leads to another file, or is none, is not taken for an older page of ours."""
    ours = tmp_path / "old.html"
    ours.write_text(f"<html>{PAGE_MARK}")
    out = tmp_path / "out"
    out.mkdir()
    place = out / "index.html"
    make = {
        "symbolic link": lambda: place.symlink_to(ours),
        "second name": lambda: os.link(ours, place),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
    }
    make[how]()
    before = place.lstat().st_ino
    assert write_report(out, []) == out / "index-2.html"
    assert write_report(out, []) == out / "index-2.html"
    assert place.lstat().st_ino == before
    assert ours.read_text() == f"<html>{PAGE_MARK}"


def test_a_folder_full_of_pages_is_said(tmp_path):
    """When a hundred numbers are given away nothing is replaced."""
    for name in ("index.html", *(f"index-{number}.html" for number in range(2, 100))):
        (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match="a hundred files"):
        place_for(tmp_path, "index.html")


async def test_a_file_of_mine_keeps_its_name(tmp_path):
    """A row whose file would be called like one of mine has a number, in this run and in the next ones."""
    (tmp_path / "kite.png").write_bytes(b"my own kite")
    async with service() as sim:
        (path,) = (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths
        since = Asked(sim)
        assert (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths == (path,)
        assert since() == 0
    assert path.name == "kite-2.png"
    assert (tmp_path / "kite.png").read_bytes() == b"my own kite"


@pytest.mark.parametrize("change", ["another file of its length", "edited in place"])
async def test_a_file_of_the_same_length_is_not_the_rows(tmp_path, change):
    """A done row whose file was changed is not done: its own comes again, for free, and mine stays."""
    async with service() as sim:
        (path,) = (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths
        whole = path.read_bytes()
        mine = whole[:-1] + bytes([whole[-1] ^ 1])
        if change == "another file of its length":
            path.unlink()
        path.write_bytes(mine)
        since = Asked(sim)
        outcome = (await play(tmp_path, sim, [KITE])).outcomes["kite"]
        assert since(".start") == 0
    assert outcome.entry.state is State.DONE
    assert [one.read_bytes() for one in outcome.paths] == [whole]
    assert path.read_bytes() == mine


async def test_a_copy_of_a_folder_is_done(tmp_path):
    """A file that has lost its mark, and has another time, is known by its bytes: nothing is asked for."""
    async with service() as sim:
        (path,) = (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths
        whole = path.read_bytes()
        path.unlink()
        path.write_bytes(whole)
        since = Asked(sim)
        assert (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths == (path,)
        assert since() == 0


async def test_rows_with_like_names_have_a_file_each(tmp_path):
    """Ids that agree in their first 80 characters, in all but case, or but for what no name can hold."""
    ids = [f"campaign-{'x' * 80}-{end}" for end in ("one", "two")]
    ids += ["kite", "Kite", "kite.png", "kite!", "IMG 1", "IMG-1", "ledger.sqlite", "index.html", "красный змей"]
    async with service() as sim:
        run = await play(tmp_path, sim, [image(row_id, prompt=row_id) for row_id in ids])
        paths = [path for row_id in ids for path in run.outcomes[row_id].paths]
        assert len({path.name for path in paths}) == len(ids)
        assert any(path.name == "красный-змей.png" for path in paths)
        assert (tmp_path / "ledger.sqlite").read_bytes().startswith(b"SQLite format 3")
        since = Asked(sim)
        again = await play(tmp_path, sim, [image(row_id, prompt=row_id) for row_id in ids])
        assert [path for row_id in ids for path in again.outcomes[row_id].paths] == paths
        assert since() == 0


def test_a_folder_is_looked_at_before_anything_is_paid(tmp_path):
    """One that can be made is made, nothing is left in it, and one that cannot be written is said with its name."""
    require_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "sub"):
        with pytest.raises(UsageError, match="cannot be written to"):
            require_writable(folder)


async def test_a_disk_without_room_is_told_before_anything_is_paid(tmp_path, monkeypatch):
    """By commands that save files and by a batch; one that does not tell its size is believed to have room."""
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(total=1 << 30, free=(32 << 20) - 1))
        with pytest.raises(UsageError, match="cannot be written to: its disk has less than 32 MiB left"):
            require_writable(tmp_path)
        async with service() as sim:
            with pytest.raises(LedgerError, match="cannot be used: its disk has less than 32 MiB left"):
                await play(tmp_path / "out", sim, [KITE])
            assert not sim.book.starts
        patch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(total=0, free=0))
        require_writable(tmp_path)
