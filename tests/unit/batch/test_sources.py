"""Row files: what is right is read, what is wrong is named by its line and field, and nothing else happens."""

from __future__ import annotations

import csv
import json

import pytest

from a2e_async.batch.sources import read_file
from a2e_async.errors import UsageError

LINK = "https://example.com/a.png"
HEADER = "id,family,prompt,negative_prompt,image_url,image_from,max_images,input_images,width"


def lines(tmp_path, text, *, suffix=".jsonl", family=None):
    """Read a file of these lines."""
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_file(path, family)


def table(tmp_path, *rows, header=HEADER, family=None):
    """Read a CSV file of these lines below its header."""
    return lines(tmp_path, "\n".join((header, *rows)) + "\n", suffix=".csv", family=family)


def found(file):
    """Give what is wrong, as line, field and words."""
    return [(one.line, one.field, one.message) for one in file.bad]


def ids(file):
    """Give the ids of the rows that can be started."""
    return [row.id for row in file.rows]


# What is right.


def test_a_table_is_read(tmp_path):
    """Rows of several families stand in one table, each with its line."""
    file = table(tmp_path, "a,text_to_image,a kite,,,,2,,", f'b,image_to_video,"it, climbs",blurry,{LINK},,,,')
    assert (ids(file), file.bad) == (["a", "b"], ())
    assert file.rows[0].fields == {"prompt": "a kite", "max_images": 2}
    assert file.rows[1].fields == {"prompt": "it, climbs", "negative_prompt": "blurry", "image_url": LINK}
    assert [row.line for row in file.rows] == [2, 3]


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".json", ".JSONL"])
def test_json_lines_are_read(tmp_path, suffix):
    """Fields have their types already."""
    row = {"id": "a", "family": "text_to_image", "prompt": "a kite", "max_images": 2, "skip_face_enhance": False}
    file = lines(tmp_path, json.dumps(row) + "\n", suffix=suffix)
    assert file.rows[0].fields == {"prompt": "a kite", "max_images": 2, "skip_face_enhance": False}


def test_the_same_rows_in_either_kind_of_file_have_the_same_ids(tmp_path):
    """A hash does not depend on the kind of file, the order of columns or empty cells."""
    one = table(tmp_path, "2,a kite,,text_to_image", header="max_images,prompt,image_url,family")
    other = lines(tmp_path, '{"family": "text_to_image", "prompt": "a kite", "max_images": 2}')
    assert ids(one) == ids(other)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_ending_is_read(tmp_path, ending):
    """With and without one at the end, and with a byte order mark at the beginning."""
    rows = ending.join(("\ufeffid,prompt", "a,x", "", "b,y"))
    for text in (rows, rows + ending):
        file = lines(tmp_path, text, suffix=".csv", family="text_to_image")
        assert [(row.id, row.line) for row in file.rows] == [("a", 2), ("b", 4)]
    rows = ending.join(('\ufeff{"id": "a", "prompt": "x"}', "  ", '{"id": "b", "prompt": "y"}'))
    assert [(row.id, row.line) for row in lines(tmp_path, rows, family="text_to_image").rows] == [("a", 1), ("b", 3)]


def test_lines_are_counted_through_cells_of_several_lines(tmp_path):
    """A row is named by the line in which it begins."""
    file = table(tmp_path, 'a,text_to_image,"one', "two", 'three",,,,,,', "", "b,text_to_image,,,,,,,", "c,x,y,,,,,,")
    assert file.rows[0].fields["prompt"] == "one\ntwo\nthree"
    assert [(line, field) for line, field, _words in found(file)] == [(6, "prompt"), (7, "family")]


def test_spaces_behind_commas_are_no_part_of_a_cell(tmp_path):
    """As people write tables by hand, quotes included."""
    file = table(tmp_path, 'a, text_to_image, "a, b"', header="id, family, prompt")
    assert file.rows[0].fields == {"prompt": "a, b"}


def test_a_short_row_has_empty_cells_at_its_end(tmp_path):
    """Editors leave out trailing commas."""
    assert table(tmp_path, "a,text_to_image,a kite").rows[0].fields == {"prompt": "a kite"}


def test_rows_that_nobody_numbered_are_numbered(tmp_path):
    """Two equal rows without ids are two rows, the same ones in the next run, and removing one repeats none."""
    rows = ["x", "y", "x", "x"]
    one = ids(table(tmp_path, *rows, header="prompt", family="text_to_image"))
    x, y = one[:2]
    assert one == [x, y, f"{x}-2", f"{x}-3"]
    assert ids(table(tmp_path, *rows, "z", header="prompt", family="text_to_image"))[:4] == one
    assert ids(table(tmp_path, *rows[1:], header="prompt", family="text_to_image")) == [y, x, f"{x}-2"]


def test_a_video_takes_the_image_of_a_row_below_it(tmp_path):
    """The order in a file does not matter to chains."""
    file = table(tmp_path, "b,image_to_video,it climbs,blurry,,a,,,", "a,text_to_image,a kite,,,,,,")
    assert [(row.id, row.image_from) for row in file.rows] == [("b", "a"), ("a", None)]


# What is wrong.

BAD_LINES = {
    "bad UTF-8": (b'{"id": "x", "prompt": "\xff"}', "prompt", "must be UTF-8 text"),
    "latin-1": ('{"id": "x", "prompt": "höher"}'.encode("latin-1"), "prompt", "must be UTF-8 text"),
    "utf-16": ('{"id": "x"}'.encode("utf-16"), "", "one JSON object per line"),
    "no JSON": (b"a kite", "", "one JSON object per line"),
    "cut JSON": (b'{"id": "x", "prompt": "a ki', "", "one JSON object per line"),
    "two objects": (b'{"id": "x"} {"id": "y"}', "", "one JSON object per line"),
    "a list": (b'["a kite"]', "", "one JSON object per line"),
    "text": (b'"a kite"', "", "one JSON object per line"),
    "null": (b"null", "", "one JSON object per line"),
    "a number": (b"5", "", "one JSON object per line"),
    "a bracket": (b"[", "", "one JSON object per line"),
    "a trailing comma": (b'{"prompt": "x",}', "", "one JSON object per line"),
    "single quotes": (b"{'prompt': 'x'}", "", "one JSON object per line"),
    "deep nesting": (b"[" * 100_000, "", "one JSON object per line"),
    "deep nesting in a field": (b'{"prompt": ' + b"[" * 100_000 + b"}", "", "one JSON object per line"),
    "a number of 5,000 digits": (b'{"prompt": "x", "width": ' + b"9" * 5000 + b"}", "", "one JSON object per line"),
    "a raw NUL": (b'{"prompt": "a\0b"}', "", "one JSON object per line"),
    "a NUL": (rb'{"prompt": "a\u0000b"}', "prompt", "NUL"),
    "half a surrogate": (rb'{"prompt": "a\ud83d"}', "prompt", "UTF-8"),
    "a field twice": (b'{"prompt": "x", "prompt": "y"}', "", "prompt: is given twice"),
    "a field twice that moves the cursor": (rb'{"\u001b[2J": 1, "\u001b[2J": 2}', "", "is given twice"),
    "ten megabytes": (b'{"prompt": "' + b"x" * 10**7 + b'"}', "prompt", "at most 100000 characters"),
    "a megabyte of a name": (b'{"' + b"x" * 10**6 + b'": 1}', "x" * 100, "no such field"),
    "an unknown family": (b'{"family": "text_to_music", "prompt": "x"}', "family", "no family"),
    "an unknown field": (b'{"promt": "x"}', "promt", "no such field"),
    "a missing field": (b"{}", "prompt", "must be given"),
    "a wrong type": (b'{"prompt": 5}', "prompt", "must be text"),
    "infinity": (b'{"prompt": "x", "width": Infinity}', "width", "whole number"),
    "NaN for a prompt": (b'{"prompt": NaN}', "prompt", "must be given"),
    "a rule": (b'{"prompt": "x", "max_images": 9}', "max_images", "from 1 to 8"),
    "an id of another type": (b'{"prompt": "x", "id": 5.5}', "id", "printable text"),
    "a huge id": (b'{"prompt": "x", "id": "' + b"x" * 10**6 + b'"}', "id", "at most 100000 characters"),
    "an id with a line break": (rb'{"prompt": "x", "id": "a\nb"}', "id", "printable text"),
    "an id twice": (b'{"prompt": "x", "id": "good"}', "id", "is used in line 1 already"),
    "an unknown source": (b'{"prompt": "x", "image_from": "nobody"}', "image_from", "no usable row nobody"),
    "itself as source": (b'{"prompt": "x", "id": "me", "image_from": "me"}', "image_from", "in a circle: "),
    "a source that moves the cursor": (rb'{"prompt": "x", "image_from": "\u001b[2J"}', "image_from", "no usable row"),
    "a source and a link": (
        b'{"prompt": "x", "image_from": "good", "input_images": ["https://a/b"]}',
        "image_from",
        "together",
    ),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_line_is_told_and_the_others_are_read(tmp_path, kind):
    """Line, field and what is wrong; the rows around it can be started."""
    line, field, words = BAD_LINES[kind]
    text = b'{"id": "good", "prompt": "x"}\n\n' + line + b'\n{"id": "last", "prompt": "y"}\n'
    file = lines(tmp_path, text, family="text_to_image")
    assert ids(file) == ["good", "last"]
    assert [(one.line, one.field) for one in file.bad] == [(3, field)]
    assert words in file.bad[0].message
    assert str(file.bad[0]).isprintable()
    assert len(str(file.bad[0])) < 500


BAD_CELLS = {
    "bad UTF-8": (b"x,text_to_image,\xff,,,,,,", "prompt", "must be UTF-8 text"),
    "bad UTF-8 in the id": (b"x\xff,text_to_image,a,,,,,,", "id", "must be UTF-8 text"),
    "a NUL": (b"x,text_to_image,a\0b,,,,,,", "prompt", "NUL"),
    "ten megabytes": (b"x,text_to_image," + b"x" * 10**7 + b",,,,,,", "prompt", "at most 100000 characters"),
    "too many cells": (b"x,text_to_image,a kite,,,,,,,,a", "", "has 11 cells, the header has 9 columns"),
    "a quote in the middle": (b'x,text_to_image,"a" kite,,,,,,', "", "is not valid CSV"),
    "no family": (b"x,,a kite,,,,,,", "family", "must be given"),
    "an unknown family": (b"x,text_to_music,a kite,,,,,,", "family", "no family"),
    "a missing field": (b"x,text_to_image,,,,,,,", "prompt", "must be given"),
    "a field of another family": (b"x,text_to_image,a kite,,https://a/b,,,,", "image_url", "no such field"),
    "a number that is none": (b"x,text_to_image,a kite,,,,two,,", "max_images", "whole number"),
    "a rule": (b"x,text_to_image,a kite,,,,9,,", "max_images", "from 1 to 8"),
    "a list that is none": (b'x,text_to_image,a kite,,,,,"[1,",', "input_images", "JSON array"),
    "a link that is none": (b"x,image_to_video,a,b,a.png,,,,", "image_url", "URL"),
    "an id twice": (b"good,text_to_image,a kite,,,,,,", "id", "is used in line 2 already"),
    "an unknown source": (b"x,image_to_video,a,b,,nobody,,,", "image_from", "no usable row nobody"),
    "itself as source": (b"x,image_to_video,a,b,,x,,,", "image_from", "in a circle: "),
    "a source and a link": (b"x,image_to_video,a,b,https://a/b,good,,,", "image_from", "together"),
    "a control character in the id": (b"x\x07,text_to_image,a,,,,,,", "id", "printable"),
}


@pytest.mark.parametrize("kind", BAD_CELLS)
def test_a_bad_row_of_a_table_is_told_and_the_others_are_read(tmp_path, kind):
    """The same for tables; lines are counted from the header."""
    line, field, words = BAD_CELLS[kind]
    rows = HEADER.encode(), b"good,text_to_image,x,,,,,,", b"", line, b"last,text_to_image,y,,,,,,", b""
    file = lines(tmp_path, b"\r\n".join(rows), suffix=".csv")
    assert ids(file) == ["good", "last"]
    assert [(one.line, one.field) for one in file.bad] == [(4, field)]
    assert words in file.bad[0].message
    assert str(file.bad[0]).isprintable()


def test_a_quote_that_is_not_closed_is_told_where_it_begins(tmp_path):
    """What comes after it cannot be told apart, and is not started."""
    file = table(tmp_path, "a,text_to_image,x", 'b,text_to_image,"x', "c,text_to_image,y")
    assert ids(file) == ["a"]
    assert found(file) == [(3, "", "is not valid CSV: unexpected end of data")]


def test_every_bad_row_of_a_file_is_told_at_once(tmp_path):
    """In the order of the file, so that it is mended in one go."""
    text = b"".join(line + b"\n" for line, _field, _words in BAD_LINES.values())
    file = lines(tmp_path, text, family="text_to_image")
    told = [one.line for one in file.bad]
    assert told == sorted(told)
    assert len(told) >= len(BAD_LINES) - 1  # the id that stood twice stands once here
    assert len({*told}) == len(told)


def test_circles_are_told_for_each_of_their_rows(tmp_path):
    """Rows that wait for each other, and whoever waits for them."""
    rows = ["image_to_video,x,y,{},{}".format(*pair) for pair in ("ab", "bc", "ca", "da")]
    file = table(tmp_path, *rows, "text_to_image,x,,e,", header="family,prompt,negative_prompt,id,image_from")
    assert ids(file) == ["e"]
    assert [(line, "in a circle" in words) for line, _field, words in found(file)] == [(n, True) for n in (2, 3, 4, 5)]


def test_a_row_whose_source_is_bad_is_bad(tmp_path):
    """No video is started for an image that will not be there."""
    file = table(tmp_path, "a,text_to_image,,,,,,,", "b,image_to_video,x,y,,a,,,", "c,image_to_video,x,y,,b,,,")
    assert [(line, field) for line, field, _words in found(file)] == [
        (2, "prompt"),
        (3, "image_from"),
        (4, "image_from"),
    ]


# Files that are wrong as a whole.


@pytest.mark.parametrize(
    ("content", "suffix", "words"),
    [
        (b"", ".csv", "must name the columns"),
        (b"\xef\xbb\xbf", ".csv", "must name the columns"),
        (b"\n\n", ".csv", "must name the columns"),
        (b",,\n", ".csv", "must name the columns"),
        (b"id,prompt,id\n", ".csv", "names the column id twice"),
        (b"id,prompt\n", ".csv", "holds no rows"),
        (b"id,prompt\n\n,\n", ".csv", "holds no rows"),
        (b"id,prompt,ID\n", ".csv", "names the column ID twice (once as id)"),
        (b"a|a;b|b\n", ".csv", "could be separated by ';' or '|': say it in a first line such as sep=;"),
        ("id,prompt\na,b\n".encode("utf-16-le"), ".csv", "save the file as CSV in UTF-8"),
        ("id,prompt\na,b\n".encode("utf-16-be"), ".csv", "save the file as CSV in UTF-8"),
        ("id,prompt\na,b\n".encode("utf-16")[:-1], ".csv", "save the file as CSV in UTF-8"),
        (b"id,pr\xffmpt\na,b\n", ".csv", "save the file as CSV in UTF-8"),
        (b'"id,prompt\na,b\n', ".csv", "cannot be read"),
        (b"", ".jsonl", "holds no rows"),
        (b"\n  \n", ".jsonl", "holds no rows"),
        (b"[]", ".json", "holds no rows"),
        (
            b'[\n{"prompt": "x"}\n{"prompt": "y"}\n]',
            ".json",
            "is not valid JSON: expected a comma or the array's end, in line 3",
        ),
        (b'[\n{"prompt": "x"},\n]', ".json", "is not valid JSON: expected a value, in line 3"),
        (b'[\n{"prompt": "x"},\n', ".json", "is not valid JSON: expected the array's end, in line 3"),
        (b'[\n{"prompt": "x"}\n] 5', ".json", "is not valid JSON: expected the end of the file, in line 3"),
        (b'{\n"prompt": "x",\n"prompt": "y"\n}', ".json", "is not valid JSON: the name prompt is given twice"),
        (b"{'prompt': 'x'}\n{'prompt': 'y'}\n", ".jsonl", "is not valid JSON: Expecting property name"),
        (b'[{"prompt": ' + b"9" * 5000 + b"},\n]", ".json", "is not valid JSON: Exceeds the limit"),
        (b'[{"prompt":\n ' + b"[" * 100_000, ".json", "is not valid JSON: "),
        (b'{"prompt": "x"}]\n}', ".json", "is not valid JSON: expected the end of the file"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused(tmp_path, content, suffix, words):
    """One clear error, before anything else."""
    with pytest.raises(UsageError) as caught:
        lines(tmp_path, content, suffix=suffix, family="text_to_image")
    assert words in caught.value.message


@pytest.mark.parametrize("name", ["nothing.csv", "nothing.jsonl", "nothing.xlsx", ""])
def test_a_file_that_is_not_there_is_refused(tmp_path, name):
    """So is a folder."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(tmp_path / name)


def test_reading_leaves_the_csv_module_as_it_was(tmp_path):
    """The limit of a cell is everybody's."""
    before = csv.field_size_limit()
    table(tmp_path, "a,text_to_image," + "x" * 200_000)
    assert csv.field_size_limit() == before
