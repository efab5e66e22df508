"""A row of a batch: its fields, its id, the name of its files, and every way in which it can be wrong."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2e_async import ImageToVideo, TextToImage
from a2e_async.batch.inputs import OutputOf
from a2e_async.batch.reading import read_row
from a2e_async.batch.rows import BadRow, Row, shown, stem_of
from a2e_async.core import family as families
from a2e_async.core.family import Family, Request
from a2e_async.core.records import Result
from a2e_async.core.requests import request

LINK = "https://example.com/a.png"
VIDEO = {"family": "image_to_video", "image_url": LINK, "prompt": "it climbs", "negative_prompt": "blurry"}
IMAGE = {"family": "text_to_image", "prompt": "a kite"}


def row(values, *, family=None, typed=True, line=7):
    """Read a row that is right."""
    found = read_row(values, family=family, line=line, typed=typed)
    assert isinstance(found, Row), found
    return found


def bad(values, *, family=None, typed=True):
    """Read a row that is wrong."""
    found = read_row(values, family=family, line=7, typed=typed)
    assert isinstance(found, BadRow), found
    assert found.line == 7
    assert str(found).isprintable()
    assert len(str(found)) < 600
    return found


# What a row holds.


def test_a_row_is_the_request_that_it_names():
    """Fields go into the request by name; the row's own ones do not."""
    found = row({"id": "kite", **VIDEO, "video_time": 10})
    assert (found.id, found.family.name, found.line, found.hashed) == ("kite", "image_to_video", 7, False)
    assert found.request() == ImageToVideo(LINK, prompt="it climbs", negative_prompt="blurry", video_time=10)


def test_the_family_of_the_command_is_for_rows_that_name_none():
    """A row's own family goes first, with either spelling."""
    assert row({"prompt": "a kite"}, family="text_to_image").family.name == "text_to_image"
    assert row({**VIDEO, "family": "image-to-video"}, family="text_to_image").family.name == "image_to_video"


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_field_is_as_good_as_none(empty):
    """A spreadsheet has empty cells in rows of another family."""
    assert row({**IMAGE, "image_url": empty, "id": empty}) == row(IMAGE)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("max_images", "4", 4),
        ("max_images", " 4 ", 4),
        ("skip_face_enhance", "true", True),
        ("skip_face_enhance", "Yes", True),
        ("skip_face_enhance", "1", True),
        ("skip_face_enhance", "FALSE", False),
        ("skip_face_enhance", "no", False),
        ("skip_face_enhance", "0", False),
        ("input_images", f"{LINK} {LINK}", [LINK, LINK]),
        ("input_images", f'["{LINK}"]', [LINK]),
        ("name", "4", "4"),
        ("name", " a b ", " a b "),
    ],
)
def test_a_cell_has_the_type_of_its_field(field, text, value):
    """CSV knows text only; numbers, truth and lists are read as what the request takes."""
    found = row({**IMAGE, field: text}, typed=False)
    assert found.fields[field] == value
    assert type(found.fields[field]) is type(value)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("max_images", "four"),
        ("max_images", "4.5"),
        ("max_images", "9"),
        ("max_images", "9" * 5000),
        ("skip_face_enhance", "perhaps"),
        ("input_images", "[1, 2"),
        ("input_images", "[1, 2]"),
        ("input_images", "[" * 50_000),
        ("input_images", '{"a": 1}'),
        ("input_images", "[]"),
        ("width", "0"),
        ("req_key", "nonsense"),
    ],
)
def test_a_cell_of_another_type_is_told_with_its_field(field, text):
    """What cannot be read is refused by the field's own rule."""
    assert bad({**IMAGE, field: text}, typed=False).field == field


def test_own_cells_of_a_table_are_stripped():
    """A space behind a comma is no part of an id or a family."""
    found = row({"id": " a ", "family": " text_to_image ", "prompt": "x", "image_from": " "}, typed=False)
    assert (found.id, found.family.name, found.image_from) == ("a", "text_to_image", None)


WRONG = {
    "no family": ({"prompt": "x"}, "family"),
    "family of another type": ({**IMAGE, "family": 5}, "family"),
    "unknown family": ({**IMAGE, "family": "text_to_music"}, "family"),
    "family of great length": ({**IMAGE, "family": "x" * 90_000}, "family"),
    "family that moves the cursor": ({**IMAGE, "family": "\x1b[2J"}, "family"),
    "unknown field": ({**IMAGE, "promt": "x"}, "promt"),
    "unknown field of great length": ({**IMAGE, "x" * 10**6: "x"}, "x" * 100),
    "unknown field that moves the cursor": ({**IMAGE, "\x1b[2J": "x"}, r"'\x1b[2J'"),
    "unknown field of no letters": ({**IMAGE, "\udcff": "x"}, r"'\udcff'"),
    "field of another family": ({**IMAGE, "video_time": 5}, "video_time"),
    "missing prompt": ({"family": "text_to_image"}, "prompt"),
    "missing link": ({**VIDEO, "image_url": None}, "image_url"),
    "missing negative prompt": ({**VIDEO, "negative_prompt": ""}, "negative_prompt"),
    "blank prompt": ({**IMAGE, "prompt": "  \t"}, "prompt"),
    "prompt of another type": ({**IMAGE, "prompt": 5}, "prompt"),
    "prompt that is a list": ({**IMAGE, "prompt": ["x"]}, "prompt"),
    "prompt of ten megabytes": ({**IMAGE, "prompt": "x" * 10**7}, "prompt"),
    "NUL": ({**IMAGE, "prompt": "a\0b"}, "prompt"),
    "bad UTF-8": ({**IMAGE, "prompt": "a\udcffb"}, "prompt"),
    "half a surrogate": ({**IMAGE, "prompt": "a\ud83db"}, "prompt"),
    "NUL in a list": ({**IMAGE, "input_images": ["https://a/\0"]}, "input_images"),
    "half a surrogate in a list": ({**IMAGE, "input_images": ["https://a/\ud83d"]}, "input_images"),
    "link that is none": ({**VIDEO, "image_url": "a.png"}, "image_url"),
    "link with a space": ({**VIDEO, "image_url": "https://a/b c"}, "image_url"),
    "data link": ({**VIDEO, "image_url": "data:image/png;base64,AAAA"}, "image_url"),
    "true for a number": ({**IMAGE, "width": True}, "width"),
    "infinity": ({**IMAGE, "width": float("inf")}, "width"),
    "text for truth": ({**IMAGE, "skip_face_enhance": "perhaps"}, "skip_face_enhance"),
    "too many": ({**VIDEO, "number_of_images": 9}, "number_of_images"),
    "not one of those": ({**VIDEO, "video_time": 7}, "video_time"),
    "last image missing": ({**VIDEO, "model_type": "FLF2V"}, "end_image_url"),
    "fields of both forms": ({**IMAGE, "req_key": "high_aes", "max_images": 2}, "req_key"),
    "long name": ({**IMAGE, "name": "x" * 101}, "name"),
    "id of another type": ({**IMAGE, "id": 5.0}, "id"),
    "blank id": ({**IMAGE, "id": "  "}, "id"),
    "long id": ({**IMAGE, "id": "x" * 101}, "id"),
    "huge id": ({**IMAGE, "id": "x" * 10**6}, "id"),
    "id with a line break": ({**IMAGE, "id": "a\nb"}, "id"),
    "id that moves the cursor": ({**IMAGE, "id": "\x1b[2J"}, "id"),
    "id with a zero width space": ({**IMAGE, "id": "a\u200bb"}, "id"),
    "image_from of another type": ({**VIDEO, "image_url": "", "image_from": 5.0}, "image_from"),
    "image_from with a link": ({**VIDEO, "image_from": "a"}, "image_from"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_a_row_is_told_with_its_field(kind):
    """No exception escapes, the field is named, and the words can be shown on a terminal."""
    values, field = WRONG[kind]
    found = bad(values)
    assert found.field == field
    assert found.message.startswith(field) or field == "family"


def test_a_family_that_takes_no_image_refuses_image_from(monkeypatch):
    """Before anything is started, not when the image has been paid for."""

    @request
    class Speech(Request[Result]):
        prompt: str

    speech = Family(name="speech", title="", request=Speech, base="/speech")
    monkeypatch.setitem(families._registry.by_name, "speech", speech)
    found = bad({"family": "speech", "prompt": "x", "image_from": "a"})
    assert (found.field, found.message) == ("image_from", "speech takes no image")


any_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
any_name = st.sampled_from(["id", "family", "image_from", *(f.name for f in attrs.fields(ImageToVideo))]) | st.text()


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(any_name, any_value, max_size=6), st.sampled_from([None, "text_to_image", "image_to_video"]))
def test_whatever_a_row_holds_no_exception_escapes(values, family):
    """A row is right or told to be wrong; what is told can be shown."""
    found = read_row(values, family=family, line=1, typed=True)
    if isinstance(found, BadRow):
        assert str(found).isprintable()
    else:
        found.request()
        stem_of(found.id)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(any_name, st.text(st.characters()), max_size=6))
def test_whatever_a_table_holds_no_exception_escapes(values):
    """The same for rows of text."""
    assert isinstance(read_row(values, family="image_to_video", line=1, typed=False), Row | BadRow)


# Chains.


def test_a_image_of_another_row_goes_where_the_family_takes_it():
    """A video takes it as its link, an edited image as a list of one."""
    video = row({**VIDEO, "image_url": None, "image_from": "kite"})
    assert video.request({OutputOf("kite"): LINK}) == ImageToVideo(LINK, prompt="it climbs", negative_prompt="blurry")
    image = row({**IMAGE, "image_from": "kite"})
    assert image.request({OutputOf("kite"): LINK}) == TextToImage("a kite", input_images=[LINK])
    assert image.kept() == {"prompt": "a kite", "image_from": "kite"}


@pytest.mark.parametrize(
    ("name", "shown_as"),
    [
        ("красный змей", "красный змей"),
        ("", "''"),
        ("a\0b", r"'a\x00b'"),
        ("\x1b[2J", r"'\x1b[2J'"),
        ("x" * 300, "x" * 100),
        ("\ue000" * 300, "'" + r"\ue000" * 10 + "'…"),
    ],
)
def test_a_name_of_a_file_is_shown_in_one_short_line(name, shown_as):
    """A field of a hundred characters that no terminal may have is not a thousand characters of escapes."""
    assert shown(name) == shown_as
    assert len(shown(name)) <= 200
