"""Long texts in parts: cut at the ends of sentences, nothing lost, none too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.calls.sentences import parts

CUTS = {
    "a short text stays whole": ("It climbs.", 20, ["It climbs."]),
    "white space around it goes": ("  It climbs. \n", 20, ["It climbs."]),
    "a sentence ends a part": ("It climbs. It falls. It rests.", 22, ["It climbs. It falls.", "It rests."]),
    "so does its closing quote": ('"It climbs!" she said to him.', 16, ['"It climbs!"', "she said to him."]),
    "a number is no end": ("Pay 3.50 now or never", 12, ["Pay 3.50 now", "or never"]),
    "a paragraph ends a part before a sentence does": (
        "It climbs and climbs\nIt falls. It rests.",
        32,
        ["It climbs and climbs", "It falls. It rests."],
    ),
    "a comma where no sentence ends": ("red kites, blue kites and more", 16, ["red kites,", "blue kites and", "more"]),
    "words where there is no comma": ("red kites blue kites", 12, ["red kites", "blue kites"]),
    "anywhere in a word that is too long": ("aaaaaaaaaa", 4, ["aaaa", "aaaa", "aa"]),
    "a Chinese sentence needs no space": (
        "\u98a8\u7b5d\u3002\u9ad8\u304f\u3002",
        4,
        ["\u98a8\u7b5d\u3002", "\u9ad8\u304f\u3002"],
    ),
    "nothing has no parts": (" \n ", 4, []),
}


@pytest.mark.parametrize("name", CUTS)
def test_where_a_text_is_cut(name):
    """Each text gives exactly these parts."""
    text, at_most, expected = CUTS[name]
    assert list(parts(text, at_most)) == expected


@given(st.text(), st.integers(1, 50))
def test_nothing_is_lost_and_nothing_is_too_long(text, at_most):
    """All characters but white space are there, in order, in parts that are neither blank nor too long."""
    found = list(parts(text, at_most))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(part) <= at_most and part == part.strip() for part in found)
