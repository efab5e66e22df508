"""What stands in rows besides texts: results, files in the ledger, and columns of the user's own."""

from __future__ import annotations

import contextlib

import attrs
import pytest
from batches import image

from a2e_async import Result, UsageError
from a2e_async.batch import Row
from a2e_async.batch.given import resolved
from a2e_async.batch.inputs import FileInput, OutputOf, revived
from a2e_async.batch.reading import _KNOWN, RowReading, _known, read_row
from a2e_async.batch.rows import BadRow, RowError
from a2e_async.batch.spool import Spool
from a2e_async.core.family import family_of
from a2e_async.core.records import Record
from a2e_async.core.requests import fields_of

FIELD = next(one for one in fields_of(family_of("image_to_video").request) if one.name == "image_url")
FILE = {"file": "me.png", "sha256": "0" * 64, "bytes": 5, "kind": "image/png", "suffix": ".png", "at": "/a/me.png"}


def waving(value):
    """Make a row of a video of something."""
    return Row("me", "image_to_video", {"prompt": "she waves", "negative_prompt": "blurry", "image_url": value})


def test_a_result_in_a_row_is_the_url_of_its_output():
    """One that has none is refused with the row and the field."""
    record = Record(id="t", family="text_to_image", status="completed", urls=("https://a.example/b.png",))
    assert resolved(waving(Result((record,)))).fields["image_url"] == "https://a.example/b.png"
    with pytest.raises(RowError, match="row me: image_url: must have an output, not Result without output"):
        resolved(waving(Result(())))


def test_what_the_ledger_keeps_of_files_and_rows_comes_back_as_such():
    """And what was not written by us stays what it is, for the field's own rule to refuse."""
    found = revived(FILE, FIELD)
    assert isinstance(found, FileInput)
    assert found.kept() == FILE
    assert revived("row:kite#2", FIELD) == OutputOf("kite", 2)
    for change in ({"sha256": "short"}, {"bytes": -1}, {"bytes": True}, {"file": ""}, {"kind": 5}, {"at": "a\0b"}):
        assert revived({**FILE, **change}, FIELD) == {**FILE, **change}


@pytest.mark.parametrize("name", ["x" * 101, "a\tb"])
def test_an_own_column_is_called_so_that_it_can_be_shown(name):
    """Its name stands in the report and in the manifest's table."""
    how = RowReading(family="text_to_image", keep_columns=True)
    found = read_row({"prompt": "a kite", name: "x"}, line=2, typed=False, how=how)
    assert isinstance(found, BadRow)
    assert "a column's name must be printable text" in found.message


def test_families_without_end_take_no_memory_without_end():
    """A program may make a class for each of its requests."""
    kinds = [attrs.define(type(f"Kind{n}", (), {"__annotations__": {"x": str}})) for n in range(600)]
    assert all(_known(kind) is not None for kind in kinds)
    assert len(_KNOWN) <= 256


def test_the_ids_of_a_spool_are_those_of_its_rows_in_their_order():
    """Rows that are not among them any more are not offered for another attempt."""
    rows = [image("b"), image("a"), image("a")]
    with contextlib.closing(Spool.of(rows)) as spool:
        assert list(spool.ids()) == ["b", "a"]


def test_rows_that_take_two_are_no_circle_while_one_of_them_is_left():
    """A row is free when all that it takes is, in whatever order that comes to be known."""
    both = Row("both", "virtual_try_on", {"image_urls": [OutputOf("a"), OutputOf("b")]})
    circle = [image("x", image_from="y"), image("y", image_from="x")]
    with contextlib.closing(Spool.of([both, image("a"), image("b"), *circle])) as spool:
        assert list(spool.ids()) == ["both", "a", "b"]
        assert sorted(one.id for one in spool.bad) == ["x", "y"]


def test_a_row_takes_no_text_in_the_place_of_a_list():
    """It is told as a program's own mistake."""
    with pytest.raises(UsageError):
        Row("both", "virtual_try_on", {"image_urls": 5}).request()
