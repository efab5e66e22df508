"""Cells of tables: what can mean one thing is taken, what could mean two or has lost something is refused with why."""

from __future__ import annotations

import re

import pytest

from a2e_async.batch.reading import read_row
from a2e_async.batch.rows import BadRow, Row, squeezed
from a2e_async.core.family import families, family_of
from a2e_async.core.requests import fields_of

A, B = "https://e.example/a.png", "https://e.example/b,c.png"
ROWS = {
    "text_to_image": {"prompt": "a kite"},
    "image_to_video": {"image_url": A, "prompt": "it climbs", "negative_prompt": "blurry"},
    "nano_banana": {"prompt": "a kite", "input_images": A},
    "kling_video": {name: str(value) for name, value in family_of("kling_video").example.items()},
    "kling_omni": {"prompt": "a kite"},
    "motion_transfer": {"image_url": A, "video_url": A},
}


def read(family, *, typed=False, **values):
    """Read a row of this family with these values."""
    return read_row({**ROWS[family], "id": "a", **values}, family=family, line=2, typed=typed)


def message(family, *, typed=False, **values):
    """Give what is wrong with it."""
    found = read(family, typed=typed, **values)
    assert isinstance(found, BadRow), found
    assert str(found).isprintable()
    return found.message


TAKEN = [
    ("text_to_image", "width", "1024.0", 1024),
    ("text_to_image", "width", "+1024", 1024),
    ("text_to_image", "width", "1e3", 1000),
    ("text_to_image", "width", "1.5e3", 1500),
    ("text_to_image", "width", "1.024000000000000000e+03", 1024),
    ("text_to_image", "width", '="1024"', 1024),
    ("text_to_image", "width", "1024,0", 1024),
    ("text_to_image", "width", "nan", None),
    ("text_to_image", "width", "None", None),
    ("text_to_image", "width", "<NA>", None),
    ("text_to_image", "width", "#N/A", None),
    ("text_to_image", "width", "  ", None),
    ("text_to_image", "prompt", '="a ""red"" kite"', 'a "red" kite'),
    ("text_to_image", "prompt", "none", "none"),
    ("text_to_image", "prompt", "1,024", "1,024"),
    ("text_to_image", "skip_face_enhance", "TRUE", True),
    ("text_to_image", "skip_face_enhance", "1.0", True),
    ("text_to_image", "skip_face_enhance", "off", False),
    ("image_to_video", "image_url", f" {B} ", B),
    ("image_to_video", "video_time", "10.0", 10),
    ("image_to_video", "video_time", " 10 ", 10),
    ("motion_transfer", "timeout", "90.5", 90.5),
    ("motion_transfer", "timeout", "90,5", 90.5),
    ("motion_transfer", "timeout", "9.05E+01", 90.5),
    ("motion_transfer", "timeout", "90", 90.0),
    ("kling_video", "version", "3", "3.0"),
    ("kling_video", "version", " 3.0 ", "3.0"),
    ("nano_banana", "input_images", f"{A} {B}", [A, B]),
    ("nano_banana", "input_images", f"{A}|{B}", [A, B]),
    ("nano_banana", "input_images", f" {A} | {B} | ", [A, B]),
    ("nano_banana", "input_images", f"{A}\n{B}", [A, B]),
    ("nano_banana", "input_images", B, [B]),
    ("nano_banana", "input_images", f"https://e.example/?of={A}", [f"https://e.example/?of={A}"]),
    ("nano_banana", "input_images", f"https://e.example/2026/{A}", [f"https://e.example/2026/{A}"]),
    ("nano_banana", "input_images", f'["{A}", "{B}"]', [A, B]),
    ("nano_banana", "input_images", f"['{A}', '{B}']", [A, B]),
    ("text_to_image", "extra", '{"new": [1, true]}', {"new": [1, True]}),
    ("text_to_image", "extra", "{'new': [1, True]}", {"new": [1, True]}),
]


@pytest.mark.parametrize(("family", "field", "cell", "value"), TAKEN)
def test_what_can_mean_one_thing_is_taken(family, field, cell, value):
    """Whatever program wrote it; the types are those of the field."""
    found = read(family, **{field: cell})
    assert isinstance(found, Row), found
    assert found.fields.get(field) == value
    assert type(found.fields.get(field)) is type(value)


TYPED = [
    ("text_to_image", "width", 1024.0, 1024),
    ("text_to_image", "width", "1024", 1024),
    ("text_to_image", "width", float("nan"), None),
    ("text_to_image", "skip_face_enhance", 1, True),
    ("text_to_image", "skip_face_enhance", 0.0, False),
    ("text_to_image", "skip_face_enhance", "TRUE", True),
    ("image_to_video", "video_time", 10.0, 10),
    ("image_to_video", "video_time", "10", 10),
    ("image_to_video", "number_of_images", "2", 2),
    ("kling_video", "version", 3, "3.0"),
    ("kling_video", "version", 2.6, "2.6"),
    ("text_to_image", "prompt", "nan", "nan"),
    ("text_to_image", "prompt", "1.02E+03", "1.02E+03"),
]


@pytest.mark.parametrize(("family", "field", "given", "value"), TYPED)
def test_what_a_data_frame_makes_of_json_is_taken(family, field, given, value):
    """Whole numbers and truth as floats, numbers as text, NaN for nothing; text stays as it is meant."""
    found = read(family, typed=True, **{field: given})
    assert isinstance(found, Row), found
    assert found.fields.get(field) == value
    assert type(found.fields.get(field)) is type(value)


LISTS = 'input_images: write a list as JSON (["A", "B"]), or with spaces or | between its values'
REFUSED = [
    ("text_to_image", "width", "1,024", "width: write numbers without marks between thousands"),
    ("text_to_image", "width", "1 024", "width: write numbers without marks between thousands"),
    ("text_to_image", "width", "1\u202f024", "not '1\\u202f024'"),
    ("text_to_image", "width", "1'024", "width: write numbers without marks between thousands"),
    ("text_to_image", "width", "1.024.000", "width: write numbers without marks between thousands"),
    ("text_to_image", "width", "1.02E+03", "width: 1.02E+03 has lost its last digits"),
    ("text_to_image", "width", "1E+03", "width: 1E+03 has lost its last digits"),
    ("text_to_image", "width", "1.024", "width: must be a whole number from 1, not '1.024'"),
    ("motion_transfer", "timeout", "90 s", "timeout: must be a number from 1, not '90 s'"),
    ("text_to_image", "width", "1024px", "width: must be a whole number from 1, not '1024px'"),
    ("text_to_image", "width", "1_024", "width: must be a whole number from 1, not '1_024' (str)"),
    ("text_to_image", "width", "1" * 60, "width: must be a whole number from 1, not '111"),
    ("text_to_image", "width", "#REF!", "width: #REF! is the error of a spreadsheet's formula"),
    ("text_to_image", "prompt", "#VALUE!", "prompt: #VALUE! is the error of a spreadsheet's formula"),
    ("text_to_image", "prompt", "#####", "prompt: ##### is the error of a spreadsheet's formula"),
    ("text_to_image", "prompt", "nan", "prompt: nan could be a word, or no value: leave the cell empty"),
    ("text_to_image", "prompt", "#N/A", "prompt: #N/A could be a word, or no value"),
    ("text_to_image", "id", "None", "id: None could be a word, or no value"),
    ("text_to_image", "id", "1.23457E+12", "id: 1.23457E+12 is a number that a spreadsheet has shortened"),
    ("text_to_image", "image_from", "6,5E+23", "image_from: 6,5E+23 is a number that a spreadsheet has shortened"),
    ("text_to_image", "name", "6.5E+23", "name: 6.5E+23 is a number that a spreadsheet has shortened"),
    ("text_to_image", "skip_face_enhance", "perhaps", "skip_face_enhance: must be True or False, not 'perhaps'"),
    ("image_to_video", "video_time", "7", "not '7'"),
    ("image_to_video", "image_url", f"{A},{A}", "image_url: takes one URL, and the cell could hold several"),
    ("image_to_video", "image_url", f"{A}|{A}", "image_url: takes one URL, and the cell could hold several"),
    ("nano_banana", "input_images", f"{A},{A}", LISTS),
    ("nano_banana", "input_images", f"{A};{A}", LISTS),
    ("nano_banana", "input_images", f"{A}, {A}", LISTS),
    ("nano_banana", "input_images", f"{A} ; {A}", LISTS),
    ("nano_banana", "input_images", f"{A}{A}", LISTS),
    ("nano_banana", "input_images", "a.png,b.png", LISTS),
    ("nano_banana", "input_images", "a.png;b.png", LISTS),
    ("nano_banana", "input_images", f'"{A}","{A}"', LISTS),
    ("nano_banana", "input_images", f"['{A}' '{A}']", f"input_images: must be a JSON array; {LISTS[14:]}"),
    ("nano_banana", "input_images", f"['{A}',", "input_images: must be a JSON array"),
    ("nano_banana", "input_images", r"['\d']", "input_images: must be a JSON array"),
    ("kling_omni", "multi_prompt", "one two", "multi_prompt: must be a JSON array"),
    ("text_to_image", "extra", "[1]", "extra: must be a JSON object"),
    ("text_to_image", "extra", '{"a": 1, "a": 2}', "extra: the name 'a' is given twice in its JSON"),
]


@pytest.mark.parametrize(("family", "field", "cell", "words"), REFUSED)
def test_what_could_mean_two_things_is_refused_with_why(family, field, cell, words):
    """The field, the value and how to write it."""
    assert words in message(family, **{field: cell})


def test_a_refusal_shows_the_value_and_never_a_secret():
    """Short, without the signature of a link, a token in any place, or the value of a secret field."""
    assert "not 'a.png'" in message("image_to_video", image_url="a.png")
    long = message("image_to_video", image_url="a" * 90)
    assert f"not '{'a' * 60}'... (str of 90 characters)" in long
    signed = message("image_to_video", image_url="ftp://user:pass@e.example/a.png?Signature=abcdef")
    assert "e.example/a.png" in signed
    assert not {"abcdef", "pass"} & set(re.split(r"\W", signed))
    assert "sk_" not in message("text_to_image", width="sk_0123456789abcdefghijklmnopqrstuvw")
    assert "\x1b" not in message("text_to_image", width="\x1b[2J")
    for secret in ("hush " * 60, "nan", "6.5E+23", "#REF!"):
        told = message("image_to_video", webhook_url=A, webhook_token=secret)
        assert "hush" not in told
    assert "not ' x'" not in message("image_to_video", webhook_url=A, webhook_token=" x" * 200)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("promt", "promt: text_to_image has no such field; did you mean prompt?"),
        ("widht", "did you mean width?"),
        ("image_form", "did you mean image_from?"),
        ("sku", "sku: text_to_image has no such field; remove columns of your own from the file"),
    ],
)
def test_an_unknown_column_is_named_with_what_may_be_meant(name, words):
    """A field that is like it, or that columns of one's own have no place here; an empty one is passed over."""
    assert words in message("text_to_image", **{name: "x"})
    assert isinstance(read("text_to_image", **{name: ""}), Row)


def test_all_unknown_columns_are_named_at_once():
    """So that they are taken out in one go."""
    assert message("text_to_image", sku="1", price="2").startswith(
        "sku: text_to_image has no such field (nor price); remove"
    )


@pytest.mark.parametrize(
    "name", ["Negative Prompt", "negativePrompt", "NEGATIVE_PROMPT", "negative-prompt", " negative prompt"]
)
@pytest.mark.parametrize("typed", [True, False])
def test_names_of_columns_are_known_however_they_are_written(name, typed):
    """Letters, spaces and strokes do not matter; two columns that are the same one are refused."""
    values = {name: "blurry", "Image URL": A, "Prompt": "x", "ID": "a"}
    found = read_row(values, family="image_to_video", line=2, typed=typed)
    assert isinstance(found, Row), found
    assert (found.id, found.fields["negative_prompt"], found.fields["image_url"]) == ("a", "blurry", A)
    twice = read_row({**values, "negative_prompt": "dull"}, family="image_to_video", line=2, typed=typed)
    if name != "negative_prompt":
        assert str(twice) == "line 2 (a): negative_prompt: is given twice in one row"
    two_ids = read_row({**values, "Id": "b"}, family="image_to_video", line=2, typed=typed)
    assert isinstance(two_ids, BadRow)
    assert (two_ids.field, two_ids.message) == ("id", "id: is given twice in one row")


def test_no_two_fields_of_a_family_have_names_that_are_read_as_one():
    """So that every field can be named however it is written."""
    for family in families().values():
        names = [squeezed(field.name) for field in fields_of(family.request)] + ["id", "family", "imagefrom"]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(("given", "row_id"), [(5, "5"), (-1, "-1"), ("005", "005")])
def test_a_whole_number_is_an_id_as_good_as_its_digits(given, row_id):
    """Data frames have ids that are numbers; a row can be another one's source by it, too."""
    found = read_row({"id": given, "image_from": given, "prompt": "x"}, family="text_to_image", line=1, typed=True)
    assert isinstance(found, Row), found
    assert (found.id, found.image_from) == (row_id, row_id)


@pytest.mark.parametrize("given", [5.0, True, 10**18, [5]])
def test_no_other_number_is_an_id(given):
    """5.0 was 5, 05 or 5.0 before a data frame had it."""
    found = read_row({"id": given, "prompt": "x"}, family="text_to_image", line=1, typed=True)
    assert isinstance(found, BadRow)
    assert found.field == "id"
