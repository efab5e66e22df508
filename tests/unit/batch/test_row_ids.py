"""Ids of rows, and the names of their files."""

from __future__ import annotations

import json
import re

import attrs
import pytest

from a2e_async import TextToImage
from a2e_async.batch.reading import read_row
from a2e_async.batch.rows import Row, RowError, image_field, numbered, of_entry, of_request, stem_of
from a2e_async.core import family as families
from a2e_async.core import wire
from a2e_async.core.family import Family
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
