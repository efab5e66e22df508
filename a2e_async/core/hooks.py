"""What a caller may hang into the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from a2e_async.core import rules, tags
from a2e_async.core.family import Request
from a2e_async.core.misuse import speak_of_fields
from a2e_async.core.records import Record, Result
from a2e_async.errors import UsageError


def _is_moment(_posted: object, field: attrs.Attribute[float | None], value: float | None) -> None:
    if value is not None and not (type(value) in (int, float) and 0 <= value < math.inf):
        raise UsageError(f"Posted.{field.name} must be a time in seconds since 1970 or None, not {value!r:.80}")


def _are_letters(_posted: object, field: attrs.Attribute[str], value: object) -> None:
    if value not in (tags.FIRST, tags.SECOND, tags.FIRST + tags.SECOND):
        raise UsageError(f'Posted.{field.name} must be "a", "b" or "ab", not {value!r:.80}')


@attrs.frozen(kw_only=True)
class Posted:
    """What is known of the POSTs of one start that another process may have sent, for `Options.sent_before`.

    Both times are the service's own, as `Journal.sending` gave them: the machine that sent, the machine that polls
    and the one that keeps the journal have three clocks, and none of them may decide whether a start is sent again.

    Args:
        first: The service's time of the first POST, in seconds since 1970; None when it is not known, and then the
            start is never sent again.
        last: The service's time of the latest POST, None likewise.
        letters: The send letters of all its POSTs: "a", "b" or "ab". After a "b" it is looked for and never sent again.

    Raises:
        UsageError: One of them is not that.
    """

    first: float | None = attrs.field(default=None, validator=_is_moment)
    last: float | None = attrs.field(default=None, validator=_is_moment)
    letters: str = attrs.field(default=tags.FIRST, validator=_are_letters)


class Journal:
    """What is written down before anybody is told; this one writes nothing.

    Each method is awaited before the engine goes on, so what it has written is never younger than the world. The
    order is: `intended` once, `sending` before each POST, `accepted` once and again when more tasks show, `finished`;
    `failed` may come at any time and is the last one.

    Attributes:
        key: The caller's own name of the intent, where it has one.
        may_wait: Whether writing may take minutes, as where a database can be away: then nobody else waits for it.
        paid: Whether coins are held for the start elsewhere, since before an earlier process may have sent it.
    """

    key: str | None = None
    may_wait = False
    paid = False

    async def may_cancel(self) -> bool:
        """Whether the job is this process's to take back; asked before anything is done for that."""
        return True

    def holds(self, coins: float | None) -> None:
        """Hear what is held for the start, None when nobody knows its price; `intended` follows."""

    async def intended(self, tag: str | None, request: Request[Result]) -> None:
        """A start is wanted under this tag; long waits may lie between this and its first POST."""

    async def sending(self, tag: str | None, letter: str, at: float | None) -> None:
        """A POST of the start leaves as soon as this returns and its connection is there; awaited before EVERY POST.

        Asked before the first send, before each repeat (after 429, or when the service could not be reached) and
        before the second send. What is written here is what a later process knows of the start: an intent without any
        `sending` was surely not sent; one with it may have been, and is looked for with `Options.sent_before`, made
        of what was given here: the first `at`, the latest `at`, and every letter.

        Whatever this raises ends the job with that error, and the POST is not sent: a store whose lease has run out
        raises here.

        Args:
            tag: The start's tag.
            letter: The send letter in the name that goes out: "a" for the first send and its repeats, "b" for the
                second send, after which there is none.
            at: The service's own time now, in seconds since 1970, from the header Date of its replies; never this
                machine's clock. None when the service has told none.
        """

    def leaves(self) -> bool:
        """Whether the POST may still leave, now that its connection is there, which may have taken seconds to set up.

        Asked after `sending`, with nothing between it and the first byte of the POST; so it answers at once, from what
        is known here. When it says no the POST is not sent, and `sending` is asked anew.
        """
        return True

    async def accepted(self, tag: str | None, task_ids: Sequence[str], coins: float | None) -> None:
        """The service has taken the start; called again when more tasks of it are found."""

    async def finished(self, tag: str | None, records: Sequence[Record]) -> None:
        """Every task of the start has ended."""

    async def failed(self, tag: str | None, error: Exception) -> None:
        """The job ends with this error without the end of its tasks: refused, lost, cancelled, timed out, let go of.

        It is written down before whoever waits for the job is told; where a job ends at once (it was detached, its
        client is closed, its deadline has passed) right after that. What this raises is logged: the job ends anyway.
        """


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


speak_of_fields(Webhook)
