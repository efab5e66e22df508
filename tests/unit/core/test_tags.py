"""Tags: made, put behind names of any length, and read again."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.core import tags
from a2e_async.errors import InvalidRequestError

TAGS = st.from_regex(r"[a-z0-9]{8,24}", fullmatch=True)
LETTERS = st.sampled_from([tags.FIRST, tags.SECOND])


@given(st.binary(min_size=tags.BYTES_OF_A_TAG, max_size=tags.BYTES_OF_A_TAG))
def test_a_made_tag_is_twelve_characters_and_fit_for_a_caller(random_bytes):
    """A tag is 12 characters of a-z2-7, which `check` takes too."""
    tag = tags.make(random_bytes)
    assert re.fullmatch(r"[a-z2-7]{12}", tag)
    assert tags.check(tag) == tag


@given(st.binary(min_size=tags.LETTERS_OF_A_TAG, max_size=tags.LETTERS_OF_A_TAG))
def test_a_spelt_tag_has_a_letter_for_each_byte(random_bytes):
    """A tag of random bytes is as long as they are many, and fit for a caller too."""
    tag = tags.spell(random_bytes)
    assert re.fullmatch(r"[a-z2-7]{12}", tag)
    assert tags.check(tag) == tag


def test_every_letter_of_a_spelt_tag_is_as_likely_as_the_others():
    """Of all bytes eight each make the same letter."""
    spelt = tags.spell(bytes(range(256)))
    assert {spelt.count(letter) for letter in set(spelt)} == {8}


def test_every_bit_but_the_last_four_counts():
    """Tags differ when any of the first 60 random bits differs."""
    made = {tags.make((1 << bit).to_bytes(8, "big")) for bit in range(4, 64)}
    assert len(made) == 60


@pytest.mark.parametrize("tag", ["abcdefgh", "0" * 24, "k7f3q9x2m4pd"])
def test_a_callers_tag_is_taken(tag):
    """8 to 24 characters of a-z0-9 are a tag."""
    assert tags.check(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "abcdefg", "a" * 25, "Abcdefgh", "abcd-efg", "abcdefgh ", "äbcdefgh", 12345678, b"x"]
)
def test_a_callers_tag_is_refused(tag):
    """Anything else is refused by the name of its field."""
    with pytest.raises(InvalidRequestError, match="8 to 24 characters of a-z0-9") as caught:
        tags.check(tag)
    assert caught.value.field == "tag"


@given(st.text(max_size=300), TAGS, LETTERS, st.integers(min_value=26, max_value=200))
def test_round_trip(name, tag, letter, limit):
    """A tag put behind any name, within any limit, is read again with its letter; the name is at most shortened."""
    put = tags.put(name, tag, letter, limit)
    shown, found, sent = tags.split(put)
    assert len(put) <= limit
    assert (found, sent) == (tag, letter)
    assert name.lstrip().startswith(shown.lstrip())


def test_a_cut_at_the_limit_never_reaches_the_tag():
    """At each limit the whole fits, so that a service that cuts there still shows the tag."""
    for limit in range(14, 121):
        put = tags.put("sunset over the sea " * 10, "k7f3q9x2m4pd", "a", limit)
        assert tags.split(put[:limit])[1:] == ("k7f3q9x2m4pd", "a"), limit
        assert len(put) <= limit


def test_the_form_of_a_name():
    """A name, a space, a tilde, the tag and the letter of the send."""
    assert tags.put("sunset", "k7f3q9x2m4pd", "a", 100) == "sunset ~k7f3q9x2m4pda"
    assert tags.put("", "k7f3q9x2m4pd", "b", 100) == "~k7f3q9x2m4pdb"
    assert tags.put("a long name", "k7f3q9x2m4pd", "a", 21) == "a long ~k7f3q9x2m4pda"


@pytest.mark.parametrize(
    "name", ["", "sunset", "sunset ~", "sunset ~short1a", "sunset ~k7f3q9x2m4pdc", "~k7f3q9x2m4pda sunset", "~" * 40]
)
def test_a_name_without_a_tag(name):
    """What only polls a little like a tag is part of the name."""
    assert tags.split(name) == (name, None, None)


def test_the_last_tag_counts():
    """Of two marks the last is the tag, the other belongs to the name."""
    twice = tags.put("x ~aaaaaaaaaaaaa", "k7f3q9x2m4pd", "b", 100)
    assert tags.split(twice) == ("x ~aaaaaaaaaaaaa", "k7f3q9x2m4pd", "b")


@pytest.mark.parametrize(
    ("name", "prompt", "base"),
    [
        ("mine", "a prompt", "mine"),
        (None, "a red kite over the sea at dawn", "a red kite over the sea"),
        (None, "  many\n\twords   apart ", "many words apart"),
        (None, None, "text_to_image"),
        (None, " \n ", "text_to_image"),
        ("", "a prompt", "a prompt"),
    ],
)
def test_the_name_before_the_tag(name, prompt, base):
    """The caller's name, else the beginning of the prompt on one line, else the family's name."""
    assert tags.base_name(name, prompt, "text_to_image") == base


SENT = "sunset ~k7f3q9x2m4pda"


@pytest.mark.parametrize("shown", ["", "sunset", "sun", "sunset ", "sunset ~k7f3", "sunset ~k7f3q9x2m4pd"])
def test_a_cut_name_is_noticed(shown):
    """A name that came back without all of its tag is recognised as cut."""
    assert tags.is_cut(shown, SENT)


@pytest.mark.parametrize("shown", [SENT, "moon", "sunset by somebody else", "other ~k7f3q9x2m4pda"])
def test_another_name_is_not_cut(shown):
    """The whole name, or the name of another task, is not cut."""
    assert not tags.is_cut(shown, SENT)
