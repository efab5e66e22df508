"""Coins: the balance, the price of a start, and what was charged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import attrs

from a2e_async.calls.base import Group, call, pages, request_of
from a2e_async.calls.reading import At, Named, Value, nothing, row
from a2e_async.calls.writing import Limit, Moment
from a2e_async.core import rules, wire
from a2e_async.core.family import Family, Request, family_of
from a2e_async.core.http import HttpRequest
from a2e_async.core.records import Result
from a2e_async.core.requests import SentAs
from a2e_async.core.scalars import is_number
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


@attrs.frozen(kw_only=True)
class Transaction(Value):
    """One line of an account's history.

    Attributes:
        id: Its id, "" where it has none.
        amount: Coins; below 0 they were spent, above 0 granted or bought.
        created_at: When it happened.
        description: What for, in the service's words.
    """

    id: Named = ""
    amount: Annotated[float | None, At("amount", "coins", "credits")] = None
    created_at: Annotated[datetime | None, At("createdAt", "created_at")] = None
    description: Annotated[str, At("description", "desc", "remark", "type")] = ""


def read_balance(data: object) -> Balance:
    """Read the answer to `balance`."""
    held: dict[str, Any] = data if isinstance(data, dict) else {}
    coins = _number(held.get("coins"))
    if coins is None:
        raise ProtocolError("the balance was answered without coins")
    return Balance(coins=coins, diamonds=_number(held.get("diamonds")) or 0)


def read_quote(data: object) -> Quote:
    """Read the answer to `quote`, of which only `generationRequestValidated` is documented.

    Where the coins are is not, so the likely places are tried.
    """
    if (number := _number(data)) is not None:
        return Quote(coins=number)
    said: dict[str, Any] = data if isinstance(data, dict) else {}
    for key in _COIN_KEYS:
        if (number := _number(said.get(key))) is not None:
            return Quote(coins=number, validated=said.get("generationRequestValidated") is True)
    raise ProtocolError("the quote was answered without coins")


class Credits(Group):
    """Coins and diamonds."""

    @call("GET", "/api/v1/user/remainingCoins", read_balance, note="undocumented: only clients have it")
    def balance(self) -> None:
        """Ask what the account holds (GET /api/v1/user/remainingCoins)."""

    async def quote(self, request: Request[Any]) -> Quote:
        """Ask what a start would cost; it is free and starts nothing (POST /api/v1/generation/quote).

        Args:
            request: What would be started.
        """
        path, body = wire.quoted(family_of(request), request)
        return await self._quote(path, body)

    @call("POST", "/api/v1/generation/quote", read_quote, reads=True)
    def _quote(
        self, endpoint: str, request_body: Annotated[Mapping[str, Any], rules.mapping(), SentAs("requestBody")]
    ) -> None:
        """Ask what a start would cost; it is free and starts nothing (POST /api/v1/generation/quote)."""

    @pages("/api/v1/transactionRecord/creditsHistory", row(Transaction))
    def history(
        self,
        *,
        spent: Annotated[bool | None, rules.flag(), SentAs("is_consumption")] = None,
        since: Annotated[Moment | None, SentAs("startDate")] = None,
        until: Annotated[Moment | None, SentAs("endDate")] = None,
        limit: Limit | None = None,
    ) -> None:
        """Give what was charged and what came in, newest first (GET /api/v1/transactionRecord/creditsHistory).

        A charge is missing from it for some seconds.

        Args:
            spent: True: only what was spent, False: only what came in; by default both.
            since: Only what happened at this time or later.
            until: Only what happened at this time or earlier.
            limit: How many lines at most; by default all.
        """

    @call(
        "POST",
        "/api/v1/user/exchangeDiamonds",
        nothing,
        costs="the coins may have been exchanged (`balance()` tells)",
        note="undocumented: only older pages have it",
    )
    def exchange_diamonds(self, diamonds: Annotated[int, rules.whole(1)]) -> None:
        """Change coins into diamonds, 100 for one; there is no way back (POST /api/v1/user/exchangeDiamonds).

        Args:
            diamonds: How many diamonds to get.

        Raises:
            StartUnknownError: No answer came that can be read; the coins may have been exchanged.
        """


def balance() -> HttpRequest:
    """Write the request for what the account holds."""
    return request_of(Credits.balance)


def quote(family: Family, request: Request[Result]) -> HttpRequest:
    """Write the request for what a start would cost."""
    path, body = wire.quoted(family, request)
    return request_of(Credits._quote, endpoint=path, request_body=body)  # noqa: SLF001 - of this module


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and is_number(value) else None
