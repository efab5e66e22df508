"""How a client is opened and closed, and what it is bound to."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn, Self

from a2e_async.core.hooks import Webhook
from a2e_async.engine.lifetime import WITHOUT_LOOP, Durable, Lifetime, Opened
from a2e_async.engine.settings import Config
from a2e_async.errors import UsageError


class Opening:
    """What opens and closes; `A2EClient` gives it what it was made with."""

    _config: Config
    _shared: Lifetime
    _key: str | None

    async def open(self) -> Self:
        """Open the client on the running event loop; the same as entering `async with`."""
        await self._shared.open()
        return self

    async def aclose(self) -> None:
        """Close the client; the same as leaving `async with`. Closing twice does nothing."""
        await self._shared.aclose()

    def __enter__(self) -> NoReturn:
        raise UsageError(f"use `async with A2EClient()` and `await`; {WITHOUT_LOOP}")

    def __exit__(self, *error: object) -> None:
        """Do nothing: a block of `with` never begins."""

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if not hasattr(self, "_shared"):  # a report of what was refused of its arguments
            return "<A2EClient being made>"
        state = "open" if self._shared.opened else "closed"
        return f"<A2EClient {self._config.base_url} {state}>"

    @property
    def base_url(self) -> str:
        """Scheme, host and port of the service."""
        return self._config.base_url

    @property
    def webhook(self) -> Webhook | None:
        """Where the service tells us that a task has ended, as this client was made."""
        return self._config.webhook

    def __reduce__(self) -> NoReturn:
        raise UsageError(
            "a client cannot be pickled or copied: it holds connections, its event loop and the token; "
            "make one in each process, and pass requests, results, or family and task ids for `attach`"
        )

    def _parts(self) -> Opened:
        return self._shared.parts()

    def _durable(self) -> Durable:
        found = self._parts().durable
        if found is None:
            raise UsageError("this client has no store; give it one with store= or A2E_STORE")
        return found
