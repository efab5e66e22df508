"""What files may be called on every system."""

from __future__ import annotations

import ntpath
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.core import names


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
        ("夕日", "夕日"),
        ("красный змей", "красный-змей"),
        ("cafe\u0301", "café"),
        ("a\u202egnp.exe", "a-gnp.exe"),
        ("\uff0fetc", "etc"),
        ("\ud800", "file"),
        ("com¹", "_com¹"),
        ("$(rm)", "rm"),
        ("🪁", "🪁"),
        ("x" * 200, "x" * 80),
    ],
)
def test_safe_names(text, name):
    """Each text becomes a name that every system takes."""
    assert names.safe_name(text) == name


def is_reserved(name):
    """Whether Windows takes the name for a device; Python 3.13 asks elsewhere."""
    return ntpath.isreserved(name) if hasattr(ntpath, "isreserved") else PureWindowsPath(name).is_reserved()


@given(st.text())
def test_a_safe_name_is_one_part_of_a_path(text):
    """No text whatever leads out of the folder or to a device."""
    name = names.safe_name(text)
    assert 1 <= len(name) <= 81
    assert len(name.encode()) <= 190
    assert PurePosixPath(name).parts == PureWindowsPath(name).parts == (name,)
    assert not is_reserved(name)
    assert unicodedata.is_normalized("NFC", name)
    assert names.safe_name(name) == name
    assert name == name.strip(" .")


@given(st.text("aé夕", min_size=1), st.text("aé夕", min_size=1))
def test_long_texts_are_told_apart(one, two):
    """Where a text is cut its digest stands for the rest, and a second look changes nothing."""
    first, second = (names.safe_name("x" * 80 + text, distinct=True) for text in (one, two))
    assert (first == second) == (one == two)
    assert names.safe_name(first) == first


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("kite.png", "kite"),
        ("kite.JPEG", "kite"),
        ("v1.2", "v1.2"),
        ("kite.exe", "kite.exe"),
        ("kite", "kite"),
        (".png", ".png"),
    ],
)
def test_only_suffixes_of_media_are_taken_off(name, bare):
    """`kite.png` names a kite, `v1.2` a version."""
    assert names.without_suffix(name) == bare
