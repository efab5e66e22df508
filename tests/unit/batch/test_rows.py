"""A row of a batch: its fields, its id, the name of its files, and every way in which it can be wrong."""

from __future__ import annotations

import json
import re

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a2e_async import ImageToVideo, TextToImage
from a2e_async.batch.inputs import OutputOf
from a2e_async.batch.reading import read_row
from a2e_async.batch.rows import BadRow, Row, RowError, image_field, numbered, of_entry, of_request, stem_of
from a2e_async.core import family as families
from a2e_async.core import wire
from a2e_async.core.family import Family, Request
from a2e_async.core.records import Result
from a2e_async.core.requests import Image, Url, Usual, request
from a2e_async.store.entries import Entry

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


# Ids.


def test_the_id_of_a_row_without_one_follows_from_its_content():
    """The same content has the same id, in whatever order and type of file, and every other another one."""
    found = row({**IMAGE, "max_images": 2})
    assert found.hashed
    assert found.id == row({"max_images": "2", **IMAGE}, typed=False).id
    others = [IMAGE, {**IMAGE, "max_images": 3}, {**IMAGE, "max_images": 2, "image_from": "a"}]
    assert len({found.id, *(row(other).id for other in others)}) == 4
    assert len(found.id) == 16


def test_a_request_has_the_id_of_the_row_that_names_it():
    """A file and a program that ask for the same are one row."""
    assert of_request(TextToImage("a kite")).id == row(IMAGE).id


def test_equal_rows_without_ids_are_numbered():
    """Two equal rows are two rows, and which number one has does not depend on what else is there."""
    seen = {}
    one = row(IMAGE)
    ids = [numbered(row(IMAGE), seen).id for _ in range(3)]
    assert ids == [one.id, f"{one.id}-2", f"{one.id}-3"]
    own = row({**IMAGE, "id": "kite"})
    assert numbered(own, seen) == own
    assert numbered(own, seen) is None
    assert numbered(row({**IMAGE, "id": f"{one.id}-4"}), seen)
    assert numbered(row(IMAGE), seen) is None  # somebody has taken that id for another row


def test_a_row_comes_back_from_the_ledger():
    """What the ledger keeps of a row makes the same row again."""
    given = row({**VIDEO, "image_url": None, "image_from": "kite", "id": "a"})
    kept = Entry(id=given.id, family=given.family.name, fields=given.kept())
    assert attrs.evolve(of_entry(kept), line=7) == given


@pytest.mark.parametrize("name", sorted(families.families()))
def test_a_request_of_each_family_comes_back_from_a_row(name):
    """What a row keeps of a request makes the same request again, whatever it is called in the body."""
    given = families.family_of(name).request(**families.family_of(name).example, extra={"new": [1]})
    kept = json.loads(json.dumps(dict(of_request(given).kept())))
    again = of_entry(Entry(id="a", family=name, fields=kept)).request()
    assert wire.start(families.family_of(name), again) == wire.start(families.family_of(name), given)


# Names of files.


NAMES = {
    "kite": "kite", "kite-1": "kite-1", "row.2": "row.2", "a_b": "a_b", "0": "0", "Kite": "Kite", "x" * 80: "x" * 80,
    "IMG 1": "IMG-1", "красный змей": "красный-змей", "凧": "凧", "café au lait": "café-au-lait", "🪁 kite": "🪁-kite",
    "ki/te": "ki-te", "../kite": "kite", ".kite": "kite", "kite.": "kite", "con": "_con", "CON.png": "_CON",
    "kite.png": "kite", "take.v2": "take.v2", "ledger.sqlite": "ledger.sqlite", "cafe\u0301": "café",
}  # fmt: skip


@pytest.mark.parametrize("row_id", NAMES)
def test_files_are_called_by_the_id_of_their_row(row_id):
    """People find their files by the id they gave, in whatever script, with dashes for what no system takes."""
    assert stem_of(row_id) == NAMES[row_id]


@pytest.mark.parametrize("row_id", ["x" * 99 + "y", "x" * 100, "夕" * 100, "///", "\u202e", "🪁" * 99])
def test_an_id_that_cannot_be_a_name_ends_in_its_digest(row_id):
    """What is cut, or of which nothing is left, is told from others; the name fits every file system."""
    name = stem_of(row_id, many=True)
    assert re.fullmatch(r".+-[0-9a-f]{16}-file", name)
    assert len(name.encode()) <= 200
    assert stem_of(row_id) != stem_of(row_id[:-1] + "z")


def test_a_row_without_an_id_is_called_by_its_prompt():
    """The digest that stands for its id says nothing; its first words do, with the beginning of the digest."""
    row_id = "7d6a6785c3a896b1"
    assert stem_of(row_id, words="A red kite over the sea, in the style of an old map") == (
        "A-red-kite-over-the-sea-in-the-style-of-7d6a6785"
    )
    assert stem_of(f"{row_id}-2", words="a red kite", many=True) == "a-red-kite-7d6a6785-2-file"
    assert stem_of(row_id) == stem_of(row_id, words="...") == stem_of(row_id, words=5) == row_id
    assert stem_of("kite", words="a red kite") == "kite"


def test_the_mark_decides_which_field_takes_a_image():
    """A family's mark goes before names; a family of one's own without marks is understood by its names."""

    @request
    class Marked(Usual[Result]):
        image_mask_url: Url | None = None
        source_url: Image | None = None

    @request
    class Named(Usual[Result]):
        sound_url: Url | None = None
        face_url: Url | None = None

    def taken(kind):
        return image_field(Family(name="mine", title="Mine.", request=kind, base="/api/v1/mine")).name

    assert (taken(Marked), taken(Named)) == ("source_url", "face_url")
    assert image_field(families.family_of("wan26_r2v")).name == "reference_urls"
    for name in ("sound", "voice_training", "dubbing"):
        with pytest.raises(RowError, match="takes no image"):
            image_field(families.family_of(name))
