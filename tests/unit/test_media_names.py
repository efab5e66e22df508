"""What a file is by its first bytes, and what it may be called."""

from __future__ import annotations

import ntpath
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.core import media

HEADS = {
    b"\x89PNG\r\n\x1a\n....": (".png", "image/png"),
    b"\xff\xd8\xff\xe0....JFIF": (".jpg", "image/jpeg"),
    b"GIF89a....": (".gif", "image/gif"),
    b"RIFF....WEBPVP8 ": (".webp", "image/webp"),
    b"RIFF....WAVEfmt ": (".wav", "audio/wav"),
    b"\0\0\0\x14ftypqt  ": (".mov", "video/quicktime"),
    b"\0\0\0\x20ftypM4A ": (".m4a", "audio/mp4"),
    b"\0\0\0\x20ftypavif": (".avif", "image/avif"),
    b"\0\0\0\x20ftypisom": (".mp4", "video/mp4"),
    b"\0\0\0\x20ftypmp42": (".mp4", "video/mp4"),
    b"\x1aE\xdf\xa3....webm": (".webm", "video/webm"),
    b"ID3\x04....": (".mp3", "audio/mpeg"),
    b"\xff\xfb\x90": (".mp3", "audio/mpeg"),
    b"\xff\xf3\x90": (".mp3", "audio/mpeg"),
    b"OggS\0": (".ogg", "audio/ogg"),
    b"fLaC\0": (".flac", "audio/flac"),
}


@pytest.mark.parametrize(("head", "known"), HEADS.items())
def test_media_are_known_by_their_first_bytes(head, known):
    """Each kind of media file has its suffix and content type, and is no text."""
    assert media.sniff(head) == known
    assert not media.is_text(head)


@pytest.mark.parametrize("head", [b"", b"<html>", b'{"code": 1}', b"RIFF....AVI ", b"\0\0\0\0", b"plain words"])
def test_what_is_no_media_file(head):
    """Bytes that no media file begins with tell nothing."""
    assert media.sniff(head) is None


@pytest.mark.parametrize(
    "head", [b"", b" \r\n ", b"<!doctype html>", b"  <Error>", b"\xef\xbb\xbf<xml", b'\n{"code": 403}', b"[1]"]
)
def test_an_error_page_is_text(head):
    """A page, an XML or JSON error and an empty file are told from media."""
    assert media.is_text(head)


@pytest.mark.parametrize(
    ("url", "suffix"),
    [
        ("https://r.example/a/film.mp4", ".mp4"),
        ("https://r.example/film.MP4?sig=a.b", ".mp4"),
        ("https://r.example/film%2Emov", ".mov"),
        ("https://r.example/b2fb5131.image", ""),
        ("https://r.example/film", ""),
        ("https://r.example/v1.2.345/film", ""),
        ("https://r.example/film.mp4;drop", ""),
        ("https://r.example/a.toolong", ""),
        ("https://r.example", ""),
        ("http://[bad/film.mp4", ""),
    ],
)
def test_suffix_of_a_link(url, suffix):
    """A link's path gives a suffix when it has one that a media file could have."""
    assert media.suffix_of(url) == suffix


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a red kite", "a-red-kite"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\\b:c*d?", "a-b-c-d"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1", "_com1"),
        ("console", "console"),
        ("", "file"),
        ("...", "file"),
        ("夕日", "file"),
        ("x" * 200, "x" * 80),
    ],
)
def test_safe_names(text, name):
    """Each text becomes a name that every system takes."""
    assert media.safe_name(text) == name


def is_reserved(name):
    """Whether Windows takes the name for a device; Python 3.13 asks elsewhere."""
    return ntpath.isreserved(name) if hasattr(ntpath, "isreserved") else PureWindowsPath(name).is_reserved()


@given(st.text())
def test_a_safe_name_is_one_part_of_a_path(text):
    """No text whatever leads out of the folder or to a device."""
    name = media.safe_name(text)
    assert 1 <= len(name) <= 81
    assert PurePosixPath(name).parts == PureWindowsPath(name).parts == (name,)
    assert not is_reserved(name)
    assert name == name.strip(" .")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://r.example/a.mp4?X-Signature=secret#part", "https://r.example/a.mp4"),
        ("https://user:secret@r.example:8443/a.mp4", "https://r.example:8443/a.mp4"),
        ("http://[bad/a.mp4?secret", "an address that cannot be read"),
    ],
)
def test_a_link_without_its_secrets(url, shown):
    """The query and a login are left out of a link that is shown."""
    assert media.without_query(url) == shown
