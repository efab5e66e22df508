"""Long texts in parts: cut where a reader takes breath."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BREAKS = (
    re.compile(r"[^\n](?=\n)"),
    re.compile(r"[.!?\u2026]+[\"'\u201d\u2019\u00bb)\]]*(?=\s)|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\u2019\uff09]*"),
    re.compile(r"[,;:](?=\s)|[\u3001\uff0c\uff1b\uff1a]"),
    re.compile(r"\S(?=\s)"),
)


def parts(text: str, at_most: int) -> Iterator[str]:
    """Cut a text into parts of at most so many characters, none of them blank.

    A part ends at the end of a paragraph or sentence where one is near enough, else at a comma, else between words,
    else anywhere.
    """
    rest = text.strip()
    while len(rest) > at_most:
        cut = _cut(rest, at_most)
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip()
    if rest:
        yield rest


def _cut(text: str, at_most: int) -> int:
    near = at_most // 2  # an earlier end is no good one: the parts would be many and short
    for wanted, pattern in ((near, _BREAKS[0]), *((0, one) for one in _BREAKS[1:])):
        ends = [found.end() for found in pattern.finditer(text, 0, at_most + 1) if found.end() <= at_most]
        if ends and ends[-1] > wanted:
            return ends[-1]
    return at_most
