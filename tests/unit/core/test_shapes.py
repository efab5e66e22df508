"""Rules of objects inside requests: what is wrong is named by its item and its field, and URLs are found in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from a2e_async.core import rules
from a2e_async.core.inputs import is_open_file, replaced, shown
from a2e_async.core.shapes import at_kinds, shape, shapes
from a2e_async.errors import InvalidRequestError

ONE = shape({"url": rules.url()}, {"weight": rules.number(at_least=0, at_most=1)})
MANY = shapes({"url": rules.url()}, {"weight": rules.number(at_least=0, at_most=1)}, 2, kinds={"video": ("video",)})
GOOD = {"url": "https://example.com/a.png"}


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        (ONE, {"url": "here"}, r"media: url must be"),
        (ONE, {"url": None}, r"media: url must be"),
        (ONE, {}, r"media: url must be"),
        (ONE, {**GOOD, "weight": 2}, r"media: weight must be"),
        (ONE, [GOOD], r"media: must be an object"),
        (MANY, [GOOD, {"url": "here"}], r"media: item 2: url must be"),
        (MANY, [{**GOOD, "weight": "x"}], r"media: item 1: weight must be"),
        (MANY, [GOOD] * 3, r"media: must be a list of 1 to 2 object\(s\) with url"),
        (MANY, GOOD, r"media: must be a list"),
        (shape({"one": MANY}, {}), {"one": [GOOD, {}]}, r"media: one item 2: url must be"),
    ],
)
def test_what_is_wrong_inside_is_named(rule, value, words):
    """The number of the item, the field in it and its rule stand in the error."""
    assert not rule.check(value)
    with pytest.raises(InvalidRequestError, match=words):
        rule.refuse("media", value)


@pytest.mark.parametrize("value", [GOOD, {**GOOD, "weight": None}, {**GOOD, "weight": 0.5, "of_tomorrow": [1]}])
def test_what_nobody_names_passes(value):
    """The service may know more fields than this version."""
    assert ONE.check(value)
    assert MANY.check([value])
    ONE.refuse("media", value)


def seen(rule, value):
    """Give what stands at the URLs of a value, with what it shows."""
    found = []
    at_kinds(rule, value, lambda one, kinds: found.append((one, kinds)))
    return found


def test_what_a_url_shows_is_told_by_the_object_that_holds_it():
    """By its `type`; where that says nothing, what the outer object says counts."""
    link, video = GOOD["url"], {"type": "video", **GOOD}
    assert seen(MANY, [video, GOOD, {"type": "other", **GOOD}]) == [(link, ("video",)), (link, None), (link, None)]
    outer = shapes({"parts": MANY}, {}, kinds={"sound": ("audio",)})
    assert seen(outer, [{"type": "sound", "parts": [GOOD, video]}]) == [(link, ("audio",)), (link, ("video",))]
    assert seen(MANY, "no list") == []
    assert list(MANY.urls([GOOD, video])) == [link, link]
    assert list(ONE.urls(GOOD)) == [link]


def test_inputs_are_shown_and_replaced_at_whatever_depth():
    """In lists, tuples and objects; a tuple of one is shown as one."""
    path = Path("me.png")
    value = {"a": [path, {"b": (b"12",)}], "c": "text", "d": 1}
    assert replaced(value, lambda one: type(one).__name__) == {
        "a": [type(path).__name__, {"b": ["bytes"]}],
        "c": "text",
        "d": 1,
    }
    assert shown(value) == f"{{'a': [{path!r}, {{'b': (<2 bytes>,)}}], 'c': 'text', 'd': 1}}"
    assert shown((b"1", b"22")) == "(<1 bytes>, <2 bytes>)"


def test_a_class_of_files_is_no_open_file(tmp_path):
    """What has a method to read, but is a class, is none."""
    assert not is_open_file(type(open))
    with (tmp_path / "a.png").open("wb") as file:
        assert is_open_file(file)
        assert not is_open_file(type(file))
    assert not is_open_file("a.png")
