"""Downloads are whole or absent, whatever the wire and the disk do; uploads carry what their link was made for."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import attrs
import pytest
from file_host import file_host
from virtual_time import until

from a2e_async import (
    A2EClient,
    Cadence,
    DownloadError,
    ImageToVideo,
    Record,
    Result,
    Retry,
    Status,
    TextToImage,
    TransportError,
    UsageError,
)
from a2e_async.engine.files.downloads import Files
from a2e_async.simulator import serve

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 8_000
HALF = len(FILM) // 2
OTHER_FILM = FILM[::-1].replace(b"\x00", b"\x01")
OTHER_FILM = FILM[:12] + OTHER_FILM[12:]
QUICK = Retry(first_wait=0.01, longest_wait=0.05, stall_seconds=0.3, attempts=4)


@pytest.fixture
async def host():
    """Run a file host with one film."""
    async with file_host(FILM) as host:
        yield host


@pytest.fixture
async def a2e():
    """Open a client for which nobody listens but file hosts."""
    async with A2EClient("sk_secret", base_url="http://127.0.0.1:1", retry=QUICK) as a2e:
        yield a2e


def names(folder):
    """Give the names of all files in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def is_whole(paths, folder, body=FILM):
    """Whether exactly one file came, whole, and nothing is left beside it."""
    return [path.read_bytes() for path in paths] == [body] and names(folder) == [path.name for path in paths]


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
    "cut before the last byte": {"after": len(FILM) - 1},
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
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.served <= len(FILM) + 100  # and a page or two
    assert len(host.requests) == times + 1


@pytest.mark.parametrize("way", BREAKS)
async def test_a_transfer_that_never_works_leaves_no_file(a2e, host, tmp_path, way):
    """After Retry.attempts tries DownloadError is raised, and nothing stands under the final name."""
    host.script = [BREAKS[way]] * 50
    with pytest.raises(DownloadError, match="not whole after 4 tries") as caught:
        await a2e.download(host.url, tmp_path, name="film")
    assert not [name for name in names(tmp_path) if not name.startswith(".")]
    assert len(host.requests) == 4
    assert "secret" not in str(caught.value)
    assert caught.value.url.endswith("/results/film.mp4")


async def test_a_reset_in_the_middle_is_resumed_by_range_and_etag(a2e, host, tmp_path):
    """The second request asks for the rest of the very same file, and each byte is sent once."""
    host.script = [{"after": HALF, "then": "reset"}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.ranges == [None, f"bytes={HALF}-"]
    assert host.requests[1][1]["if-range"] == host.etag
    assert host.served == len(FILM)


async def test_a_download_that_was_given_up_is_resumed_by_the_next_one(a2e, host, tmp_path):
    """What an earlier call left is completed by a later one."""
    host.script = [{"after": HALF}] * 4
    with pytest.raises(DownloadError):
        await a2e.download(host.url, tmp_path, name="film")
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.served == len(FILM)


async def test_a_file_that_has_changed_is_begun_anew(a2e, host, tmp_path):
    """Another ETag means another file: halves of two files are never put together."""
    host.script = [{"after": HALF}] * 4
    with pytest.raises(DownloadError):
        await a2e.download(host.url, tmp_path, name="film")
    host.body = OTHER_FILM
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path, OTHER_FILM)


async def test_a_part_of_another_file_is_not_believed(a2e, host, tmp_path):
    """A server that answers 206 in spite of another ETag is not trusted."""
    host.script = [{"after": HALF}]
    real = host.etag
    host.script.append({"status": 206, "tag": False, "head": ['ETag: "other"', f"Content-Range: bytes {HALF}-9/10"]})
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.etag == real


@pytest.mark.parametrize("content_range", ["bytes 0-9/10", "bytes 7-9/10", "nonsense", ""])
async def test_a_part_from_another_place_is_not_believed(a2e, host, tmp_path, content_range):
    """A 206 that begins elsewhere than was asked for is thrown away."""
    host.script = [{"after": HALF}, {"status": 206, "head": [f"Content-Range: {content_range}"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)


async def test_a_rest_that_comes_in_parts_is_put_together(a2e, host, tmp_path):
    """A 206 that ends before the file does is not the end of the file."""
    place = f"Content-Range: bytes {HALF}-{HALF + 99}/{len(FILM)}"
    host.script = [{"after": HALF}, {"status": 206, "body": FILM[HALF : HALF + 100], "head": [place]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.ranges == [None, f"bytes={HALF}-", f"bytes={HALF + 100}-"]


async def test_a_server_without_ranges_sends_the_whole_file_again(a2e, host, tmp_path):
    """A 200 to a question for the rest is the whole file from its first byte."""
    host.script = [{"after": HALF, "ranges": False}, {"ranges": False}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)


async def test_a_server_without_etag_is_not_resumed(a2e, host, tmp_path):
    """Without the proof that it is the same file nothing is put together."""
    host.script = [{"after": HALF, "tag": False}, {"tag": False}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.ranges == [None, None]


async def test_a_weak_etag_is_no_proof(a2e, host, tmp_path):
    """A weak ETag does not say that bytes are the same, so nothing is resumed by it."""
    weak = {"tag": False, "head": ['ETag: W/"abc"']}
    host.script = [{"after": HALF, **weak}, weak]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.ranges == [None, None]


async def test_a_range_that_is_refused_begins_anew(a2e, host, tmp_path):
    """HTTP 416 throws away what is there."""
    (tmp_path / ".film.part").write_bytes(FILM + b"more")
    (tmp_path / ".film.part.etag").write_text(host.etag)
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.ranges == [f"bytes={len(FILM) + 4}-", None]


@pytest.mark.parametrize("proof", [None, "", '"another file"'])
async def test_a_part_without_proof_is_not_trusted(a2e, host, tmp_path, proof):
    """A left-over hidden file is only used when its ETag is that of the file."""
    (tmp_path / ".film.part").write_bytes(b"x" * HALF)
    if proof is not None:
        (tmp_path / ".film.part.etag").write_text(proof)
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)


async def test_an_unknown_length_is_taken_to_the_end(a2e, host, tmp_path):
    """Without Content-Length the file ends with the connection."""
    host.script = [{"length": False}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)


PAGES = {
    "html": b"<!DOCTYPE html><html>Please sign in</html>",
    "html after spaces": b"\xef\xbb\xbf \r\n <html>",
    "xml": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "json": b'{"code": 0, "data": null}',
    "json list": b"[]",
    "nothing": b"",
    "spaces": b"  \n",
}


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_never_becomes_a_film(a2e, host, tmp_path, page):
    """An error page, JSON or nothing at all with HTTP 200 is no file, and is tried again."""
    host.script = [{"body": PAGES[page], "head": ["Content-Type: video/mp4"]}] * 4
    with pytest.raises(DownloadError, match="not whole after 4 tries: the file host sent"):
        await a2e.download(host.url, tmp_path, name="film")
    assert names(tmp_path) == []
    host.script = [{"body": PAGES[page], "head": ["Content-Type: video/mp4"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)


@pytest.mark.parametrize(
    ("body", "suffix"),
    [(b"\x89PNG\r\n\x1a\n" + b"x" * 99, ".png"), (b"\xff\xd8\xff" + b"x" * 99, ".jpg"), (b"?" * 99, ".mp4")],
)
async def test_the_suffix_follows_what_the_file_is(a2e, host, tmp_path, body, suffix):
    """The first bytes decide; what they do not know has the suffix of its link."""
    host.body = body
    (path,) = await a2e.download(host.url, tmp_path, name="film")
    assert path.name == f"film{suffix}"


@pytest.mark.parametrize("status", [400, 401, 402, 405, 451])
async def test_a_refusal_is_raised_at_once(a2e, host, tmp_path, status):
    """A file host that refuses is not asked again."""
    host.script = [{"status": status, "body": b"no"}]
    with pytest.raises(DownloadError, match=f"refused: HTTP {status}") as caught:
        await a2e.download(host.url, tmp_path, name="film")
    assert not caught.value.expired
    assert len(host.requests) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_bare_link_that_has_expired_cannot_be_refreshed(a2e, host, tmp_path, status):
    """Without its task nobody knows a fresh link."""
    host.script = [{"status": status, "body": b"<Error/>"}]
    with pytest.raises(DownloadError, match="expired") as caught:
        await a2e.download(host.url, tmp_path, name="film")
    assert caught.value.expired
    assert len(host.requests) == 1


async def test_an_existing_whole_file_is_kept(a2e, host, tmp_path):
    """A second download changes nothing and fetches no body to speak of."""
    (path,) = await a2e.download(host.url, tmp_path, name="film")
    before = path.stat()
    assert await a2e.download(host.url, tmp_path, name="film") == [path]
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert names(tmp_path) == ["film.mp4"]


async def test_an_existing_file_of_another_length_is_replaced(a2e, host, tmp_path):
    """What is not whole is not kept."""
    (tmp_path / "film.mp4").write_bytes(FILM[:-1])
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)


async def test_two_downloads_of_the_same_file_at_once_fetch_it_once(a2e, host, tmp_path):
    """The second one waits for the first and keeps its file."""
    host.script = [{"wait": 0.1}]
    first, second = await asyncio.gather(*(a2e.download(host.url, tmp_path, name="film") for _ in range(2)))
    assert first == second
    assert is_whole(first, tmp_path)
    assert all(headers.get("range") is None for _method, headers in host.requests)


async def test_two_clients_that_fetch_the_same_file_do_not_mix(a2e, host, tmp_path):
    """The hidden file belongs to one at a time, also over clients and processes."""
    host.script = [{"after": HALF, "then": "stall"}, {"after": HALF + 5, "then": "reset"}]
    async with A2EClient("sk_other", base_url="http://127.0.0.1:1", retry=QUICK) as other:
        both = await asyncio.gather(
            a2e.download(host.url, tmp_path, name="film"), other.download(host.url, tmp_path, name="film")
        )
    assert both[0] == both[1]
    assert is_whole(both[0], tmp_path)


async def test_a_cancelled_download_lets_go_of_its_file(a2e, host, tmp_path):
    """After a cancellation the next download goes on where it was."""
    host.script = [{"after": HALF, "then": "stall"}]
    download = asyncio.create_task(a2e.download(host.url, tmp_path, name="film"))
    await until(lambda: host.served >= HALF)
    await asyncio.sleep(0.1)
    download.cancel()
    await asyncio.wait([download])
    assert not [name for name in names(tmp_path) if not name.startswith(".")]
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)


async def test_downloads_at_once_are_bounded(a2e, host, tmp_path):
    """Of forty downloads at most eight are under way."""
    host.script = [{"wait": 0.02}] * 40
    host.body = FILM[:1_000]
    paths = await a2e.download([f"{host.url}&n={number}" for number in range(40)], tmp_path, name="film")
    assert len(set(paths)) == 40
    assert 2 <= host.peak <= 8


async def test_several_outputs_are_numbered_in_order(a2e, tmp_path):
    """The outputs of a result come under numbered names, in their order."""
    async with file_host(FILM) as one, file_host(OTHER_FILM) as other:
        records = [
            Record(
                id="0" * 24, family="text_to_image", name="kite", status=Status.COMPLETED, urls=(one.url, other.url)
            ),
            Record(id="1" * 24, family="text_to_image", name="kite", status=Status.COMPLETED, urls=(other.url,)),
        ]
        paths = await a2e.download(Result(tuple(records)), tmp_path)
    assert [path.name for path in paths] == [
        f"kite-{'0' * 24}-1.mp4", f"kite-{'0' * 24}-2.mp4", f"kite-{'1' * 24}.mp4",
    ]  # fmt: skip
    assert [path.read_bytes() for path in paths] == [FILM, OTHER_FILM, OTHER_FILM]


async def test_one_output_that_fails_does_not_stop_the_others(a2e, host, tmp_path):
    """The failure is raised at the end, and the other files are there."""
    host.script = [{"wait": 0.1}]
    with pytest.raises(DownloadError):
        await a2e.download([host.url, "http://127.0.0.1:9/nobody.mp4"], tmp_path)
    assert names(tmp_path) == ["film.mp4"]


UNSAFE = {
    "CON": "_CON.mp4",
    "aux.txt": "_aux.txt.mp4",
    "../../etc/passwd": "etc-passwd.mp4",
    "a/b\\c": "a-b-c.mp4",
    "C:\\kite": "C-kite.mp4",
    "kite\x00\n*?": "kite.mp4",
    "sun set": "sun-set.mp4",
    "\u51e7\u3042\u3052": "file.mp4",
    "...": "file.mp4",
    "-rf": "rf.mp4",
    "x" * 300: "x" * 80 + ".mp4",
    "kite.": "kite.mp4",
}


@pytest.mark.parametrize("name", UNSAFE)
async def test_names_are_safe_on_every_system(a2e, host, tmp_path, name):
    """Whatever a file shall be called, its name is one that every system takes, in the folder that was given."""
    (path,) = await a2e.download(host.url, tmp_path, name=name)
    assert path.parent == tmp_path
    assert path.name == UNSAFE[name]


async def test_a_folder_that_is_a_file_is_said(a2e, host, tmp_path):
    """Where no folder can be made DownloadError is raised, and not some OSError."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(DownloadError, match="cannot be written"):
        await a2e.download(host.url, tmp_path / "file" / "folder", name="film")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_said(a2e, host, tmp_path):
    """Without the right to write DownloadError is raised."""
    tmp_path.chmod(0o500)
    with pytest.raises(DownloadError, match="cannot be written"):
        await a2e.download(host.url, tmp_path, name="film")
    tmp_path.chmod(0o700)


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
                await a2e.download(url, folder, name="film")
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
    host.script = [{"after": len(FILM) - 1_000, "then": "stall"}]
    process = child(host.url, tmp_path)
    part = tmp_path / ".film.part"
    await until(lambda: part.exists() and part.stat().st_size >= 1 << 20)
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.communicate)
    assert names(tmp_path) == [".film.part", ".film.part.etag"]
    kept = part.stat().st_size
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path)
    assert host.ranges[1] == f"bytes={kept}-"


# With the whole service.


def client(sim, **options):
    """Make a client of a simulator on a socket."""
    return A2EClient(sim.token, base_url=sim.url, retry=QUICK, cadence=Cadence(delay=0.02), **options)


async def test_an_expired_link_is_refreshed_exactly_once(tmp_path):
    """A link that lives no more is asked for at its task; the file comes, with one more look at the task."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        sim.faults.add("file", "status", status=403)
        looks = sim.counters["text_to_image.detail"]
        (path,) = await a2e.download(result, tmp_path)
        assert path.read_bytes().startswith(b"\x89PNG")
        assert sim.counters["text_to_image.detail"] == looks + 1
        assert sim.counters["file"] == 2


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_link_that_stays_expired_is_said(tmp_path, status):
    """When the fresh link is refused too the error says so, and names the task."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        sim.faults.add("file", "status", status=status, hits=None)
        with pytest.raises(DownloadError, match="expired") as caught:
            await a2e.download(result, tmp_path)
        assert caught.value.expired
        assert caught.value.task_ids == result.task_ids
        assert sim.counters["file"] == 2


@pytest.mark.parametrize("kind", ["no_route", "null"])
async def test_a_task_that_is_gone_leaves_the_link_expired(tmp_path, kind):
    """When the task itself cannot be had any more the error is still that of the link."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        sim.faults.add("file", "status", status=404, hits=None)
        sim.faults.add("*.detail", kind, hits=None)
        with pytest.raises(DownloadError, match="expired") as caught:
            await a2e.download(result, tmp_path)
        assert caught.value.expired


async def test_results_expire_for_real(tmp_path):
    """A link of the simulator that has expired by its clock is refreshed."""
    async with serve(speed=2_000, media="tiny", task_seconds=1, file_ttl=600) as sim, client(sim) as a2e:
        result = await a2e.text_to_image("a red kite")
        await asyncio.sleep(0.5)  # a quarter of an hour over there
        assert len(await a2e.download(result, tmp_path)) == 1
        assert sim.counters["file"] == 2


async def test_an_upload_becomes_an_input(tmp_path):
    """A picture is put with its own content type and without the token, and its link works as an input."""
    picture = tmp_path / "My Kite.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000)
    progress = []
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        link = await a2e.upload(picture, progress=lambda sent, size: progress.append((sent, size)))
        await a2e.start(ImageToVideo(link, prompt="it climbs", negative_prompt="no"))
        assert await a2e.download(link, tmp_path, name="back") == [tmp_path / "back.png"]
        assert sim.counters["upload"] == sim.counters["presign"] == 1
    assert (tmp_path / "back.png").read_bytes() == picture.read_bytes()
    size = picture.stat().st_size
    assert progress[-1] == (size, size)
    assert [sent for sent, _size in progress] == sorted({sent for sent, _size in progress})
    assert re.fullmatch(r".*/[0-9a-f]{16}-My-Kite\.png", link)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": 1}', b"plain text", b"%PDF-1.7", b"\x00" * 100])
async def test_a_file_that_is_no_media_is_not_sent(tmp_path, body):
    """What is no picture, film or sound is refused before anything is sent."""
    path = tmp_path / "kite.png"
    path.write_bytes(body)
    async with serve(media="tiny") as sim, client(sim) as a2e:
        with pytest.raises(UsageError, match="picture, film or sound"):
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
        with pytest.raises(Exception) as caught:  # noqa: PT011 - its class is looked at
            await a2e.upload(path)
        assert type(caught.value).__name__ in ("TransportError", "ProtocolError", "ServiceError")
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
    path = tmp_path / "film.bin"
    path.write_bytes(FILM)
    async with file_host(b"") as host:
        files = Files(QUICK)
        await files.upload(host.url, path, "video/mp4", None)
        await files.aclose()
        ((method, headers),) = host.requests
    assert (method, headers["content-type"], headers["content-length"]) == ("PUT", "video/mp4", str(len(FILM)))
    assert not {"authorization", "transfer-encoding"} & set(headers)
    assert host.got == [FILM]


async def test_the_stall_limit_is_tunable(tmp_path):
    """`Retry.stall_seconds` is how long a transfer may stand still."""
    async with file_host(FILM) as host:
        files = Files(attrs.evolve(QUICK, stall_seconds=0.1, attempts=2))
        host.script = [{"after": HALF, "then": "stall"}] * 2
        began = time.monotonic()
        with pytest.raises(DownloadError):
            await files.download(host.url, tmp_path, "film", lambda: None)
        await files.aclose()
    assert 0.15 < time.monotonic() - began < 5


async def test_a_slow_file_is_not_cut_by_any_limit(a2e, host, tmp_path):
    """A transfer that moves may take as long as it wants: only standing still counts."""
    host.body = FILM[:800_000]
    real, quick = host._answer, 0.1

    async def dribble(writer, headers, **act):
        for place in range(8):
            await asyncio.sleep(quick)
            if place == 0:
                writer.write(f"HTTP/1.1 200 x\r\nContent-Length: {len(host.body)}\r\n\r\n".encode())
            writer.write(host.body[place * 100_000 : (place + 1) * 100_000])

    host._answer = dribble
    assert is_whole(await a2e.download(host.url, tmp_path, name="film"), tmp_path, host.body)
    assert len(host.requests) == 1
    assert real


async def test_pictures_of_one_start_are_downloaded_together(tmp_path):
    """The result of four pictures is four files."""
    async with serve(speed=50, media="tiny", task_seconds=1) as sim, client(sim) as a2e:
        result = await a2e.start(TextToImage("four", max_images=4))
        paths = await a2e.download(result, tmp_path)
        assert len({path.name for path in paths}) == 4
        assert len(names(tmp_path)) == 4
