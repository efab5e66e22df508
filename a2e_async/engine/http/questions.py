"""What the engine asks about coins: what the account holds, and what a start would cost.

The calls for it, and what reads their answers, are loaded with the first of these questions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from a2e_async.core.family import Family, Request
from a2e_async.core.http import HttpRequest
from a2e_async.errors import TransportError

if TYPE_CHECKING:
    from a2e_async.calls.credits import Balance, Quote

Ask: TypeAlias = Callable[[HttpRequest], Awaitable[Any]]
"""What sends the question: `Service.ask`, or `Service.ask_again`, which repeats it where it fails."""


async def balance_of(ask: Ask) -> Balance:
    """Ask what the account holds."""
    _load()
    from a2e_async.calls.credits import balance, read_balance  # noqa: PLC0415 - loaded with the first question

    return read_balance(await ask(balance()))


async def quote_of(ask: Ask, family: Family, request: Request[Any]) -> Quote:
    """Ask what a start would cost."""
    _load()
    from a2e_async.calls.credits import quote, read_quote  # noqa: PLC0415 - loaded with the first question

    return read_quote(await ask(quote(family, request)))


def _load() -> None:
    """Load the calls; a process that can open no more files cannot ask, as if nobody had answered."""
    try:
        import a2e_async.calls.credits  # noqa: F401, PLC0415
    except OSError as error:
        raise TransportError(f"cannot ask about coins: {error.strerror}", sent=False) from error
