"""Whether a refusal of one start concerns all of them: the account is asked before anybody else pays for it.

A refusal is believed for its own start at once. That the token is refused, or the account empty, would end others,
too; but a 403 may be about one prompt, and words about coins may be somebody's prompt said back.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import Any, Final

from a2e_async.core.family import Family, Request
from a2e_async.engine.http.questions import balance_of, quote_of
from a2e_async.engine.http.service import Service
from a2e_async.errors import A2EError, AuthenticationError, RejectedRequestError

_SECONDS: Final = 10.0
_FRESH: Final = 2.0
_FORBIDDEN: Final = 403


class AccountCheck:
    """Asks the account whether a refusal concerns it.

    Args:
        service: Who is asked what the account holds.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asking = asyncio.Lock()
        self._asked_at = -math.inf
        self._coins: float | None = None

    async def confirm(self, error: Exception) -> Exception:
        """Give the error of a start; a 403 that is not about the token, as other calls show, is the start's own."""
        if isinstance(error, AuthenticationError) and error.status == _FORBIDDEN and await self._balance() is not None:
            facts = {key: value for key, value in error.__dict__.items() if key != "message"}
            said = error.message.partition("; the token came from ")[0]  # it was not the token
            return RejectedRequestError(said, **facts)
        return error

    async def is_empty(self, family: Family, request: Request[Any]) -> bool:
        """Whether the account surely holds too few coins for such a start."""
        coins = await self._balance()
        if coins is None:
            return False
        price = await self._ask(family, request)
        return coins <= 0 if price is None else coins < price

    async def _balance(self) -> float | None:
        """Ask what the account holds; starts that fail together share one answer."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at > _FRESH:
                self._coins = None
                with contextlib.suppress(A2EError, TimeoutError):
                    async with asyncio.timeout(_SECONDS):
                        told = await balance_of(self._service.ask)
                    self._coins = told.coins
                self._asked_at = asyncio.get_running_loop().time()
            return self._coins

    async def _ask(self, family: Family, request: Request[Any]) -> float | None:
        with contextlib.suppress(A2EError, TimeoutError):
            async with asyncio.timeout(_SECONDS):
                return (await quote_of(self._service.ask, family, request)).coins
        return None
