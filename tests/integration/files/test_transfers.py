"""A transfer that breaks is tried again and ends whole or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time

import attrs
import pytest
from file_host import file_host
from videos import HALF, QUICK, VIDEO, is_whole, names, part_of
from virtual_time import until

from a2e_async import (
    A2EClient,
    DownloadError,
)


async def test_a_download_comes_whole_under_its_name(a2e, host, tmp_path):
    """The file is there with its kind's suffix, nothing else is, and no token was sent."""
    paths = await a2e.download(host.url, tmp_path / "new" / "folder", name="the kite")
    assert [path.name for path in paths] == ["the-kite.mp4"]
    assert is_whole(paths, tmp_path / "new" / "folder")
    assert "authorization" not in host.requests[0][1]
    assert "sk_secret" not in str(host.requests)


BREAKS = {
    "cut body": {"after": HALF},
    "cut at the first byte": {"after": 0},
    "cut before the last byte": {"after": len(VIDEO) - 1},
    "stall": {"after": HALF, "then": "stall"},
    "stall before the first byte": {"after": 0, "then": "stall"},
    "reset": {"after": HALF, "then": "reset"},
    "500": {"status": 500, "body": b"<html>"},
    "503": {"status": 503, "body": b""},
    "429": {"status": 429, "body": b"{}"},
    "408": {"status": 408, "body": b"{}"},
}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("way", BREAKS)
async def test_a_broken_transfer_is_tried_again(a2e, host, tmp_path, way, times):
    """Whatever breaks in between, the file comes whole; what had come is not fetched again."""
    host.script = [BREAKS[way]] * times
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.served <= len(VIDEO) + 100  # and a page or two
    assert len(host.requests) == times + 1


@pytest.mark.parametrize("way", BREAKS)
async def test_a_transfer_that_never_works_leaves_no_file(a2e, host, tmp_path, way):
    """After Retry.attempts tries DownloadError is raised, and nothing stands under the final name."""
    host.script = [BREAKS[way]] * 50
    with pytest.raises(DownloadError, match="incomplete after 4 tries") as caught:
        await a2e.download(host.url, tmp_path, name="video")
    assert not [name for name in names(tmp_path) if not name.startswith(".")]
    assert len(host.requests) == 4
    assert "secret" not in str(caught.value)
    assert caught.value.url.endswith("/results/video.mp4")


async def test_an_unknown_length_is_taken_to_the_end(a2e, host, tmp_path):
    """Without Content-Length the file ends with the connection."""
    host.script = [{"length": False}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


@pytest.mark.parametrize("status", [400, 401, 402, 405, 451])
async def test_a_refusal_is_raised_at_once(a2e, host, tmp_path, status):
    """A file host that refuses is not asked again."""
    host.script = [{"status": status, "body": b"no"}]
    with pytest.raises(DownloadError, match=f"refused the URL: HTTP {status}") as caught:
        await a2e.download(host.url, tmp_path, name="video")
    assert not caught.value.expired
    assert len(host.requests) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_bare_link_that_has_expired_cannot_be_refreshed(a2e, host, tmp_path, status):
    """Without its task nobody knows a fresh link."""
    host.script = [{"status": status, "body": b"<Error/>"}]
    with pytest.raises(DownloadError, match="expired") as caught:
        await a2e.download(host.url, tmp_path, name="video")
    assert caught.value.expired
    assert len(host.requests) == 1


async def test_one_output_that_fails_does_not_stop_the_others(a2e, host, tmp_path):
    """The failure is raised at the end, and the other files are there."""
    host.script = [{"wait": 0.1}]
    with pytest.raises(DownloadError):
        await a2e.download([host.url, "http://127.0.0.1:9/nobody.mp4"], tmp_path)
    assert names(tmp_path) == ["video.mp4"]


async def test_downloads_at_once_are_bounded(a2e, host, tmp_path):
    """Of forty downloads at most eight are under way."""
    host.script = [{"wait": 0.02}] * 40
    host.body = VIDEO[:1_000]
    paths = await a2e.download([f"{host.url}&n={number}" for number in range(40)], tmp_path, name="video")
    assert len(set(paths)) == 40
    assert 2 <= host.peak <= 8


async def test_the_stall_limit_is_tunable(tmp_path):
    """`Retry.stall_seconds` is how long a transfer may stand still."""
    retry = attrs.evolve(QUICK, stall_seconds=0.1, attempts=2)
    async with file_host(VIDEO) as host, A2EClient("sk_x", base_url="http://127.0.0.1:1", retry=retry) as a2e:
        host.script = [{"after": HALF, "then": "stall"}] * 2
        began = time.monotonic()
        with pytest.raises(DownloadError):
            await a2e.download(host.url, tmp_path, name="video")
    assert 0.15 < time.monotonic() - began < 5


async def test_a_slow_file_is_not_cut_by_any_limit(host, tmp_path):
    """A transfer that moves may take as long as it wants: only standing still counts."""
    host.body = VIDEO[:800_000]
    patient = A2EClient("sk_x", base_url="http://127.0.0.1:1", retry=attrs.evolve(QUICK, stall_seconds=1.2))

    async def dribble(writer, headers, **act):
        for place in range(8):
            await asyncio.sleep(0.2)  # a sixth of what a transfer may stand still; all of it takes longer
            if place == 0:
                writer.write(f"HTTP/1.1 200 x\r\nContent-Length: {len(host.body)}\r\n\r\n".encode())
            writer.write(host.body[place * 100_000 : (place + 1) * 100_000])

    host._answer = dribble
    async with patient as a2e:
        assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path, host.body)
    assert len(host.requests) == 1


async def test_a_cancelled_download_lets_go_of_its_file(a2e, host, tmp_path):
    """After a cancellation the next download goes on where it was."""
    host.script = [{"after": HALF, "then": "stall"}]
    download = asyncio.create_task(a2e.download(host.url, tmp_path, name="video"))
    await until(lambda: host.served >= HALF)
    await asyncio.sleep(0.1)
    download.cancel()
    await asyncio.wait([download])
    assert not [name for name in names(tmp_path) if not name.startswith(".")]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


CHILD = """
    import asyncio, resource, signal, sys
    from pathlib import Path
    from a2e_async import A2EClient, DownloadError, Retry

    async def main(url, folder, limit):
        if limit:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        async with A2EClient("sk_x", base_url="http://127.0.0.1:1", retry=Retry(first_wait=0.01, attempts=3)) as a2e:
            try:
                await a2e.download(url, folder, name="video")
            except DownloadError as error:
                print(error)

    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
"""


def child(url, folder, limit=0):
    """Download in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), url, str(folder), str(limit)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(os.name != "posix", reason="a limit on the size of files")
async def test_a_full_disk_is_said_and_leaves_no_half_file(host, tmp_path):
    """When the disk takes no more DownloadError names the folder, and nothing stands under the final name."""
    process = child(host.url, tmp_path, limit=HALF)
    said, _ = await asyncio.to_thread(process.communicate, timeout=30)
    assert f"cannot be written to {tmp_path}: File too large" in said
    assert not [name for name in names(tmp_path) if not name.startswith(".")]


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
async def test_a_killed_download_leaves_no_half_file_and_is_completed(a2e, host, tmp_path):
    """After kill -9 in the middle nothing stands under the final name, and the next run fetches only the rest."""
    host.script = [{"after": len(VIDEO) - 1_000, "then": "stall"}]
    process = child(host.url, tmp_path)
    await until(lambda: part_of(tmp_path).exists() and part_of(tmp_path).stat().st_size >= 1 << 20)
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.communicate)
    part = part_of(tmp_path)
    assert names(tmp_path) == [part.name, f"{part.name}.etag"]
    kept = part.stat().st_size
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges[1] == f"bytes={kept}-"
