"""What the rows of a batch will cost: one quote per family and set of fields that decide its price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs

from a2e_async.batch.inputs import FileInput
from a2e_async.batch.rows import Row
from a2e_async.cli.display.output import counted
from a2e_async.client import A2EClient
from a2e_async.core.family import Request, price_kind
from a2e_async.core.records import Result
from a2e_async.errors import A2EError, AuthenticationError, TransportError

Kind = tuple[Any, ...]


@attrs.frozen(kw_only=True)
class Price:
    """What rows will cost.

    Attributes:
        rows: How many rows there are.
        coins: What the rows with a known price cost together.
        unpriced: For how many rows the service names no price.
    """

    rows: int
    coins: float
    unpriced: int = 0

    def __str__(self) -> str:
        more = f", plus {counted(self.unpriced, 'row')} of unknown price" if self.unpriced else ""
        return f"{counted(self.rows, 'row')} to start, about {self.coins:g} coins{more}"


@attrs.frozen(kw_only=True)
class UploadPrice:
    """What the files of rows will cost, at most: those that are known by now are not uploaded again.

    Attributes:
        count: How many files there are, each content once.
        size: Their bytes.
        coins: What uploading all of them costs, 0 where nobody knows.
    """

    count: int
    size: int
    coins: float

    def __str__(self) -> str:
        coins = f" for {self.coins:g} coins" if self.coins else ""
        return f", up to {counted(self.count, 'upload')} ({self.size:,} bytes){coins}" if self.count else ""


def uploads_of(rows: Iterable[Row], each: float) -> UploadPrice:
    """Count the files that rows take.

    Args:
        rows: The rows.
        each: What each upload costs in coins, as far as it is known.
    """
    files = {one for row in rows for _name, one in row.inputs() if isinstance(one, FileInput)}
    return UploadPrice(count=len(files), size=sum(one.size for one in files), coins=each * len(files))


async def price_of(a2e: A2EClient, rows: Iterable[Row], each: float | None) -> Price:
    """Ask what rows will cost, which is free and starts nothing.

    Args:
        a2e: The open client.
        rows: The rows.
        each: What each row costs, if that is known.

    Raises:
        AuthenticationError: The token was rejected.
        TransportError: The service cannot be reached.
    """
    kinds: Counter[Kind] = Counter()
    samples: dict[Kind, Request[Result]] = {}
    for row in rows:
        request = row.request()
        kind = price_kind(row.family, request)
        kinds[kind] += 1
        samples.setdefault(kind, request)
    coins, unpriced = 0.0, 0
    for kind, count in kinds.items():
        price = each if each is not None else await _quoted(a2e, samples[kind])
        coins += count * (price or 0)
        unpriced += count if price is None else 0
    return Price(rows=kinds.total(), coins=coins, unpriced=unpriced)


async def _quoted(a2e: A2EClient, request: Request[Result]) -> float | None:
    try:
        return (await a2e.quote(request)).coins
    except (AuthenticationError, TransportError):
        raise
    except A2EError:  # the service names no price for it
        return None
