"""What a caller may hang into the engine."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from a2e_async.core import rules
from a2e_async.core.family import Request
from a2e_async.core.records import Record, Result


class Journal:
    """What is written down before anybody is told; this one writes nothing.

    Each method is awaited before the engine goes on, so what it has written is never younger than the world.
    """

    async def intended(self, tag: str | None, request: Request[Result]) -> None:
        """A start is about to be sent, and may be charged, under this tag."""

    async def accepted(self, tag: str | None, task_ids: Sequence[str], coins: float | None) -> None:
        """The service has taken the start; called again when more tasks of it are found."""

    async def settled(self, tag: str | None, records: Sequence[Record]) -> None:
        """Every task of the start has ended."""


@attrs.frozen
class Webhook:
    """Where the service tells us that a task has ended.

    Args:
        url: https URL of the receiver, at most 2,048 characters; for a simulator on this machine http will do.
        token: Shared secret that the service sends along in X-A2e-Webhook-Token: printable ASCII without spaces round
            it, as it stands in a header, at most 256 characters.

    Raises:
        InvalidRequestError: One of them breaks its rule.
    """

    url: str = attrs.field(validator=rules.https(at_most=2048))
    token: str = attrs.field(repr=False, validator=rules.header(at_most=256))
