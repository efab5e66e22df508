"""What one reading of a list proves about a start that it does not show."""

from __future__ import annotations

import pytest

from a2e_async.core import tags
from a2e_async.core.absence import Proof, Reading, read_page
from a2e_async.core.family import families


@pytest.mark.parametrize(
    ("data", "full"),
    [
        ({"rows": [], "count": 0}, True),
        ({"rows": [], "total": "0"}, True),
        ({"rows": []}, False),
        ([], False),
        ({"rows": [], "count": 1}, False),
    ],
)
def test_an_empty_list_proves_nothing_unless_it_says_that_there_is_nothing(data, full):
    """A list without rows counts in full only with a count of 0: without one it is silence."""
    reading, page = Reading(), read_page(data)
    assert page is not None
    reading.take(page)
    assert reading.is_full(0.0) is full


def page(*ids, count=None, name="x ~other00000a", at=1_000):
    """Give a page of rows, newest first, each a second older than the one before."""
    rows = [
        {"_id": one, "name": name, "createdAt": f"2026-01-01T00:{(at - place) // 60:02}:{(at - place) % 60:02}Z"}
        for place, one in enumerate(ids)
    ]
    found = read_page({"rows": rows, **({} if count is None else {"count": count})})
    assert found is not None
    return found


def reading(*pages):
    """Give what was read of pages."""
    found = Reading()
    for one in pages:
        found.take(one)
    return found


EMPTY = page()


@pytest.mark.parametrize(
    ("pages", "full"),
    [
        ([page("a", "b"), EMPTY], True),
        ([page("a", "b", count=2), EMPTY], True),
        ([page("a", "b", count=3), page("c", count=3, at=900), EMPTY], True),
        ([page("a", "b", count=1), EMPTY], False),  # fewer than it shows
        ([page("a", "b", count=4), EMPTY], False),  # more than it shows
        ([page("a", "b", count=3), page("c", count=2, at=900), EMPTY], False),  # rows went while it was read
        ([page("a", "b"), page("a", "b"), EMPTY], False),  # the first page again
        ([read_page({"rows": [{"_id": "a"}, {"_id": 7}]}), EMPTY], False),  # a row without an id that can be read
        ([page("a", "b")], False),  # neither its end nor a row older than the start
    ],
)
def test_a_list_that_contradicts_itself_is_not_full(pages, full):
    """Counts that fit, pages that turn and ids that can be read: each is needed for a list that was read to its end."""
    assert reading(*pages).is_full(0.0) is full


SENT = "x ~k7f3q9x2bm4pda2345abcdeva"


@pytest.mark.parametrize(
    ("shown", "hides"),
    [
        ("x ~other00000a", False),
        ("x ~k7f3q9x2b", True),  # cut, and what is left of the tag looks like a whole one
        ("x ~k7f3q9x2bm4pda2345zbcdeva", True),  # changed
        ("x ~k7f3", True),
        ("Untitled", True),
        (None, True),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_row_under_a_name_that_may_be_ours_hides_the_start(shown, hides, known):
    """No name, a cut or a changed one may be what became of ours, unless the task is known to be another."""
    family, read = families()["text_to_image"], reading(page("a", name=shown))
    assert read.hides_a_name(family, 0.0, [SENT], {"a"} if known else set()) is (hides and not known)


def test_rows_that_have_gone_between_two_readings_begin_the_proof_anew():
    """A list that shows a row and then hides it may hide the start, too."""
    proof = Proof(0.0)
    both, one = reading(page("a", "b"), EMPTY), reading(page("a"), EMPTY)
    proof.take(both, proves=True)
    proof.take(one, proves=True)
    assert proof.full == 1
    proof.take(one, proves=True)
    assert proof.full == 2
    proof.take(one, proves=False)
    assert proof.full == 0


def test_a_tag_resembles_nothing_in_a_name_without_one():
    """A name that was sent without a tag tells nothing about a row."""
    assert not tags.resembles("k7f3q9x2m4pd", "a red kite")
