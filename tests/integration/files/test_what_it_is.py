"""What came is an image, a video or audio by its first bytes, or it is no result."""

from __future__ import annotations

import pytest
from videos import HALF, is_whole, names

from a2e_async import (
    DownloadError,
)

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
async def test_a_page_never_becomes_a_video(a2e, host, tmp_path, page):
    """An error page, JSON or nothing at all with HTTP 200 is no file, and is tried again."""
    host.script = [{"body": PAGES[page], "head": ["Content-Type: video/mp4"]}] * 4
    with pytest.raises(DownloadError, match="incomplete after 4 tries: the file host sent"):
        await a2e.download(host.url, tmp_path, name="video")
    assert names(tmp_path) == []
    host.script = [{"body": PAGES[page], "head": ["Content-Type: video/mp4"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


UNKNOWN = bytes(range(256)) * 4
SUFFIXES = {
    "png": (b"\x89PNG\r\n\x1a\n" + b"x" * 99, "text/html", "video.png"),
    "jpg": (b"\xff\xd8\xff" + b"x" * 99, "video/mp4", "video.jpg"),
    "unknown, with the suffix of its link": (UNKNOWN, "video/x-tomorrow", "video.mp4"),
}


@pytest.mark.parametrize("case", SUFFIXES)
async def test_the_suffix_follows_what_the_file_is(a2e, host, tmp_path, case):
    """The first bytes decide; what they do not know, and the host calls media, has the suffix of its link."""
    host.body, kind, name = SUFFIXES[case]
    host.script = [{"head": [f"Content-Type: {kind}"]}]
    (path,) = await a2e.download(host.url, tmp_path, name="video")
    assert path.name == name


@pytest.mark.parametrize(
    "suffix", ["exe", "sh", "html", "svg", "csv", "lnk", "ledger.sqlite", "js", "pdf", "image", ""]
)
async def test_unknown_media_get_no_suffix_that_a_system_runs(a2e, host, tmp_path, suffix):
    """What no first bytes tell is called .bin, unless its link has a suffix of media."""
    host.body = UNKNOWN
    host.script = [{"head": ["Content-Type: image/x-tomorrow"]}]
    (path,) = await a2e.download(host.url.replace("video.mp4", f"video.{suffix}"), tmp_path, name="video")
    assert path.name == "video.bin"


NO_MEDIA = {
    "words": b"error code: 1015",
    "words with a control character": b"\x0bNot found, and so on",
    "a page in UTF-16": "<html>log in</html>".encode("utf-16"),
    "a page in UTF-16 without a mark": "<html>log in</html>".encode("utf-16-le"),
    "words in UTF-32": "please log in".encode("utf-32-be"),
    "words in Japanese": "アクセスが拒否されました".encode("shift-jis"),
    "words in Russian": "Доступ запрещён".encode("cp1251"),
    "a script": b"\x0b<script>1</script>",
    "markup behind a NUL": b"\x00 <svg onload=alert(1)>",
    "an image of words": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a program": b"MZ\x90\x00" + UNKNOWN,
    "a program of Linux": b"\x7fELF" + UNKNOWN,
    "a shell script": b"#!/bin/sh\nrm -rf ~\n" + UNKNOWN,
    "a shortcut": b"L\x00\x00\x00\x01\x14\x02\x00" + UNKNOWN,
    "an archive": b"PK\x03\x04" + UNKNOWN,
    "a document": b"%PDF-1.7\n" + UNKNOWN,
    "zeros": bytes(500),
    "numbers": b"\t1,2,3\r\n" * 20,
}


@pytest.mark.parametrize("kind", ["image/png", "text/plain"])
@pytest.mark.parametrize("case", NO_MEDIA)
async def test_what_is_no_media_is_no_result(a2e, host, tmp_path, case, kind):
    """Pages, words, scripts and programs are refused, whatever the host calls them, and nothing stays behind."""
    host.script = [{"body": NO_MEDIA[case], "head": [f"Content-Type: {kind}"]}] * 4
    with pytest.raises(DownloadError, match="the file host sent"):
        await a2e.download(host.url, tmp_path, name="video")
    assert names(tmp_path) == []


async def test_what_nobody_calls_media_is_no_result(a2e, host, tmp_path):
    """Bytes that nobody knows are kept only when the host calls them an image, a video or audio."""
    host.script = [{"body": UNKNOWN, "head": ["Content-Type: application/octet-stream"]}] * 4
    with pytest.raises(DownloadError, match="no image, video or audio"):
        await a2e.download(host.url, tmp_path, name="video")


async def test_a_page_is_told_before_all_of_it_has_come(a2e, host, tmp_path):
    """A page without end is given up at its first bytes."""
    host.script = [{"body": b"<html>" + b"x" * 5_000, "after": 5_000, "then": "stall"}] * 4
    with pytest.raises(DownloadError, match="a page or words"):
        await a2e.download(host.url, tmp_path, name="video")


async def test_a_resumed_file_is_looked_at_as_a_whole(a2e, host, tmp_path):
    """Also what has come in two halves is an image, a video or audio by its first bytes, and keeps its suffix."""
    host.script = [{"after": HALF, "then": "reset"}]
    (path,) = await a2e.download(host.url.replace("video.mp4", "video.exe"), tmp_path, name="video")
    assert path.name == "video.mp4"
    assert len(host.requests) == 2
