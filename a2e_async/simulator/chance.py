"""Repeatable chance: a draw depends on what it is drawn for, never on how many were drawn before."""

from __future__ import annotations

import hashlib

_RANGE = float(1 << 64)


def draw(*what: object) -> float:
    """Give a number from 0 up to (not including) 1 that belongs to these things."""
    return number(*what) / _RANGE


def number(*what: object) -> int:
    """Give a 64-bit number that belongs to these things."""
    text = "\x1f".join(map(str, what))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def between(low: float, high: float, *what: object) -> float:
    """Give a number of that range that belongs to these things."""
    return low + (high - low) * draw(*what)


def digest(*what: object) -> str:
    """Give a short hexadecimal signature of these things."""
    return f"{number(*what):016x}"
