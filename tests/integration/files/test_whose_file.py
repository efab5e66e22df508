"""Which file it is says its source, never its name or its length, and nothing of anybody's is written over."""

from __future__ import annotations

import asyncio
import os
import re

import pytest
from file_host import file_host
from video_results import result
from videos import HALF, OTHER_VIDEO, QUICK, VIDEO, is_whole, names

from a2e_async import (
    A2EClient,
    DownloadError,
    Record,
    Result,
    Status,
    UsageError,
)


async def test_an_existing_whole_file_is_kept(a2e, host, tmp_path):
    """A second download changes nothing and fetches no body to speak of."""
    (path,) = await a2e.download(host.url, tmp_path, name="video")
    before = path.stat()
    assert await a2e.download(host.url, tmp_path, name="video") == [path]
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert names(tmp_path) == ["video.mp4"]


@pytest.mark.parametrize("size", [0, 1, HALF, len(VIDEO) - 1])
async def test_a_beginning_of_the_file_is_completed(a2e, host, tmp_path, size):
    """Half a file under the name gives way to the whole one, which has all of its bytes."""
    (tmp_path / "video.mp4").write_bytes(VIDEO[:size])
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


async def test_two_downloads_of_the_same_file_at_once_fetch_it_once(a2e, host, tmp_path):
    """The second one waits for the first and keeps its file."""
    host.script = [{"wait": 0.1}]
    first, second = await asyncio.gather(*(a2e.download(host.url, tmp_path, name="video") for _ in range(2)))
    assert first == second
    assert is_whole(first, tmp_path)
    assert all(headers.get("range") is None for _method, headers in host.requests)


async def test_two_clients_that_fetch_the_same_file_do_not_mix(a2e, host, tmp_path):
    """The hidden file belongs to one at a time, also over clients and processes."""
    host.script = [{"after": HALF, "then": "stall"}, {"after": HALF + 5, "then": "reset"}]
    async with A2EClient("sk_other", base_url="http://127.0.0.1:1", retry=QUICK) as other:
        both = await asyncio.gather(
            a2e.download(host.url, tmp_path, name="video"), other.download(host.url, tmp_path, name="video")
        )
    assert both[0] == both[1]
    assert is_whole(both[0], tmp_path)


async def test_several_outputs_are_numbered_in_order(a2e, tmp_path):
    """The outputs of a result come under numbered names, in their order."""
    async with file_host(VIDEO) as one, file_host(OTHER_VIDEO) as other:
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
    assert [path.read_bytes() for path in paths] == [VIDEO, OTHER_VIDEO, OTHER_VIDEO]


UNSAFE = {
    "CON": "_CON.mp4",
    "aux.txt": "_aux.txt.mp4",
    "../../etc/passwd": "etc-passwd.mp4",
    "a/b\\c": "a-b-c.mp4",
    "C:\\kite": "C-kite.mp4",
    "kite\x00\n*?": "kite.mp4",
    "sun set": "sun-set.mp4",
    "\u51e7\u3042\u3052": "\u51e7\u3042\u3052.mp4",
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
        await a2e.download(host.url, tmp_path / "file" / "folder", name="video")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_said(a2e, host, tmp_path):
    """Without the right to write DownloadError is raised."""
    tmp_path.chmod(0o500)
    with pytest.raises(DownloadError, match="cannot be written"):
        await a2e.download(host.url, tmp_path, name="video")
    tmp_path.chmod(0o700)


def wav(words):
    """Give a recording that holds these words, and is as long as any other one."""
    return b"RIFF\0\0\0\0WAVE" + words.encode().ljust(20, b"\1") * 50


async def test_equal_name_and_length_are_no_proof(a2e, tmp_path):
    """Two links whose files are called alike and are equally long are two files, whichever comes first."""
    async with file_host(wav("monday")) as monday, file_host(wav("sunday")) as sunday:
        links = [host.url.replace("video.mp4", f"{number}/speech.wav") for number, host in enumerate((monday, sunday))]
        paths = [(await a2e.download(link, tmp_path))[0] for link in links]
        assert [path.read_bytes() for path in paths] == [wav("monday"), wav("sunday")]
        assert [path.name for path in paths] == ["speech.wav", "speech-2.wav"]
        assert [(await a2e.download(link, tmp_path))[0] for link in links] == paths


async def test_one_name_for_several_results_gives_each_its_own_file(a2e, host, tmp_path):
    """A name that the caller gives again never hands back, nor replaces, what an earlier result had."""
    names_and_bodies = {}
    for number in range(5):
        host.body = wav(str(number))
        (path,) = await a2e.download(result(host, number), tmp_path, name="latest")
        names_and_bodies[path.name] = path.read_bytes()
    assert names_and_bodies == {
        f"latest{suffix}.wav": wav(str(number)) for number, suffix in enumerate(["", "-2", "-3", "-4", "-5"])
    }


async def test_another_signature_brings_no_second_file(a2e, host, tmp_path):
    """The same link with another query, and the same content behind it, is the same file; other content is not."""
    (first,) = await a2e.download(f"{host.url}&signature=1", tmp_path)
    assert await a2e.download(f"{host.url}&signature=2", tmp_path) == [first]
    host.body = OTHER_VIDEO
    (second,) = await a2e.download(f"{host.url}&signature=3", tmp_path)
    assert (first.read_bytes(), second.read_bytes()) == (VIDEO, OTHER_VIDEO)
    assert names(tmp_path) == ["video-2.mp4", "video.mp4"]


async def test_downloads_of_one_name_at_once_have_a_file_each(a2e, tmp_path):
    """Also downloads that run at the same time, and whose files hold the same bytes, share no name."""
    async with file_host(wav("a")) as one, file_host(wav("b")) as two, file_host(wav("b")) as three:
        (tmp_path / "video.wav").write_bytes(b"my own recording")
        paths = await asyncio.gather(*(a2e.download(host.url, tmp_path) for host in (one, two, three)))
    assert len({path for (path,) in paths}) == 3
    assert [path.read_bytes() for (path,) in paths] == [wav("a"), wav("b"), wav("b")]
    assert (tmp_path / "video.wav").read_bytes() == b"my own recording"


async def test_what_a_task_has_made_is_found_again_without_asking(a2e, host, tmp_path):
    """A result that is there needs no request, also in the next process and under a number."""
    for name in ("video.mp4", "video-2.mp4"):
        (tmp_path / name).write_bytes(b"mine")
    paths = await a2e.download(result(host, 1), tmp_path, name="video")
    assert [path.name for path in paths] == ["video-3.mp4"]
    asked = len(host.requests)
    async with A2EClient("sk_other", base_url="http://127.0.0.1:1", retry=QUICK) as other:
        assert await other.download(result(host, 1), tmp_path, name="video") == paths
    assert len(host.requests) == asked


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="marks on files")
@pytest.mark.parametrize("mark", [b"", b"no json", b"[1]", b'{"source": 1}', b"x" * 3_000, None])
async def test_a_file_without_our_mark_is_known_by_its_content(a2e, host, tmp_path, mark):
    """Copies that have lost their marks, and marks that cannot be read, cost a transfer and no second file."""
    (path,) = await a2e.download(result(host, 1), tmp_path, name="video")
    os.removexattr(path, "user.a2e")
    if mark is not None:
        os.setxattr(path, "user.a2e", mark)
    assert await a2e.download(result(host, 1), tmp_path, name="video") == [path]
    assert names(tmp_path) == ["video.mp4"]


async def test_a_link_is_asked_whether_its_file_has_changed(a2e, host, tmp_path):
    """The file behind a link may change: the same ETag keeps it, another one brings a second file."""
    (first,) = await a2e.download(host.url, tmp_path, name="video")
    host.script = [{"status": 304, "body": b"", "tag": False}]
    served = host.served
    assert await a2e.download(host.url, tmp_path, name="video") == [first]
    assert host.requests[-1][1]["if-none-match"] == host.etag
    assert host.served == served
    host.body = OTHER_VIDEO
    (second,) = await a2e.download(host.url, tmp_path, name="video")
    assert (second.name, second.read_bytes()) == ("video-2.mp4", OTHER_VIDEO)
    assert first.read_bytes() == VIDEO


@pytest.mark.parametrize("change", ["edited", "cut in the middle", "edited and longer"])
async def test_what_somebody_has_edited_stays_as_it_is(a2e, host, tmp_path, change):
    """A result that was changed since is the user's: the whole file comes beside it."""
    (path,) = await a2e.download(result(host, 1), tmp_path, name="video")
    mine = {
        "edited": VIDEO[:-1] + b"!",
        "cut in the middle": VIDEO[:99] + VIDEO[999:],
        "edited and longer": b"!" + VIDEO,
    }[change]
    path.write_bytes(mine)
    (again,) = await a2e.download(result(host, 1), tmp_path, name="video")
    assert (path.read_bytes(), again.read_bytes(), again.name) == (mine, VIDEO, "video-2.mp4")


@pytest.mark.skipif(os.name != "posix", reason="links")
@pytest.mark.parametrize("what", ["symbolic link", "dangling link", "folder", "pipe"])
async def test_what_has_the_name_is_neither_followed_nor_replaced(a2e, host, tmp_path, what):
    """A link, a folder or a pipe under the name of a result stays there, and the result gets a number."""
    mine, taken = tmp_path / "mine.mp4", tmp_path / "out" / "video.mp4"
    taken.parent.mkdir()
    mine.write_bytes(VIDEO)
    make = {
        "symbolic link": lambda: taken.symlink_to(mine),
        "dangling link": lambda: taken.symlink_to(tmp_path / "nobody"),
        "folder": taken.mkdir,
        "pipe": lambda: os.mkfifo(taken),
    }
    make[what]()
    before = taken.lstat()
    async with asyncio.timeout(5):
        (path,) = await a2e.download(host.url, taken.parent, name="video")
    assert (path.name, path.read_bytes()) == ("video-2.mp4", VIDEO)
    assert taken.lstat() == before
    assert mine.read_bytes() == VIDEO


async def test_a_hundred_files_of_one_name_are_still_told_apart(a2e, host, tmp_path):
    """When a hundred numbers are given away the name ends in a digest of the source; then it is said."""
    host.body = wav("mine")
    taken = ["video.wav", *(f"video-{number}.wav" for number in range(2, 100))]
    for name in taken:
        (tmp_path / name).write_bytes(b"mine")
    (path,) = await a2e.download(host.url, tmp_path, name="video")
    assert re.fullmatch(r"video-[0-9a-f]{16}\.wav", path.name)
    path.write_bytes(b"mine")
    with pytest.raises(DownloadError, match="a hundred files are called video"):
        await a2e.download(host.url, tmp_path, name="video")
    assert len([name for name in names(tmp_path) if not name.startswith(".")]) == 100


@pytest.mark.parametrize("name", ["kite.png", "kite.PNG", "kite"])
async def test_a_name_may_have_its_suffix(a2e, host, tmp_path, name):
    """`name="kite.png"` gives no kite.png.png; the suffix follows what the file is."""
    (path,) = await a2e.download(host.url, tmp_path, name=name)
    assert path.name == "kite.mp4"


async def test_a_folder_may_name_the_file(a2e, host, tmp_path, monkeypatch):
    """`download(x, "out/kite.png")` makes no folder of that name, unless there is one; ~ is the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (path,) = await a2e.download(host.url, "~/out/kite.mp4")
    assert path == tmp_path / "out" / "kite.mp4"
    (tmp_path / "old.mp4").mkdir()
    (path,) = await a2e.download(host.url, tmp_path / "old.mp4")
    assert path == tmp_path / "old.mp4" / "video.mp4"


@pytest.mark.parametrize("what", [None, 5, b"http://r.example/x", {"url": "http://r.example"}, [None], object()])
async def test_what_has_no_files_is_refused_in_words(a2e, tmp_path, what):
    """Whatever else is given for a result is a UsageError that says what it is."""
    with pytest.raises(UsageError, match="download: needs a result, a record, a job or URLs"):
        await a2e.download(what, tmp_path)
    for folder in (None, 5, b"out"):
        with pytest.raises(UsageError, match="folder: must be a path"):
            await a2e.download("http://r.example/x", folder)
    with pytest.raises(UsageError, match="name: must be text"):
        await a2e.download("http://r.example/x", tmp_path, name=5)
    with pytest.raises(UsageError, match="NUL"):
        await a2e.download("http://r.example/x", "a\0b")
