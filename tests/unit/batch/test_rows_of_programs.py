"""Rows as other programs and people write them: what loses nothing is read, what belongs elsewhere is named."""

from __future__ import annotations

import json
import os

import attrs
import pytest

from a2e_async.batch.origin import Origin
from a2e_async.batch.rows import Row
from a2e_async.batch.sources import check_rows, read_file
from a2e_async.core.family import family_of
from a2e_async.errors import UsageError


def lines(tmp_path, text, *, suffix=".jsonl"):
    """Read a file of these lines."""
    path = tmp_path / f"rows{suffix}"
    path.write_text(text, encoding="utf-8", newline="")
    return read_file(path, "text_to_image")


KITES = [("a", {"prompt": "a kite, red", "width": 1024}), ("b", {"prompt": "a sea", "width": 512})]
PROGRAMS = {
    "as documented": ("rows.csv", 'id,prompt,width\na,"a kite, red",1024\nb,a sea,512\n'),
    "semicolons": ("rows.csv", "id;prompt;width\na;a kite, red;1024\nb;a sea;512\n"),
    "semicolons, all quoted": ("rows.csv", '"id";"prompt";"width"\n"a";"a kite, red";"1024"\n"b";"a sea";"512"\n'),
    "tabs": ("rows.tsv", "id\tprompt\twidth\na\ta kite, red\t1024\nb\ta sea\t512\n"),
    "tabs in a text file": ("rows.txt", "id\tprompt\twidth\na\ta kite, red\t1024\nb\ta sea\t512\n"),
    "bars": ("rows.csv", "id|prompt|width\na|a kite, red|1024\nb|a sea|512\n"),
    "a table of Markdown": (
        "rows.md",
        "| id | prompt | width |\n| --- | :-- | ---: |\n| a | a kite, red | 1024 |\n| b | a sea | 512 |\n",
    ),
    "a separator that is told": ("rows.csv", "sep=;\r\nid;prompt;width\r\na;a kite, red;1024\r\nb;a sea;512\r\n"),
    "a separator that nobody guesses": ("rows.csv", '"sep=#"\nid#prompt#width\na#a kite, red#1024\nb#a sea#512\n'),
    "a comma in a header of semicolons": ("rows.csv", "id;prompt;width;,\na;a kite, red;1024;\nb;a sea;512;\n"),
    "columns without names at the end": ("rows.csv", 'id,prompt,width,,\na,"a kite, red",1024,,\nb,a sea,512,,\n'),
    "cells without columns at the end": ("rows.csv", 'id,prompt,width\na,"a kite, red",1024,,\nb,a sea,512,,\n'),
    "a column without a name inside": ("rows.csv", 'id,,prompt,width\na,,"a kite, red",1024\nb,,a sea,512\n'),
    "columns that pandas has named": ("rows.csv", 'id,prompt,width,Unnamed: 3\na,"a kite, red",1024,\nb,a sea,512,\n'),
    "an empty column with a name": ("rows.csv", 'id,prompt,width,note\na,"a kite, red",1024,\nb,a sea,512,\n'),
    "names in other letters": ("rows.csv", 'ID, Prompt ,WIDTH\na,"a kite, red",1024\nb,a sea,512\n'),
    "blank lines": ("rows.csv", '\n\nid,prompt,width\n\na,"a kite, red",1024\n,,\nb,a sea,512\n\n\n'),
    "whole numbers with a point": ("rows.csv", 'id,prompt,width\na,"a kite, red",1024.0\nb,a sea,512.\n'),
    "whole numbers with a comma": ("rows.csv", "id;prompt;width\na;a kite, red;1024,0\nb;a sea;512,0\n"),
    "numbers as text": ("rows.jsonl", ('{"id": "a", "prompt": "a kite, red", "width": "1024"}\n'
                        '{"id": "b", "prompt": "a sea", "width": " 512 "}')),
    "floats of JSON Lines": ("rows.jsonl", ('{"id": "a", "prompt": "a kite, red", "width": 1024.0}\n'
                             '{"id": "b", "prompt": "a sea", "width": 5.12e2}')),
    "gaps of a data frame": ("rows.jsonl", ('{"id": "a", "prompt": "a kite, red", "width": 1024.0, "height": NaN}\n'
                             '{"id": "b", "prompt": "a sea", "width": 512.0, "height": null, "name": NaN}')),
    "the index of a data frame": ("rows.csv", ',id,prompt,width\n0,a,"a kite, red",1024\n1,b,a sea,512\n'),
    "the index of R": ("rows.csv", '"","id","prompt","width"\n"1","a","a kite, red",1024\n"2","b","a sea",512\n'),
    "an index that was read back": ("rows.csv", ("Unnamed: 0,id,prompt,width\n"
                                    '0,a,"a kite, red",1024\n1,b,a sea,512\n')),
    "rows that were taken out of an array": ("rows.jsonl", ('{"id": "a", "prompt": "a kite, red", "width": 1024},\n'
                     '{"id": "b", "prompt": "a sea", "width": 512},\n')),
    "a JSON array": ("rows.json", ('[{"id": "a", "prompt": "a kite, red", "width": 1024},'
                     '{"id": "b", "prompt": "a sea", "width": 512}]')),
    "an array of a row a line": ("rows.json", ('[\n{"id": "a", "prompt": "a kite, red", "width": 1024},\n'
                                 '{"id": "b", "prompt": "a sea", "width": 512}\n]\n')),
    "pretty JSON": ("rows.json", json.dumps([{"id": name, **fields} for name, fields in KITES], indent=2)),
    "pretty objects one after another": (
        "rows.json", "\n".join(json.dumps({"id": name, **fields}, indent=4) for name, fields in KITES)
    ),
    "JSON by another name": ("rows.dump", json.dumps([{"id": name, **fields} for name, fields in KITES], indent=2)),
    "names in other letters in JSON": ("rows.json", ('[{"ID": "a", "Prompt": "a kite, red", "Width": 1024},'
                                       '{"Id": "b", "PROMPT": "a sea", "width": 512}]')),
}  # fmt: skip


@pytest.mark.parametrize("form", PROGRAMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_same_rows_are_read_however_a_program_writes_them(tmp_path, form, encoding):
    """Separators, gaps, letters, points and encodings that lose nothing."""
    name, text = PROGRAMS[form]
    (tmp_path / name).write_bytes(text.encode(encoding))
    file = read_file(tmp_path / name, "text_to_image")
    assert file.bad == ()
    assert [(row.id, row.fields) for row in file.rows] == KITES


def test_rows_of_an_array_have_their_lines(tmp_path):
    """What is wrong in one row of an array is told by its line and spoils no other."""
    text = '[\n  {"id": "a", "prompt": "x"},\n\n  {"id": "b"},\n  5, {"id": "c", "prompt": "y"}\n]'
    file = lines(tmp_path, text, suffix=".json")
    assert [(row.id, row.line) for row in file.rows] == [("a", 2), ("c", 5)]
    assert [(line, field) for line, field, _words in [(one.line, one.field, one.message) for one in file.bad]] == [
        (4, "prompt"),
        (5, ""),
    ]


def test_json_lines_whose_first_line_is_cut_are_lines_all_the_same(tmp_path):
    """The others are read."""
    file = lines(tmp_path, '{"id": "a", "prom\n{"id": "b", "prompt": "x"}\n')
    assert ([row.id for row in file.rows], [one.line for one in file.bad]) == (["b"], [1])


def test_a_text_file_holds_a_prompt_a_line(tmp_path):
    """Commas and brackets are part of a prompt; blank lines are none."""
    text = "a kite, red\r\n\r\n  {red|blue} kite; at dawn\r\n<lora:x> a sea"
    file = lines(tmp_path, text, suffix=".txt")
    assert [row.fields["prompt"] for row in file.rows] == ["a kite, red", "{red|blue} kite; at dawn", "<lora:x> a sea"]
    assert [row.line for row in file.rows] == [1, 3, 4]
    headed = lines(tmp_path, "Prompt\na kite\n", suffix=".txt")
    assert [row.fields["prompt"] for row in headed.rows] == ["a kite"]
    objects = lines(tmp_path, '{"prompt": "a kite"}\n', suffix=".txt")
    assert [row.fields["prompt"] for row in objects.rows] == ["a kite"]


NAMELESS = {
    "an index with gaps": (",id,prompt\n7,a,a kite\n", "cell 1 stands in a column without a name (write a data frame"),
    "an index that pandas has named": ("Unnamed: 0,id,prompt\nx,a,a kite\n", "cell 1 stands in a column without"),
    "a number in another place": ("id,,prompt\na,0,a kite\n", "cell 2 stands in a column without a name"),
    "a note": ("id,prompt,\na,a kite,my note\n", "cell 3 stands in a column without a name"),
    "too many cells": ("prompt\na kite, red\n", "has 2 cells, the header has 1 column; text that holds the sep"),
    "rows inside an object": ('{"rows": [{"prompt": "x"}]}', "put them at the top, as an array or one per line"),
    "a split data frame": ('{"columns": ["prompt"], "index": [0], "data": [["x"]]}', "put them at the top"),
    "columns of a data frame": ('{"id": {"0": "a"}, "prompt": {"0": "x"}}', "orient='records'"),
    "columns that are lists": ('{"id": ["a", "b"], "prompt": ["x", "y"]}', "orient='records'"),
}


@pytest.mark.parametrize("kind", NAMELESS)
def test_what_belongs_to_no_field_is_told_with_the_next_step(tmp_path, kind):
    """A value that nobody would read is no row's."""
    text, words = NAMELESS[kind]
    file = lines(tmp_path, text, suffix=".csv")
    assert (file.rows, file.bad[0].id) == ((), "")
    assert words in file.bad[0].message


def test_long_chains_are_checked_in_no_time():
    """Each row is visited once: 20,000 rows that take each other's images, open, in a circle, and sound."""
    many = 20_000
    chain = [Row(id=f"r{n}", family=family_of("text_to_image"), fields={}, image_from=f"r{n + 1}") for n in range(many)]
    last = Row(id=f"r{many}", family=family_of("text_to_image"), fields={})
    open_end, circle = check_rows(chain), check_rows([*chain, attrs.evolve(last, image_from="r0")])
    assert {one.message for one in open_end.bad} == {f"image_from: there is no usable row r{many}"}
    named = " → ".join(f"r{n}" for n in range(8))
    words = f"image_from: rows wait for each other in a circle: {named} → … → r0"
    assert {one.message for one in circle.bad} == {words}
    assert (len(open_end.bad), len(circle.bad)) == (many, many + 1)
    assert len(check_rows([*chain, last]).rows) == many + 1  # a walk for each row would take hours


FOREIGN = {
    "rows.xlsx": (b"PK\x03\x04", "an Excel workbook: save the sheet as CSV UTF-8"),
    "rows.XLSX": (b"", "an Excel workbook"),
    "rows.xls": (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    "rows.ods": (b"PK\x03\x04", "a spreadsheet: save the sheet as CSV UTF-8"),
    "workbook.csv": (b"PK\x03\x04", "a workbook, or packed: save the sheet as CSV UTF-8"),
    "rows.parquet": (b"PAR1", "to_csv(..., index=False)"),
    "frame.csv": (b"PAR1", "to_csv(..., index=False)"),
    "rows.csv.gz": (b"\x1f\x8b", "unpack it"),
    "packed.csv": (b"\x1f\x8b", "unpack it"),
    "base.csv": (b"SQLite format 3\0", "write its rows as CSV or JSON Lines"),
    "page.csv": (b"\n<!DOCTYPE html>", "a web page"),
    "bzip2.csv": (b"BZh91AY&SY", "unpack it"),
    "seven.csv": (b"7z\xbc\xaf\x27\x1c\0\x04", "unpack it"),
    "lz4.csv": (b"\x04\x22\x4d\x18d", "unpack it"),
    "avro.csv": (b"Obj\x01\x04", "to_csv(..., index=False)"),
    "array.csv": (b"\x93NUMPY\x01", "to_csv(..., index=False)"),
    "pickle.csv": (b"\x80\x05\x95\0", "to_csv(..., index=False)"),
    "multiplan.csv": (b"ID;PWXL;N;E", "save the sheet as CSV UTF-8"),
    "visicalc.csv": (b"TABLE\r\n0,1\r\n", "save the sheet as CSV UTF-8"),
    "letter.csv": (b"{\\rtf1\\ansi", "a prompt a line"),
    "table.csv": (b"<table><tr>", "a web page"),
    "book.csv": (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook>", "write the rows as CSV"),
    "quotes.csv": (b"'id','prompt'\n'a','x'", "in other quotes than CSV has, such as 'id'"),
    "curly.csv": ("\u201cid\u201d,\u201cprompt\u201d\na,x".encode(), "in other quotes"),
    "rows.yaml": (b"- prompt: x", "write the rows as CSV or JSON Lines"),
    "rows.docx": (b"PK\x03\x04", "a prompt a line"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_program_is_named_with_the_next_step(tmp_path, name):
    """By its ending and by how it begins, whatever it is called."""
    content, words = FOREIGN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_file(tmp_path / name, "text_to_image")
    assert words in caught.value.message


@pytest.mark.skipif(os.name != "posix", reason="pipes are of POSIX")
@pytest.mark.parametrize("prompts", [False, True])
def test_a_pipe_is_refused_with_the_way_for_rows_of_another_program(tmp_path, prompts):
    """It would be waited for without end where nobody writes, and a retry could not read it again."""
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(UsageError, match=r"is no plain file; give .* on stdin"):
        Origin(source=str(tmp_path / "rows.csv"), family="text_to_image", prompts=prompts).read()
