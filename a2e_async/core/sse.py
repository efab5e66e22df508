"""Server-sent events: pieces of bytes in, messages out. Pure, like all of this package."""

from __future__ import annotations

import codecs
import re

import attrs

from a2e_async.errors import ProtocolError

_LINE_END = re.compile(r"\r\n|\n|\r")
_LONGEST = 4 * 2**20


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
    """Reads messages from the pieces of a stream, wherever these are cut."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._event = ""
        self._data: list[str] = []

    def feed(self, piece: bytes, *, last: bool = False) -> list[Message]:
        """Take the next piece and give the messages that are complete by now.

        Args:
            piece: The bytes that have come.
            last: Whether nothing comes after them; then a message without the empty line at its end is complete too.

        Raises:
            ProtocolError: A line or a message is longer than 4 MiB.
        """
        text = self._rest + self._decoder.decode(piece, last) + ("\n\n" if last else "")
        held_back = "" if last or not text.endswith("\r") else "\r"  # half a line end, perhaps
        *lines, rest = _LINE_END.split(text[: len(text) - len(held_back)])
        self._rest = rest + held_back
        found = [message for line in lines if (message := self._take(line)) is not None]
        if len(self._rest) + sum(map(len, self._data)) > _LONGEST:
            raise ProtocolError("an event of the stream is longer than 4 MiB")
        return found

    def _take(self, line: str) -> Message | None:
        if not line:
            event, data, self._event, self._data = self._event, self._data, "", []
            return Message(event or "message", "\n".join(data)) if data else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        return None
