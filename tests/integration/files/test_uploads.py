"""Uploads carry what their link was made for, and what is free is polled before what is paid."""

from __future__ import annotations

import asyncio
import io
import os
import re
import socket

import aiohttp
import attrs
import pytest
from file_host import file_host
from uploading import client
from videos import QUICK, VIDEO

from a2e_async import ImageToVideo, StartUnknownError, Transfers, TransportError, UsageError
from a2e_async.core.inputs import FaultError
from a2e_async.engine.files.contents import FileAt
from a2e_async.engine.files.examining import Examiner
from a2e_async.engine.files.hosts import Hosts
from a2e_async.engine.files.puts import Puts
from a2e_async.simulator import serve


async def test_an_upload_becomes_an_input(tmp_path):
    """An image is put with its own content type and without the token, and its link works as an input."""
    image = tmp_path / "My Kite.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000)
    progress = []
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        link = await a2e.upload(image, progress=lambda sent, size: progress.append((sent, size)))
        await a2e.start(ImageToVideo(link, prompt="it climbs", negative_prompt="no"))
        assert await a2e.download(link, tmp_path, name="back") == [tmp_path / "back.png"]
        assert sim.counters["upload"] == sim.counters["presign"] == 1
    assert (tmp_path / "back.png").read_bytes() == image.read_bytes()
    size = image.stat().st_size
    assert progress[-1] == (size, size)
    assert [sent for sent, _size in progress] == sorted({sent for sent, _size in progress})
    assert re.fullmatch(r".*/[0-9a-f]{16}-My-Kite\.png", link)


@pytest.mark.parametrize("body", [b"<html>", b'{"a": 1}', b"plain text", b"%PDF-1.7", b"\x00" * 100])
async def test_a_file_that_is_no_media_is_not_sent(tmp_path, body):
    """What is no image, video or audio file is refused before anything is sent."""
    path = tmp_path / "kite.png"
    path.write_bytes(body)
    async with serve(media="tiny") as sim, client(sim) as a2e:
        with pytest.raises(UsageError, match="image, video or audio"):
            await a2e.upload(path)
        assert not sim.counters


async def test_a_file_that_is_not_there_is_said(tmp_path):
    """A missing file is a UsageError, and nothing is sent."""
    async with serve(media="tiny") as sim, client(sim) as a2e:
        for path in (tmp_path / "nobody.png", tmp_path):
            with pytest.raises(UsageError, match="cannot be read"):
                await a2e.upload(path)
        assert not sim.counters


@pytest.mark.parametrize("fault", [("reset", {}), ("html", {}), ("null", {}), ("status", {"status": 500})])
async def test_an_upload_link_whose_answer_was_lost_is_not_asked_again(tmp_path, fault):
    """Each link is charged, so a question that may have been answered is not repeated."""
    path = tmp_path / "kite.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 99)
    kind, details = fault
    async with serve(media="tiny") as sim, client(sim) as a2e:
        sim.faults.add("presign", kind, when="after", hits=None, **details)
        with pytest.raises(StartUnknownError, match="the URL may have been charged"):
            await a2e.upload(path)
        assert sim.counters == {"presign": 1}


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_put_that_fails_is_repeated(tmp_path, status):
    """Putting a file to its link again does no harm, so it is tried again."""
    path = tmp_path / "kite.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000)
    async with serve(media="tiny") as sim, client(sim) as a2e:
        sim.faults.add("upload", "status", status=status, hits=2)
        assert await a2e.upload(path)
        assert sim.counters == {"presign": 1, "upload": 3}


@pytest.mark.parametrize(("status", "puts"), [(403, 1), (500, 4)])
async def test_a_put_that_is_refused_is_said(tmp_path, status, puts):
    """A refused upload is an error that names the file, not the signed link."""
    path = tmp_path / "kite.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 99)
    async with serve(media="tiny") as sim, client(sim) as a2e:
        sim.faults.add("upload", "status", status=status, hits=None)
        with pytest.raises(TransportError, match=r"kite\.png") as caught:
            await a2e.upload(path)
        assert "s=" not in str(caught.value)
        assert sim.counters["upload"] == puts


async def test_an_upload_sends_length_and_type_and_no_token(tmp_path):
    """The PUT repeats the content type of the link and carries no header of ours beyond it."""
    path = tmp_path / "video.bin"
    path.write_bytes(VIDEO)
    async with file_host(b"") as host:
        hosts = Hosts(QUICK, Transfers(), inside=True, tls=None)
        await Puts(QUICK, hosts).put(host.url, Examiner(8 << 30).examine(FileAt(path)), None)
        await hosts.aclose()
        ((method, headers),) = host.requests
    assert (method, headers["content-type"], headers["content-length"]) == ("PUT", "video/mp4", str(len(VIDEO)))
    assert not {"authorization", "transfer-encoding"} & set(headers)
    assert host.got == [VIDEO]


OTHERS = {
    "a MOV without ftyp": (b"\0\0\0\x08wide\0\0\0\x10mdat" + bytes(99), "camera.mov", "video/quicktime"),
    "AAC": (b"\xff\xf1\x50\x80" + bytes(99), "voice.aac", "audio/aac"),
    "HEIC": (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(99), "IMG_0042.HEIC", "image/heic"),
    "its name is wrong": (b"\x89PNG\r\n\x1a\n" + bytes(99), "kite.mp3", "image/png"),
}


@pytest.mark.parametrize("case", OTHERS)
async def test_a_file_is_announced_as_what_its_first_bytes_say(tmp_path, case):
    """Files of phones and recorders are taken, each under its own content type, whatever it is called."""
    body, name, kind = OTHERS[case]
    (tmp_path / name).write_bytes(body)
    async with serve(media="tiny") as sim, client(sim) as a2e, aiohttp.ClientSession() as http:
        link = await a2e.upload(tmp_path / name)
        async with http.get(link) as reply:
            assert reply.headers["Content-Type"] == kind


async def test_the_caller_can_say_what_a_file_is(tmp_path):
    """`kind` stands for what first bytes do not tell, such as a Targa image."""
    (tmp_path / "kite.tga").write_bytes(b"\0\0\2" + bytes(99))
    async with serve(media="tiny") as sim, client(sim) as a2e, aiohttp.ClientSession() as http:
        link = await a2e.upload(tmp_path / "kite.tga", kind="image/x-tga")
        assert link.endswith(".tga")
        async with http.get(link) as reply:
            assert reply.headers["Content-Type"] == "image/x-tga"


@pytest.mark.parametrize("kind", ["", "png", "text/html", "image/png\r\nX: y", "application/pdf", 5, "image/"])
async def test_a_kind_that_is_none_is_refused(tmp_path, kind):
    """Only a content type of an image, a video or audio is taken for one, and nothing is sent before."""
    (tmp_path / "kite.tga").write_bytes(b"\0\0\2" + bytes(99))
    async with serve(media="tiny") as sim, client(sim) as a2e:
        with pytest.raises(UsageError, match="kind"):
            await a2e.upload(tmp_path / "kite.tga", kind=kind)
        assert not sim.counters


@pytest.mark.parametrize("largest", [8 << 30, 100])
async def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, largest):
    """A file of terabytes would be read for hours before anybody says that it is too large."""
    with (tmp_path / "kite.png").open("wb") as image:
        image.write(b"\x89PNG\r\n\x1a\n")
        image.truncate(largest + 1)
    options = {} if largest > 100 else {"transfers": Transfers(largest=largest)}
    async with serve(media="tiny") as sim, client(sim, **options) as a2e:
        with pytest.raises(UsageError, match=r"kite\.png has .* bytes, and at most .* \(Transfers\.largest\)"):
            await a2e.upload(tmp_path / "kite.png")
        assert not sim.counters


@pytest.mark.parametrize("kind", [None, "image/png"])
async def test_an_empty_file_is_called_empty(tmp_path, kind):
    """An empty file is told from one of another kind, and is refused whatever it shall be."""
    (tmp_path / "kite.png").write_bytes(b"")
    async with serve(media="tiny") as sim, client(sim) as a2e:
        with pytest.raises(UsageError, match="is empty"):
            await a2e.upload(tmp_path / "kite.png", kind=kind)
        assert not sim.counters


@pytest.mark.parametrize(
    "given", [b"\x89PNG", io.BytesIO(b"\x89PNG"), None, 5, ["kite.png"], "a\0b", "~nobody-at-all/x.png"]
)
async def test_what_is_no_file_is_refused(given):
    """Bytes that are no image, numbers and the like are refused in words, as an error of ours."""
    async with serve(media="tiny") as sim, client(sim) as a2e:
        with pytest.raises(UsageError):
            await a2e.upload(given)
        assert not sim.counters


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices")
async def test_pipes_and_devices_are_not_waited_for(tmp_path):
    """A device without end and a pipe without a writer are refused at once; a link to a file is followed."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "real.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    async with serve(media="tiny") as sim, client(sim) as a2e, asyncio.timeout(5):
        for path in (tmp_path / "pipe.png", "/dev/zero"):
            with pytest.raises(UsageError, match="only plain files"):
                await a2e.upload(path)
        with pytest.raises(UsageError, match="cannot be read: Input/output error"):
            await a2e.upload("/proc/self/mem")  # whose first page nobody can read
        assert not sim.counters
        assert await a2e.upload(tmp_path / "link.png")


async def test_a_file_that_changes_while_it_is_sent_is_said(tmp_path):
    """What a link was made for is sent, or nothing: a retry looks whether the file is still the same."""
    path = tmp_path / "kite.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    async with file_host(b"") as host:
        host.script = [{"status": 500}]
        hosts = Hosts(QUICK, Transfers(), inside=True, tls=None)
        file = Examiner(8 << 30).examine(FileAt(path))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(98))
        with pytest.raises(FaultError, match="was changed"):
            await Puts(QUICK, hosts).put(host.url, file, None)
        await hosts.aclose()
        assert not host.requests


async def test_a_host_that_takes_nothing_is_given_up(tmp_path):
    """Whoever takes no bytes for `Retry.stall_seconds` stands still, also before the whole file is sent."""
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(30_000_000))

    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections, and reads nothing
        hosts = Hosts(QUICK, Transfers(), inside=True, tls=None)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/x"
        with pytest.raises(TransportError, match="no answer in time"):
            await asyncio.wait_for(Puts(QUICK, hosts).put(url, Examiner(8 << 30).examine(FileAt(path)), None), 10)
        await hosts.aclose()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x?sig=s3cr3t", "https://a..b/x?sig=s3cr3t", "ftp://r.example/x", ""]
)
async def test_an_upload_is_sent_to_no_private_host(tmp_path, url):
    """A link of the service into a private network, or one that cannot be read, is refused without its signature."""
    path = tmp_path / "kite.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    hosts = Hosts(QUICK, Transfers(), inside=False, tls=None)
    with pytest.raises(TransportError, match="was not sent") as caught:
        await Puts(QUICK, hosts).put(url, Examiner(8 << 30).examine(FileAt(path)), None)
    assert "s3cr3t" not in str(caught.value)
    await hosts.aclose()


async def test_a_slow_upload_is_not_cut_by_any_limit(tmp_path):
    """A transfer that moves may take as long as it wants: only standing still counts."""
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(12_000_000))

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        for _ in range(12):
            await asyncio.sleep(0.1)
            await reader.readexactly(1_000_000)
        await reader.readexactly(12)
        writer.write(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n")
        assert head.startswith(b"PUT /x?sig=%2F HTTP")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 16) as server:
        hosts = Hosts(QUICK, Transfers(), inside=True, tls=None)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x?sig=%2F"
        await Puts(attrs.evolve(QUICK, attempts=1), hosts).put(url, Examiner(8 << 30).examine(FileAt(path)), None)
        await hosts.aclose()
