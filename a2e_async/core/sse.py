"""Server-sent events: pieces of bytes in, messages out. Pure, like all of this package."""

from __future__ import annotations

import codecs

import attrs

from a2e_async.core.patterns import late
from a2e_async.errors import ProtocolError

_LINE_END = late(r"\r\n|\n|\r")
_LONGEST = 4 * 2**20
_LINE = 8  # what a kept line costs beside its text, so that a million empty ones count too
_LONGEST_NAME = 1024


@attrs.frozen
class Message:
    """One server-sent event.

    Attributes:
        event: Its name, "message" where the service gives none.
        data: Its text; several lines are joined by line ends.
    """

    event: str
    data: str


class Messages:
    """Reads messages from the pieces of a stream, wherever these are cut; the time it takes grows with the bytes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._line: list[str] = []  # a line whose end has not come, in pieces: joined each time it would cost squares
        self._after_return = False  # whether a line feed that comes next is the other half of a line end
        self._event = ""
        self._data: list[str] = []
        self._held = 0

    def feed(self, piece: bytes, *, last: bool = False) -> list[Message]:
        """Take the next piece and give the messages that are complete by now.

        Args:
            piece: The bytes that have come.
            last: Whether nothing comes after them; then a message without the empty line at its end is complete too.

        Raises:
            ProtocolError: A line or a message is longer than 4 MiB, or the name of one than 1,024 characters.
        """
        text = self._decoder.decode(piece, last) + ("\n\n" if last else "")
        if not text:
            return []
        begin = 1 if self._after_return and text[0] == "\n" else 0
        self._after_return = text[-1] == "\r"
        *lines, rest = _LINE_END().split(text[begin:])
        found: list[Message] = []
        for line in lines:
            self._hold(line)
            whole, self._line = "".join(self._line), []
            self._held -= len(whole)
            if (message := self._take(whole)) is not None:
                found.append(message)
        self._hold(rest)
        return found

    def _hold(self, text: str) -> None:
        if text:
            self._line.append(text)
            self._count(len(text))

    def _count(self, size: int) -> None:
        self._held += size
        if self._held > _LONGEST:
            raise ProtocolError("an event of the stream is longer than 4 MiB")

    def _take(self, line: str) -> Message | None:
        if not line:
            event, data, self._event, self._data, self._held = self._event, self._data, "", [], 0
            return Message(event or "message", "\n".join(data)) if data else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            if len(value) > _LONGEST_NAME:
                raise ProtocolError(f"the name of an event of the stream is longer than {_LONGEST_NAME} characters")
            self._event = value
        elif name == "data":
            self._data.append(value)
            self._count(len(value) + _LINE)
        return None
