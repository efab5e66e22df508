"""The tag: a short unique mark in a task's name by which a lost start is found again.

`name = "sunset ~k7f3q9x2m4pda"`: a tilde, the tag, and one letter for the send. All tasks of one letter belong
to one send (a start of four images makes four); a second send of the same intent ends in "b".
"""

from __future__ import annotations

import re
import unicodedata

from a2e_async.core.patterns import late
from a2e_async.core.rules import refuse

FIRST, SECOND = "a", "b"
BYTES_OF_A_TAG = 8
LETTERS_OF_A_TAG = 12
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_SHIFTS = range(59, 3, -5)  # the first 60 of 64 bits
_LETTER_OF_A_BYTE = (_LETTERS * 8).encode()
_GIVEN = late(r"[a-z0-9]{8,24}")
_MARK = re.compile(r"\s?~([a-z0-9]{8,24})([ab])$")
_NAME_FROM_PROMPT = 24
_ALIKE = 0.7
_UNSEEN = frozenset({"Cf", "Cc"})  # soft hyphens, joiners and other characters that show nothing


def make(random_bytes: bytes) -> str:
    """Make a tag of 12 characters of a-z2-7 from 8 random bytes."""
    number = int.from_bytes(random_bytes, "big")
    return "".join([_LETTERS[number >> shift & 31] for shift in _SHIFTS])


def spell(random_bytes: bytes) -> str:
    """Make a tag with a letter for each random byte; quicker than `make`, for which every bit counts."""
    return random_bytes.translate(_LETTER_OF_A_BYTE).decode()


def check(tag: str) -> str:
    """Give back a caller's tag.

    Raises:
        InvalidRequestError: It is not 8 to 24 characters of a-z0-9.
    """
    if not isinstance(tag, str) or not _GIVEN().fullmatch(tag):
        raise refuse("tag", tag, "must be 8 to 24 characters of a-z0-9")
    return tag


def base_name(name: str | None, prompt: str | None, fallback: str) -> str:
    """Give the name before the tag: the caller's, or the first 24 characters of the prompt."""
    return name or " ".join((prompt or fallback).split())[:_NAME_FROM_PROMPT].strip() or fallback


def put(name: str, tag: str, letter: str, limit: int) -> str:
    """Put the tag behind a name; the name is shortened so that a cut at the limit never reaches the tag."""
    mark = f"~{tag}{letter}"
    return f"{name[: max(limit - len(mark) - 1, 0)].rstrip()} {mark}".lstrip()


def split(name: str) -> tuple[str, str | None, str | None]:
    """Take a name apart: the name itself, the tag and its send letter, or None for both."""
    mark = _MARK.search(name)
    if mark is None:
        return name, None, None
    return name[: mark.start()], mark[1], mark[2]


def find(shown: str) -> tuple[str, str] | None:
    """Give the tag and the send letter in a name as a list shows it, None when no whole tag is in it.

    Services dress names up: HTML escapes, white space at the ends, soft hyphens, capitals, letters of full width. A tag
    has 60 random bits, so what is left of it under all that is still ours.
    """
    mark = _MARK.search(shown)
    if mark is None:
        import html  # noqa: PLC0415 - hardly ever needed

        plain = unicodedata.normalize("NFKC", html.unescape(shown)).casefold()
        mark = _MARK.search("".join([one for one in plain if unicodedata.category(one) not in _UNSEEN]).strip())
    return None if mark is None else (mark[1], mark[2])


def resembles(tag: str, sent: str) -> bool:
    """Whether a tag may be what a service has made of the one in a name that was sent: most of it in its order.

    Two random tags have hardly a third of their characters so in common.
    """
    import difflib  # noqa: PLC0415 - needed when the list has a tag that is like ours

    ours = find(sent)
    if ours is None:
        return False
    beside = difflib.SequenceMatcher(None, tag, ours[0], autojunk=False)
    return beside.quick_ratio() >= _ALIKE and beside.ratio() >= _ALIKE


def is_cut(shown: str, sent: str) -> bool:
    """Whether the service shows a name that we sent, but without all of its tag.

    A tag that lost its end can still look like a tag: "~k7f3q9x2m4pba" cut to "~k7f3q9x2m4pb".
    """
    return shown != sent and sent.startswith(shown.rstrip())
