"""The rules of the families: what is refused, in which words, and what is accepted, by the tables in tests/support."""

from __future__ import annotations

import pytest
import rules_images
import rules_models
import rules_newer
import rules_swaps
import rules_video
import rules_voice
from refusals import assert_none_is_missing, assert_refused

from a2e_async import InvalidRequestError
from a2e_async.core.family import families
from a2e_async.core.requests import fields_of
from a2e_async.families.face_swap_preview import FaceSwapPreview
from a2e_async.families.head_swap import HeadSwap
from a2e_async.families.image_to_video import ImageToVideo
from a2e_async.families.text_to_image import TextToImage

BOOKS = (rules_models, rules_images, rules_newer, rules_swaps, rules_video, rules_voice)
TABLES = {kind: rows for book in BOOKS for kind, rows in book.TABLES.items()}
ACCEPTED = [row for book in BOOKS for row in book.ACCEPTED]


@pytest.mark.parametrize(("kind", "fields", "field", "rule"), [row for rows in TABLES.values() for row in rows])
def test_refused(kind, fields, field, rule):
    """A wrong value is refused by field and rule."""
    assert_refused(kind, fields, field, rule)


@pytest.mark.parametrize("kind", TABLES)
def test_no_rule_is_without_a_refusal(kind):
    """Each field, and each rule between fields, has a refused value in the tables."""
    assert_none_is_missing(kind, TABLES[kind])


def test_every_family_has_a_table():
    """The class of each family is in one of the tables; the two oldest have theirs in `unit/core/test_rules.py`."""
    without = {family.request for family in families().values()} - TABLES.keys() - {ImageToVideo, TextToImage}
    assert not without, "give each a table in TABLES of a tests/support/rules_*.py"


@pytest.mark.parametrize(("kind", "fields"), ACCEPTED)
def test_accepted(kind, fields):
    """Values at the edge of their rules, and what the service only sets right, are taken as they are."""
    request = kind(**fields)
    assert {name: getattr(request, name) for name in fields} == fields


@pytest.mark.parametrize(("kind", "fields"), [(HeadSwap, rules_swaps.HEAD), (FaceSwapPreview, rules_swaps.FACE)])
def test_a_start_without_a_name_has_no_such_field(kind, fields):
    """Where the service documents no name, a request takes none."""
    with pytest.raises(InvalidRequestError, match=r"^name: "):
        kind(**fields, name="one")


@pytest.mark.parametrize("name", sorted(families()))
def test_names_are_written_as_in_python(name):
    """Whatever the service calls a field, in Python it is in lower case."""
    assert [field.name for field in fields_of(families()[name].request) if field.name != field.name.lower()] == []
