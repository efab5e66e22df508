"""What a start has to say of itself for its price to be known."""

from __future__ import annotations

from typing import Any, Protocol

from a2e_async.core.family import Family, Request
from a2e_async.engine.jobs.options import Options


class Intent(Protocol):
    """A start that is to be paid for, such as a job."""

    @property
    def family(self) -> Family:
        """Its family."""
        ...

    @property
    def request(self) -> Request[Any] | None:
        """What is to be started."""
        ...

    @property
    def options(self) -> Options:
        """How it is to be started, which may name its price."""
        ...
