"""Where rows come from: written down with absolute paths, read again, and believed only where it is sound."""

from __future__ import annotations

import json
import os

import pytest
from ledgers import opened
from photos import photo

from a2e_async.batch import Row
from a2e_async.batch.origin import Origin
from a2e_async.batch.own_columns import _names, keep_names
from a2e_async.errors import UsageError


def test_the_next_command_reads_the_same_rows_from_another_folder(tmp_path, monkeypatch):
    """What is written down does not depend on where the first command ran."""
    photo(tmp_path / "photos/me.png")
    values = {"prompt": "she waves", "negative_prompt": "blurry"}
    monkeypatch.chdir(tmp_path)
    words = Origin(source="photos", family="image_to_video", values=values, files=("photos",)).dump()
    monkeypatch.chdir("/")
    origin = Origin.load(words)
    assert (origin.of_files, origin.is_there, origin.files) == (True, True, (str(tmp_path / "photos"),))
    assert [row.id for row in origin.read().rows] == ["me.png"]
    assert [row.id for row in origin.rows()] == ["me.png"]


def test_a_table_gives_its_rows_one_by_one(tmp_path):
    """The bad ones among them, in their places."""
    (tmp_path / "rows.csv").write_text("id,prompt\na,a kite\nb,\n")
    origin = Origin(source=str(tmp_path / "rows.csv"), family="text_to_image")
    assert [row.id for row in origin.rows()] == ["a", "b"]
    assert [row.id for row in origin.read().rows] == ["a"]


def test_a_list_of_prompts_is_read_whatever_its_name_ends_in(tmp_path):
    """One row a line; a list that is not there, or is no text, is named."""
    path = tmp_path / "prompts.csv"
    origin = Origin(source=str(path), prompts=True, family="text_to_image")
    with pytest.raises(UsageError, match=r"prompts\.csv cannot be read: No such file"):
        origin.read()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"prompts\.csv must be UTF-8 text"):
        origin.read()
    path.write_text("a red kite\na blue boat\n")
    assert [row.fields["prompt"] for row in origin.rows()] == ["a red kite", "a blue boat"]


def test_what_stdin_gave_cannot_be_read_again():
    """It is gone: rows are not started as somebody remembers them."""
    origin = Origin(source="-", family="text_to_image")
    assert [row.fields["prompt"] for row in origin.read(stdin='{"prompt": "a kite"}').rows] == ["a kite"]
    with pytest.raises(UsageError, match="cannot be read a second time"):
        list(origin.rows())


SOUND = json.loads(Origin(source="rows.csv").dump())
UNSOUND = {
    "nothing": None,
    "no JSON": "{",
    "a number": "5",
    "an empty object": "{}",
    "fields in a list": json.dumps({**SOUND, "values": ["prompt"]}),
    "a field of somebody else's": json.dumps({**SOUND, "shell": "rm"}),
    "a source that is none": json.dumps({**SOUND, "source": 5}),
    "a NUL in a path": json.dumps({**SOUND, "files": ["a\0b"]}),
    "a flag that is a word": json.dumps({**SOUND, "fit": "yes"}),
    "a family that is none": json.dumps({**SOUND, "family": ["text_to_image"]}),
}


@pytest.mark.parametrize("kind", UNSOUND)
def test_what_was_not_written_by_us_is_passed_over(kind):
    """No file is read because a damaged ledger names it."""
    assert Origin.load(UNSOUND[kind]) is None


def test_own_columns_of_all_runs_are_kept_in_their_order():
    """A second run adds to those of the first; damaged words are no columns."""
    assert _names('["artist", "year"]') == ["artist", "year"]
    assert [_names(words) for words in ("{", '{"a": 1}', '["a", 5]', "[" * 100_000, None)] == [[]] * 5


async def test_the_names_of_own_columns_outlive_a_run(tmp_path):
    """The table of the second run has the columns of the first one, too."""
    rows = [Row("a", "text_to_image", {"prompt": "x"}, columns={name: "1"}) for name in ("artist", "year")]
    async with opened(tmp_path) as book:
        for row in rows:
            await keep_names(book, [row])
        assert json.loads(await book.kept("own_columns")) == ["artist", "year"]


def test_a_pattern_for_which_the_shell_has_found_one_photo_is_that_photo(tmp_path):
    """And a table is read as one, for its name says so."""
    photo(tmp_path / "me.png")
    (tmp_path / "rows.csv").touch()
    assert [Origin(source=os.fspath(tmp_path / name)).of_files for name in ("me.png", "rows.csv")] == [True, False]
    assert Origin(source=f"{tmp_path}/*.png").of_files


def test_what_was_typed_for_all_rows_is_read_from_where_it_was_typed(tmp_path, monkeypatch):
    """And not from the folder of the rows, whose own columns stay there; also by the next command from elsewhere."""
    photo(tmp_path / "here/face.png", 1), photo(tmp_path / "rows/face.png", 2), photo(tmp_path / "rows/a.png", 3)
    (tmp_path / "rows/rows.csv").write_text("id,image_url\na,a.png\nb,face.png\n")
    monkeypatch.chdir(tmp_path / "here")
    values = {"target_image_url": "face.png"}
    origin = Origin(source="../rows/rows.csv", family="head_swap", values=values, typed_in=str(tmp_path / "here"))
    words = origin.dump()
    monkeypatch.chdir("/")
    for one in (Origin.load(words), Origin.load(words.replace("face.png", "../here/face.png"))):
        rows = one.read().rows
        assert [row.id for row in rows] == ["a", "b"]
        assert {row.fields["target_image_url"].path for row in rows} == {tmp_path / "here/face.png"}
        assert [row.fields["image_url"].path for row in rows] == [tmp_path / "rows/a.png", tmp_path / "rows/face.png"]


def test_what_rows_name_themselves_stays_in_their_folder(tmp_path):
    """Only what was typed may lead anywhere."""
    photo(tmp_path / "here/face.png"), photo(tmp_path / "rows/a.png", 2)
    (tmp_path / "rows/rows.csv").write_text("id,image_url,target_image_url\na,a.png,../here/face.png\n")
    origin = Origin(
        source=str(tmp_path / "rows/rows.csv"),
        family="head_swap",
        values={"target_image_url": "face.png"},
        typed_in="/",
    )
    assert "lies outside of the folder" in str(origin.read().bad[0])
