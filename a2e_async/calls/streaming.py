"""Streaming avatars: a room in which an avatar speaks live, seen over Agora's network.

A room is charged up front for its seconds; what is not used comes back when it is left (service.md 11). So
`async with a2e.calls.streaming.room(...)` leaves it whatever happens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, TypeVar

import attrs

from a2e_async.calls.avatars import Avatar
from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import At, Value, anything, each, nothing, one
from a2e_async.calls.writing import AN_ID, Extra
from a2e_async.core import rules
from a2e_async.core.requests import SentAs
from a2e_async.errors import A2EError, ServiceError

T = TypeVar("T")

Channel = Annotated[str, rules.text()]
Said = Annotated[str, rules.text()]

_PAGES = "undocumented: only older pages have it"
_BY_CLIENTS = "undocumented: seen in public client code alone"
_OCCUPIED = 1001
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 15.0

_log = logging.getLogger("a2e_async")


@attrs.frozen(kw_only=True)
class StreamToken(Value):
    """What an Agora client needs to enter a room.

    Attributes:
        token: The room's token; not shown in a repr.
        app_id: Agora's application id.
        channel: The room's name, which all calls about it need.
        uid: The user's number in the room.
        expires_at: When the room closes.
    """

    token: str = attrs.field(default="", repr=False)
    app_id: Annotated[str, At("appId", "app_id")] = ""
    channel: str = ""
    uid: int | str | None = None
    expires_at: Annotated[datetime | None, At("expire_epoch_timestamp", "expire_date_UTC")] = None


def is_occupied(error: A2EError) -> bool:
    """Whether an error says that every host is occupied, so that no room was given."""
    return isinstance(error, ServiceError) and error.code == _OCCUPIED and "occupied" in error.message.lower()


def read_context(data: Any) -> str:  # noqa: ANN401 - any JSON shape
    """Read what an avatar knows, "" where it was told nothing."""
    held = data if isinstance(data, dict) else {"text": data}
    found = next((held[key] for key in ("text", "context", "qa_context") if held.get(key)), "")
    return found if isinstance(found, str) else ""


class Streaming(Group):
    """Rooms with an avatar."""

    @call("GET", "/api/v1/streaming-avatar/all_avatars", each(Avatar), note=_PAGES)
    def avatars(self) -> None:
        """List the avatars that can be streamed (GET /api/v1/streaming-avatar/all_avatars)."""

    @asynccontextmanager
    async def room(self, avatar_id: str, seconds: int, *, wait: float = 0) -> AsyncIterator[Room]:
        """Enter a room, and leave it at the end, so that unused seconds are paid back.

        Args:
            avatar_id: Who is in it, see `avatars`.
            seconds: For how long it is charged; it closes then.
            wait: Seconds to wait at most while all hosts are occupied (default: not at all).

        Raises:
            ServiceError: All hosts are occupied (`code` 1001), or the service said no.
            StartUnknownError: No answer came that can be read; the room may have been charged.
        """
        taken: list[StreamToken] = []

        async def take() -> None:
            taken.append(await self._token(avatar_id, seconds))

        try:
            await _patiently(lambda: _to_its_end(take()), wait)
            yield Room(self, taken[0])
        except BaseException:
            for token in taken:
                await self._leave_anyway(token.channel)
            raise
        await _to_its_end(self.leave(taken[0].channel))

    async def token(self, avatar_id: str, seconds: int, *, wait: float = 0) -> StreamToken:
        """Get the token of a room, for which you must `leave` it yourself (POST /api/v1/streaming-avatar/agora-token).

        Args:
            avatar_id: As in `room`.
            seconds: As in `room`.
            wait: As in `room`.

        Raises:
            ServiceError: All hosts are occupied (`code` 1001), or the service said no.
            StartUnknownError: No answer came that can be read; the room may have been charged.
        """
        return await _patiently(lambda: self._token(avatar_id, seconds), wait)

    @call(
        "POST",
        "/api/v1/streaming-avatar/agora-token",
        one(StreamToken, "token", "channel"),
        costs="the room may have been charged",
        refused=is_occupied,
        note=_PAGES,
    )
    def _token(
        self,
        avatar_id: Annotated[str, AN_ID],
        seconds: Annotated[int, rules.whole(1), SentAs("expire_seconds")],
    ) -> None:
        """Get the token of a room (POST /api/v1/streaming-avatar/agora-token)."""

    @call(
        "POST",
        "/api/v1/streaming-avatar/speak",
        nothing,
        older=("POST", "/api/v1/streaming-avatar/direct-speak"),
        note=_PAGES,
    )
    def speak(self, channel: Channel, text: Said) -> None:
        """Let the avatar say a text (POST /api/v1/streaming-avatar/speak).

        Args:
            channel: Name of the room.
            text: What it says.
        """

    @call(
        "POST",
        "/api/v1/streaming-avatar/ask",
        anything,
        older=("POST", "/api/v1/streaming-avatar/ask_question", _BY_CLIENTS),
        note="undocumented: no page shows an answer; channel and text as in set-qa-context",
    )
    def ask(self, channel: Channel, text: Said) -> None:
        """Ask the avatar a question, which it answers aloud; gives the service's reply as it is.

        (POST /api/v1/streaming-avatar/ask)

        Args:
            channel: Name of the room.
            text: The question.
        """

    @call(
        "POST",
        "/api/v1/streaming-avatar/talk",
        anything,
        note="undocumented: no page shows its fields; channel and text as in speak",
    )
    def talk(self, channel: Channel, text: Said, *, extra: Extra | None = None) -> None:
        """Talk to the avatar; gives the service's reply as it is (POST /api/v1/streaming-avatar/talk).

        Args:
            channel: Name of the room.
            text: What is said.
            extra: More fields of the body, by the service's own names.
        """

    @call(
        "POST",
        "/api/v1/streaming-avatar/set-qa-context",
        nothing,
        older=("POST", "/api/v1/streaming-avatar/set_qa_context", _BY_CLIENTS),
        note=_PAGES,
    )
    def set_qa_context(self, channel: Channel, text: Annotated[str, rules.text(at_most=5000)]) -> None:
        """Tell the avatar what it should know when it is asked (POST /api/v1/streaming-avatar/set-qa-context).

        Args:
            channel: Name of the room.
            text: What it knows, at most 5,000 characters.
        """

    @call(
        "GET",
        "/api/v1/streaming-avatar/get-qa-context",
        read_context,
        older=("GET", "/api/v1/streaming-avatar/get_qa_context", _BY_CLIENTS),
        note="undocumented: method and channel by analogy with set-qa-context",
    )
    def get_qa_context(self, channel: Channel) -> None:
        """Ask what the avatar knows (GET /api/v1/streaming-avatar/get-qa-context).

        Args:
            channel: Name of the room.
        """

    @call(  # twice does no harm, not at all costs coins
        "POST", "/api/v1/streaming-avatar/leave", nothing, reads=True, note=_PAGES
    )
    def leave(self, channel: Channel) -> None:
        """Leave a room, so that unused seconds are paid back (POST /api/v1/streaming-avatar/leave).

        Args:
            channel: Name of the room.
        """

    async def _leave_anyway(self, channel: str) -> None:
        try:
            await _to_its_end(self.leave(channel))
        except A2EError as error:  # the one that is under way is more important
            _log.warning("the room %s could not be left, it stays charged until it closes: %s", channel, error)


class Room:
    """A room with an avatar, while it is open.

    Args:
        streaming: The calls about rooms.
        token: What an Agora client needs to enter it.
    """

    def __init__(self, streaming: Streaming, token: StreamToken) -> None:
        self.token = token
        self._streaming = streaming

    async def speak(self, text: str) -> None:
        """Let the avatar say a text."""
        await self._streaming.speak(self.token.channel, text)

    async def ask(self, text: str) -> Any:  # noqa: ANN401 - what the service answers is not documented
        """Ask the avatar a question, which it answers aloud."""
        return await self._streaming.ask(self.token.channel, text)

    async def set_qa_context(self, text: str) -> None:
        """Tell the avatar what it should know when it is asked, at most 5,000 characters."""
        await self._streaming.set_qa_context(self.token.channel, text)

    async def get_qa_context(self) -> str:
        """Ask what the avatar knows."""
        return await self._streaming.get_qa_context(self.token.channel)


async def _patiently(ask: Callable[[], Awaitable[T]], wait: float) -> T:
    """Ask until a host is free, or for so many seconds."""
    rules.number(0).refuse("wait", wait)
    now = asyncio.get_running_loop().time
    until, pause = now() + wait, _FIRST_WAIT
    while True:
        try:
            return await ask()
        except ServiceError as error:
            left = until - now()
            if not is_occupied(error) or left <= 0:
                raise
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_WAIT)


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Let a coroutine come to its end although we are cancelled; the cancellation is passed on afterwards."""
    task = asyncio.create_task(work, name="a2e call")
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if (error_of_work := task.exception()) is not None:
            _log.debug("a call that was cancelled failed: %s", error_of_work)
        raise cancelled
    return task.result()
