"""Whatever somebody has planted in a folder, nothing of it is followed, waited for, or written over."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import threading

import pytest
from videos import HALF, QUICK, VIDEO, is_whole, names, part_of

from a2e_async import A2EClient, DownloadError
from a2e_async.engine.files import disk, downloads

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and locks")


async def leave(a2e, host, folder):
    """Let a download be given up in the middle; gives the hidden file and the note beside it."""
    host.script = [{"after": HALF}] * 4
    with pytest.raises(DownloadError):
        await a2e.download(host.url, folder, name="video")
    part = part_of(folder)
    return part, part.with_name(f"{part.name}.etag")


@pytest.mark.parametrize("how", ["symbolic link", "dangling link", "pipe", "folder", "device"])
async def test_what_is_no_plain_file_is_refused(a2e, host, tmp_path, how):
    """A link leads nowhere, a pipe holds nobody up, and the error names what to remove."""
    mine = tmp_path / "authorized_keys"
    mine.write_text("my own key\n")
    out = tmp_path / "out"
    planted, note = await leave(a2e, host, out)
    planted.unlink()
    make = {
        "symbolic link": lambda: planted.symlink_to(mine),
        "dangling link": lambda: planted.symlink_to(tmp_path / "new"),
        "pipe": lambda: os.mkfifo(planted),
        "folder": planted.mkdir,
        "device": lambda: planted.symlink_to("/dev/null"),
    }
    make[how]()
    with pytest.raises(DownloadError, match="was not touched; remove it"):
        await asyncio.wait_for(a2e.download(host.url, out, name="video"), 5)
    assert mine.read_text() == "my own key\n"
    assert not (tmp_path / "new").exists()
    assert "video.mp4" not in names(out)
    if how in ("pipe", "symbolic link", "dangling link"):  # in the place of the note, what leads elsewhere goes
        note.unlink()
        planted.rename(note)
        assert is_whole(await asyncio.wait_for(a2e.download(host.url, out, name="video"), 5), out)
        assert mine.read_text() == "my own key\n"


@pytest.mark.parametrize("where", [0, 1])
async def test_a_second_name_of_my_file_is_let_go_of(a2e, host, tmp_path, where):
    """A hard link in the place of a hidden file is taken away, and the file that it leads to stays as it was."""
    mine = tmp_path / "mine"
    mine.write_bytes(b"my own")
    planted = (await leave(a2e, host, tmp_path / "out"))[where]
    planted.unlink()
    os.link(mine, planted)
    assert is_whole(await a2e.download(host.url, tmp_path / "out", name="video"), tmp_path / "out")
    assert mine.read_bytes() == b"my own"


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives files away")
async def test_a_hidden_file_of_somebody_else_is_refused(a2e, host, tmp_path):
    """What another user has put there is not gone on with."""
    part, _note = await leave(a2e, host, tmp_path)
    os.chown(part, 12_345, -1)
    with pytest.raises(DownloadError, match="belongs to somebody else"):
        await a2e.download(host.url, tmp_path, name="video")


async def test_whoever_waits_for_another_process_is_told_and_gives_up(a2e, host, tmp_path, monkeypatch, caplog):
    """A hidden file that somebody holds and does not write into is waited for with a word, and not for ever."""
    monkeypatch.setattr(downloads, "_SAID_AFTER", 0.1)
    monkeypatch.setattr(downloads, "_PATIENCE", 0.5)
    part, _note = await leave(a2e, host, tmp_path)
    with part.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match=r"another client of this process is downloading it, .* no progress"):
            await a2e.download(host.url, tmp_path, name="video")
    assert [record.message for record in caplog.records if "waiting for another client" in record.message]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


async def test_whoever_goes_on_is_waited_for(a2e, host, tmp_path, monkeypatch):
    """As long as the other one writes, however slowly, its file is waited for."""
    monkeypatch.setattr(downloads, "_PATIENCE", 1.0)  # eight steps take longer, each of them far less
    part, _note = await leave(a2e, host, tmp_path)
    with part.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = asyncio.create_task(a2e.download(host.url, tmp_path, name="video"))
        for step in range(8):
            await asyncio.sleep(0.15)
            held.truncate(HALF - step - 1)
        assert not waiting.done()
    assert is_whole(await waiting, tmp_path)


async def test_a_file_that_another_client_finishes_is_taken_from_it(a2e, host, tmp_path):
    """Whoever waited finds the file, and asks for nothing of it a second time."""
    host.script = [{"wait": 0.5}]
    async with A2EClient("sk_other", base_url="http://127.0.0.1:1", retry=QUICK) as other:
        both = await asyncio.gather(*(one.download(host.url, tmp_path, name="video") for one in (a2e, other)))
    assert both[0] == both[1]
    assert host.served == len(VIDEO)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_too_many_open_files_are_said_with_the_limit(a2e, host, tmp_path, monkeypatch, number):
    """Whoever runs out of files is told what the limit is called."""

    def none_left(*_args, **_more):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(disk.os, "open", none_left)
    with pytest.raises(DownloadError, match=r"ulimit -n"):
        await a2e.download(host.url, tmp_path, name="video")


async def test_a_file_system_without_links_locks_and_marks_still_does(a2e, host, tmp_path, monkeypatch):
    """On a disk that knows one name for each file, no locks and no marks, files come whole and nothing is replaced."""

    def refuse(*_args, **_more):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(disk, "_set", refuse)
    (tmp_path / "video.mp4").write_bytes(b"mine")
    for _ in range(2):
        (path,) = await a2e.download(host.url, tmp_path, name="video")
        assert (path.name, path.read_bytes()) == ("video-2.mp4", VIDEO)
    assert names(tmp_path) == ["video-2.mp4", "video.mp4"]
    monkeypatch.setattr(disk, "_set", None)
    monkeypatch.setattr(disk, "_get", None)
    assert (await a2e.download(host.url, tmp_path, name="video"))[0].name == "video-2.mp4"


async def test_the_loop_goes_on_while_the_disk_is_slow(a2e, host, tmp_path, monkeypatch):
    """What the disk does happens in threads."""
    real, slow, going_on = os.fsync, threading.Event(), threading.Event()
    seen = []

    def fsync(handle):
        slow.set()
        seen.append(going_on.wait(10))  # what waited in the loop itself would wait in vain
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    download = asyncio.create_task(a2e.download(host.url, tmp_path, name="video"))
    while not slow.is_set():  # noqa: ASYNC110 - a disk tells nobody
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.005)
    going_on.set()
    assert is_whole(await download, tmp_path)
    assert seen
    assert all(seen)


async def test_a_cancelled_transfer_leaves_no_open_file(a2e, host, tmp_path):
    """Cancelled at any moment, also twice, a download lets go of its hidden file, and the next one has it."""
    for moment in (0.0, 0.002, 0.005, 0.01, 0.02):
        host.script = [{"after": HALF, "then": "stall"}]
        task = asyncio.create_task(a2e.download(host.url, tmp_path, name="video"))
        await asyncio.sleep(moment)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        host.script = []
    assert is_whole(await asyncio.wait_for(a2e.download(host.url, tmp_path, name="video"), 5), tmp_path)
