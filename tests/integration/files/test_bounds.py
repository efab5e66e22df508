"""Bodies of strangers are bounded in size, pace and time, and unpacked where nobody asked for that."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest
from file_host import file_host
from videos import HALF, QUICK, VIDEO, is_whole, names

from a2e_async import A2EClient, DownloadError, Retry, Transfers
from a2e_async.core.media import SNIFFED
from a2e_async.engine.files import disk, hosts, streams


def local(**options):
    """Make a client of a service on this machine, which may follow links to this machine."""
    return A2EClient("sk_secret", base_url="http://127.0.0.1:1", **{"retry": QUICK, **options})


PACKED = {
    "gzip": ("gzip", gzip.compress(VIDEO)),
    "gzip in two members": ("gzip", gzip.compress(VIDEO[:HALF]) + gzip.compress(VIDEO[HALF:])),
    "gzip with zeros behind": ("x-gzip", gzip.compress(VIDEO) + bytes(9)),
    "deflate": ("deflate", zlib.compress(VIDEO)),
    "deflate without its header": ("deflate", zlib.compress(VIDEO)[2:-4]),
    "only said so": ("gzip", VIDEO),
    "only said so, deflate": ("deflate", VIDEO),
    "only said so, brotli": ("br", VIDEO),
    "identity": ("identity", VIDEO),
}


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("way", PACKED)
async def test_a_body_that_is_packed_though_nobody_asked_is_unpacked(a2e, host, tmp_path, way, length):
    """Stores hand out what was stored packed, and servers say so of what is not; the file comes whole."""
    encoding, body = PACKED[way]
    host.script = [{"body": body, "head": [f"Content-Encoding: {encoding}"], "length": length}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert len(host.requests) == 1


BADLY_PACKED = {
    "cut off": ("gzip", gzip.compress(VIDEO)[:-9]),
    "damaged": ("gzip", gzip.compress(VIDEO)[:200] + bytes(3_000)),
    "unknown": ("br", b"\x8b\x02\x80" + bytes(range(256)) * 30),
    "packed twice": ("gzip, gzip", gzip.compress(gzip.compress(VIDEO))),
    "words": ("gzip", gzip.compress(b"please log in" * 99)),
}


@pytest.mark.parametrize("way", BADLY_PACKED)
async def test_what_cannot_be_unpacked_is_no_file(a2e, host, tmp_path, way):
    """It is tried again, and then said; nothing hidden stays behind, for nobody could go on with it."""
    encoding, body = BADLY_PACKED[way]
    host.script = [{"body": body, "head": [f"Content-Encoding: {encoding}", "Content-Type: video/mp4"]}] * 4
    with pytest.raises(DownloadError, match="incomplete after 4 tries"):
        await a2e.download(host.url, tmp_path, name="video")
    assert names(tmp_path) == []
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


async def test_a_bomb_is_given_up_at_once(a2e, host, tmp_path):
    """What grows a hundredfold is no media file: little of it reaches the disk, once, and nothing stays."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(VIDEO[:99]) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(99)) + packer.flush()
    host.script = [{"body": bomb, "head": ["Content-Encoding: gzip"]}] * 4
    with pytest.raises(DownloadError, match="far more than media do"):
        await a2e.download(host.url, tmp_path, name="video")
    assert len(host.requests) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("length", [True, False])
async def test_a_file_has_a_largest_size(host, tmp_path, length):
    """What is larger than allowed is refused: at once where its length is known, else when it has passed the bound."""
    host.script = [{"length": length}]
    async with local(transfers=Transfers(largest=len(VIDEO) - 1)) as a2e:
        with pytest.raises(DownloadError, match=r"Transfers\.largest"):
            await a2e.download(host.url, tmp_path, name="video")
    assert len(host.requests) == 1
    async with local(transfers=Transfers(largest=len(VIDEO))) as a2e:
        assert (await a2e.download(host.url, tmp_path, name="video"))[0].read_bytes() == VIDEO


@pytest.mark.parametrize("length", [True, False])
async def test_a_file_never_fills_the_disk(a2e, host, tmp_path, monkeypatch, length):
    """What the disk has no room for is refused before it is full."""
    monkeypatch.setattr(streams, "room_in", lambda _folder: HALF)
    host.script = [{"length": length}]
    with pytest.raises(DownloadError, match="the disk has"):
        await a2e.download(host.url, tmp_path, name="video")
    assert disk.room_in(tmp_path) > 0


async def test_a_host_that_drips_is_given_up(host, tmp_path):
    """Less than the least rate over `Retry.stall_seconds` counts as a break, also when something always comes."""

    async def drip(writer, _headers, **_act):
        writer.write(b"HTTP/1.1 200 x\r\nContent-Length: 9999999\r\n\r\n" + VIDEO[:SNIFFED])
        for _ in range(100):
            await asyncio.sleep(0.03)
            writer.write(b"x")

    host._answer = drip
    async with local(transfers=Transfers(slowest=100_000)) as a2e:
        with pytest.raises(DownloadError, match=r"bytes came in .* \(Transfers\.slowest\)"):
            await a2e.download(host.url, tmp_path, name="video")
    async with local(transfers=Transfers(slowest=0, longest=0.7)) as a2e:
        with pytest.raises(DownloadError, match=r"incomplete after 0\.7 s \(Transfers\.longest\)"):
            await a2e.download(host.url, tmp_path, name="video")


async def test_one_slow_host_keeps_nobody_else_waiting(tmp_path):
    """Each host has places of its own."""
    patient = local(transfers=Transfers(per_host=4, at_once=8), retry=Retry(stall_seconds=3600))
    async with file_host(VIDEO) as slow, file_host(VIDEO) as quick, patient as a2e:
        slow.script = [{"after": 0, "then": "stall"}] * 99
        waiting = [asyncio.create_task(a2e.download(f"{slow.url}&{n}", tmp_path, name=f"s{n}")) for n in range(12)]
        while slow.peak < 4:  # noqa: ASYNC110 - a host tells nobody
            await asyncio.sleep(0.01)
        await a2e.download(quick.url, tmp_path, name="quick")
        assert not any(one.done() for one in waiting)
        assert slow.peak == 4
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
    assert hosts.tls_of(object()) is None
