"""Coins: the balance and the price of a start."""

from __future__ import annotations

from typing import Any

import attrs

from a2e_async.core import wire
from a2e_async.core.family import Family, Request
from a2e_async.core.http import HttpRequest
from a2e_async.core.records import Result
from a2e_async.errors import ProtocolError

_COIN_KEYS = ("coins", "cost", "price", "credits", "amount", "estimatedCoins", "totalCoins", "total")


@attrs.frozen(kw_only=True)
class Balance:
    """What an account holds (GET /api/v1/user/remainingCoins).

    Attributes:
        coins: Coins left.
        diamonds: Diamonds left; one is exchanged for 100 coins.
    """

    coins: float
    diamonds: float = 0


@attrs.frozen(kw_only=True)
class Quote:
    """What a start would cost (POST /api/v1/generation/quote).

    Attributes:
        coins: The estimate in coins.
        validated: Whether the service has checked the whole request; it checks only what decides the price.
    """

    coins: float
    validated: bool = False


def balance() -> HttpRequest:
    """Ask what the account holds."""
    return HttpRequest(method="GET", path="/api/v1/user/remainingCoins")


def read_balance(data: object) -> Balance:
    """Read the answer to `balance`."""
    held: dict[str, Any] = data if isinstance(data, dict) else {}
    coins = _number(held.get("coins"))
    if coins is None:
        raise ProtocolError("the balance was answered without coins")
    return Balance(coins=coins, diamonds=_number(held.get("diamonds")) or 0)


def quote(family: Family, request: Request[Result]) -> HttpRequest:
    """Ask what a start would cost; it is free and starts nothing."""
    start = wire.start(family, request)
    body = {"endpoint": start.path, "requestBody": start.body}
    return HttpRequest(method="POST", path="/api/v1/generation/quote", body=body)


def read_quote(data: object) -> Quote:
    """Read the answer to `quote`; where it keeps the coins is not documented, so the likely places are tried."""
    if (number := _number(data)) is not None:
        return Quote(coins=number)
    said: dict[str, Any] = data if isinstance(data, dict) else {}
    for key in _COIN_KEYS:
        if (number := _number(said.get(key))) is not None:
            return Quote(coins=number, validated=said.get("generationRequestValidated") is True)
    raise ProtocolError("the quote was answered without coins")


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and wire.is_number(value) else None
