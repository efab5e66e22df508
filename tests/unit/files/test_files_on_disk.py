"""What is asked of a disk, and of those who resolve names: each answer that may come, without a socket."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import threading
import zlib
from pathlib import Path

import aiohttp
import pytest

from a2e_async import Transfers, UsageError
from a2e_async.core.media import SNIFFED
from a2e_async.engine.files import disk, downloads, kinds, names, puts
from a2e_async.engine.files.disk import ForeignFileError, hop, hop_for
from a2e_async.engine.files.hosts import InsideError, _Outside
from a2e_async.engine.files.packing import BadPackingError, BombError, Unpacker
from a2e_async.engine.files.parts import Part, Target

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes")


async def test_whoever_is_cancelled_waits_for_the_thread():
    """Cancelled twice while a thread works, a hop ends when the thread has ended, and gives back what it took."""
    go, given_back = threading.Event(), []
    task = asyncio.create_task(hop_for(given_back.append, go.wait, 5))
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert given_back == [True]


async def test_what_a_thread_trips_over_after_a_cancellation_is_no_matter():
    """A hop that failed has nothing to give back, and its error is not told as unread."""
    go = threading.Event()

    def fail():
        go.wait(5)
        raise OSError("gone")

    task = asyncio.create_task(hop(fail))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_lock_whose_holder_is_not_told_is_somebodys(tmp_path, monkeypatch):
    """Where the system tells nothing the words say no more than is known."""
    path = tmp_path / "x"
    assert disk.holder_of(path) == "another process"
    path.write_bytes(b"")
    assert disk.holder_of(path) == "another process"
    locks = tmp_path / "locks"
    locks.write_text(
        f"1: POSIX ADVISORY WRITE 7 08:01:{path.stat().st_ino} 0 EOF\n2: x\n"
        f"3: FLOCK ADVISORY WRITE 4711 08:01:{path.stat().st_ino} 0 EOF\n"
    )
    monkeypatch.setattr(disk, "_LOCKS", locks)
    assert disk.holder_of(path) == "process 4711"
    monkeypatch.setattr(disk, "_LOCKS", tmp_path / "none")
    assert disk.holder_of(path) == "another process"


def test_a_system_that_names_no_life_of_its_machine_has_one(monkeypatch):
    """Without a boot id all lives are one: a loss of power is then not told from a kill."""
    disk.boot.cache_clear()

    def none(*_args, **_more):
        raise OSError(errno.ENOENT, "none")

    monkeypatch.setattr(Path, "read_text", none)
    assert disk.boot() == ""
    disk.boot.cache_clear()


@posix
def test_what_is_planted_in_the_very_moment_is_refused_too(tmp_path, monkeypatch):
    """Also a pipe or a link that appears between the poll and the opening is told, by what was opened."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    real = Path.lstat

    def blind(path):
        if path.name in ("pipe", "link"):
            raise FileNotFoundError
        return real(path)

    monkeypatch.setattr(Path, "lstat", blind)
    with pytest.raises(ForeignFileError, match="is no plain file"):
        disk.open_own(tmp_path / "pipe")
    with pytest.raises(OSError, match="symbolic links"):
        disk.open_own(tmp_path / "link")
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)  # noqa: PTH116 - the poll is blind


@posix
def test_a_second_name_that_comes_back_is_refused(tmp_path, monkeypatch):
    """Whoever links a file of mine again and again in the place of a hidden one gets nothing of it."""
    mine, planted = tmp_path / "mine", tmp_path / "part"
    mine.write_bytes(b"mine")
    os.link(mine, planted)
    monkeypatch.setattr(Path, "unlink", lambda _path, **_more: None)
    with pytest.raises(ForeignFileError, match="has other names besides"):
        disk.open_own(planted)
    assert mine.read_bytes() == b"mine"


def test_a_part_that_is_gone_is_let_go_of_quietly(tmp_path):
    """Somebody may have removed the folder in the meantime."""
    part = Part.take(Target(tmp_path, "kite", "0" * 64, ""))
    part.target.part.unlink()
    part.let_go()
    part = Part.take(Target(tmp_path, "kite", "0" * 64, ""))
    tmp_path.joinpath(f"{part.target.part.name}.etag").mkdir()
    part.let_go()
    assert part._file.closed


def test_what_a_host_sends_is_told_by_its_first_bytes():
    """Known media are taken; nothing and words, marked as Unicode or not, are no media."""
    assert kinds.suffix_for(b"GIF89a", "https://r.example/x.exe", "text/html") == ".gif"
    assert kinds.suffix_for(bytes(range(1, 256)), "https://r.example/x", "image/x-new") == ".bin"
    for head in (b"", b"\xff\xfea\0\1\2\3", b"\xfe\xff\0a", b"\xef\xbb\xbf\x01\x02", b"\x01<html>", b"\0\0\0"):
        with pytest.raises(kinds.NoMediaError):
            kinds.suffix_for(head, "https://r.example/x.png", "image/png")


def test_an_image_of_markup_is_no_media_whatever_it_is_called():
    """An SVG can run scripts when it is opened."""
    with pytest.raises(kinds.NoMediaError):
        kinds.suffix_for(bytes(range(1, 256)), "https://r.example/x.svg", "image/svg+xml")


def packed(wbits, body):
    """Pack a body."""
    engine = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return engine.compress(body) + engine.flush()


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
def test_a_body_is_unpacked_in_whatever_pieces_it_comes(encoding, wbits, size):
    """Pieces of one byte, or larger than what is given at once, make the same file."""
    body = bytes(range(256)) * (40 if size == 1 else 20_000)
    whole = packed(wbits, body)
    unpacker = Unpacker(encoding, whole[:SNIFFED])
    out = [piece for at in range(0, len(whole), size) for piece in unpacker.feed(whole[at : at + size])]
    unpacker.end()
    assert unpacker.is_packed
    assert b"".join(out) == body
    assert max(map(len, out)) <= 1 << 20


def test_what_cannot_be_unpacked_is_said():
    """Damage, an early end and unknown ways of packing are errors of their own; a bomb is another one."""
    with pytest.raises(BadPackingError, match="cannot be unpacked"):
        list(Unpacker("gzip", b"\x1f\x8b\x08").feed(b"\x1f\x8b\x08" + b"\xff" * 99))
    cut = Unpacker("gzip", b"\x1f\x8b\x08")
    list(cut.feed(packed(31, b"x" * 999)[:-9]))
    with pytest.raises(BadPackingError, match="broke off"):
        cut.end()
    for encoding in ("br", "zstd", "gzip, br", "x" * 999):
        with pytest.raises(BadPackingError, match="not asked for"):
            Unpacker(encoding, b"\1\2\3")
    with pytest.raises(BombError):
        list(Unpacker("gzip", b"\x1f\x8b").feed(packed(31, bytes(64 << 20))))
    plain = Unpacker("", b"abc")
    assert (list(plain.feed(b"abc")), plain.is_packed) == ([b"abc"], False)
    plain.end()


@pytest.mark.parametrize(
    ("addresses", "open_to_all"),
    [
        (["93.184.216.34"], True),
        (["93.184.216.34", "2606:4700::1111"], True),
        (["127.0.0.1"], False),
        (["93.184.216.34", "10.0.0.1"], False),
        (["::1"], False),
        (["fe80::1%eth0"], False),
        (["::ffff:192.168.0.1"], False),
        (["no address"], False),
    ],
)
async def test_a_name_is_public_when_all_its_addresses_are(monkeypatch, addresses, open_to_all):
    """One address in a private network is enough to refuse; a proxy of ours is asked about nothing."""

    async def resolve(_self, host, port=0, family=socket.AF_UNSPEC):
        return [
            {"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0} for one in addresses
        ]

    monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", resolve)
    resolver = _Outside({"proxy.local"})
    assert [one["host"] for one in await resolver.resolve("Proxy.local")] == addresses
    if open_to_all:
        assert [one["host"] for one in await resolver.resolve("r.example")] == addresses
    else:
        with pytest.raises(InsideError, match="private network"):
            await resolver.resolve("r.example")
    await resolver.close()


WRONG = [("largest", 0), ("largest", 1.5), ("largest", True), ("slowest", -1), ("slowest", float("inf"))]
WRONG += [("slowest", float("nan")), ("longest", 0), ("longest", "5"), ("at_once", 0), ("per_host", None)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_bounds_of_transfers_are_checked(name, value):
    """Each says its name and its rule."""
    with pytest.raises(UsageError, match=rf"Transfers\.{name}: must be a (whole )?number of at least"):
        Transfers(**{name: value})


def test_a_name_that_is_too_long_ends_in_its_digest():
    """A task's name and id together fit every file system, and two of them never become one."""
    one, two = (names._short("夕" * 59 + "-" + "x" * 79 + end) for end in "ab")
    assert one != two
    assert max(len(name.encode()) for name in (one, two)) <= 200
    assert names._short("kite") == "kite"


def test_what_a_cancelled_waiter_has_taken_is_let_go_of(tmp_path):
    """A hidden file that was opened for nobody is removed, and others have it."""
    target = Target(tmp_path, "kite", "0" * 64, "")
    downloads._let_go((None, Part.take(target)))
    downloads._let_go((None, None))
    assert list(tmp_path.iterdir()) == []
    assert downloads._size_of(target.part) == -1
    puts._close((tmp_path / "x").open("w+b"))


@pytest.mark.parametrize("error", [aiohttp.InvalidURL("http://x?Signature=s3cr3t"), UnicodeError("label too long")])
def test_a_link_that_only_aiohttp_cannot_read_is_said(error):
    """What our own look has let pass, and nobody can ask, is no matter of another try; it shows no signature."""
    assert downloads._is_hopeless(error)
    failure = downloads._given_up(error, 1, "kite", "http://x.example/a.png?Signature=s3cr3t")
    assert str(failure).startswith("the URL has no usable host: http://x.example/a.png")
    assert "s3cr3t" not in str(failure)
