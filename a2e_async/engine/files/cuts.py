"""How it is said that a file is cut."""

from __future__ import annotations


class CutError(Exception):
    """A file ends before its own structure does; its words go on "it is ..."."""


def left(count: int) -> str:
    """Say how many bytes are missing, in words that go on "a PNG of which ..."."""
    return f"the last {count:,} byte{'s are' if count != 1 else ' is'} missing"
