"""Open files as inputs: what can be read from its place on is held or read at once, the rest is refused in words."""

from __future__ import annotations

import errno
import io
import math
import os
import time

import pytest

from a2e_async import ImageToVideo, InvalidRequestError
from a2e_async.core.converter import CONVERTER
from a2e_async.core.inputs import FaultError
from a2e_async.engine.files import contents, examining
from a2e_async.engine.files.contents import InMemory, content_of

DATA = b"\x89PNG and so on"


def whole(content):
    """Read a content from its beginning."""
    with content.open() as source:
        return source.read()


def test_a_file_in_memory_is_read_from_its_place_and_left_there():
    """As one that lies on disk is: whoever gave it may read on in it."""
    file = io.BytesIO(DATA)
    file.seek(4)
    assert whole(content_of(file, math.inf)) == DATA[4:]
    assert file.tell() == 4


class Stream(io.RawIOBase):
    """What can be read once, and has no place."""

    def __init__(self, data):
        self._data = data

    def readable(self):
        """It can."""
        return True

    def read(self, size=-1):
        """Give what there is, once."""
        data, self._data = self._data, b""
        return data


def test_a_stream_without_a_place_is_read_once():
    """What it gave is kept, so that it can be sent again."""
    content = content_of(Stream(DATA), math.inf)
    assert whole(content) == whole(content) == DATA


def test_no_more_of_a_stream_is_read_than_may_be_sent():
    """One without an end is refused for its size, and fills no memory."""
    endless = Stream(DATA)
    endless.read = lambda size=-1: bytes(size)
    content = content_of(endless, 3_000_000)
    with content.open() as source:
        assert 3_000_000 < content.mark(source)[0] < 5_000_000


@pytest.mark.parametrize("given", ["text", None])
def test_a_stream_that_gives_no_bytes_is_refused(given):
    """Its kind is named."""
    with pytest.raises(FaultError, match=f"gives {type(given).__name__}, not bytes"):
        content_of(Stream(given), math.inf)


def test_a_pipe_is_no_file():
    """It may never end, and can be read once."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as file, os.fdopen(writing, "wb"), pytest.raises(FaultError, match=r"\(a pipe\)"):
        content_of(file, math.inf)


def test_a_file_that_cannot_say_where_it_stands_is_refused(tmp_path):
    """Nobody could tell what of it was meant."""
    (tmp_path / "a.png").write_bytes(DATA)
    with (tmp_path / "a.png").open("rb") as file:
        file.tell = lambda: (_ for _ in ()).throw(OSError(errno.EIO, "broken"))
        with pytest.raises(FaultError, match=r"cannot be read: .*broken"):
            content_of(file, math.inf)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_where_no_descriptor_is_left_a_file_is_read_at_once(tmp_path, monkeypatch, number):
    """It is small beside what it would cost to give the start up."""

    def none_left(_number):
        raise OSError(number, os.strerror(number))

    (tmp_path / "a.png").write_bytes(DATA)
    with (tmp_path / "a.png").open("rb") as file:
        file.seek(4)
        monkeypatch.setattr(contents.os, "dup", none_left)
        content = content_of(file, math.inf)
        assert isinstance(content, InMemory)
        assert (whole(content), file.tell()) == (DATA[4:], 4)


def test_what_files_are_is_remembered_for_as_many_as_fit(tmp_path, monkeypatch):
    """The oldest is forgotten, and examined once more when it comes again."""
    monkeypatch.setattr(examining, "_MOST_KNOWN", 2)
    read, real = [], examining._examined
    monkeypatch.setattr(
        examining, "_examined", lambda content, *more: read.append(content.stem) or real(content, *more)
    )
    examiner, long_ago = examining.Examiner(math.inf), time.time() - 3600
    for name in ("a", "b", "c"):
        path = tmp_path / f"{name}.gif"
        path.write_bytes(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;" + name.encode())
        os.utime(path, (long_ago, long_ago))
    for name in ("a", "b", "b", "c", "c", "b", "a"):
        assert examiner.examine(content_of(tmp_path / f"{name}.gif", math.inf)).kind == "image/gif"
    assert read == ["a", "b", "c", "a"]


def test_a_request_whose_files_have_no_url_yet_cannot_be_written_down():
    """A start uploads them; whoever writes a body by hand is told so, with the field."""
    with pytest.raises(InvalidRequestError, match="image_url: must be a URL where a request is written down"):
        CONVERTER.unstructure(ImageToVideo(DATA, prompt="it climbs", negative_prompt="blurry"))
