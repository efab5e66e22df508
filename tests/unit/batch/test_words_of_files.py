"""Prompts that lie in files, and names of files that lead nowhere."""

from __future__ import annotations

import pytest

from a2e_async.batch.cells import UnclearError
from a2e_async.batch.files import Files


def test_the_words_of_a_file_are_its_text_without_its_marks(tmp_path):
    """As editors write it: with a byte order mark, and a line's end."""
    (tmp_path / "a.txt").write_bytes("\ufeffa kité\r\n".encode())
    assert Files(tmp_path).words("a.txt") == "a kité"


BAD = {
    "no text": (b"\xff\xfe", "a.txt must be UTF-8 text"),
    "too long": (b"x" * ((1 << 20) + 1), "a.txt is too long for a prompt"),
    "not there": (None, "a.txt cannot be read: No such file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_words_that_cannot_be_had_are_named(tmp_path, kind):
    """By the file and by what is wrong with it."""
    content, words = BAD[kind]
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UnclearError, match=words):
        Files(tmp_path).words("a.txt")


def test_a_name_that_no_system_takes_is_refused(tmp_path):
    """It is said, and is no error of this program."""
    with pytest.raises(UnclearError, match="cannot be read"):
        Files(tmp_path).find("a\0b.png")
