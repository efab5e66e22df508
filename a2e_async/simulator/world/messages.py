"""A request, a reply and a refusal, without any network under them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, Literal, TypeAlias

import attrs

from a2e_async.simulator.media.specs import Media
from a2e_async.simulator.world.faults import Fault

Fate: TypeAlias = Literal["answer", "reset", "stall", "cut", "hang"]

_HALF = re.compile("[\ud800-\udfff]")
_NO_HEADERS: Mapping[str, str] = {}


class RefusedError(Exception):
    """The service says no.

    Args:
        message: Why.
        status: The HTTP status.
        code: The code in the body; the HTTP status by default.
    """

    def __init__(self, message: str, *, status: int = 400, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = status if code is None else code


@attrs.frozen
class SimRequest:
    """What a caller sent.

    Attributes:
        method: The HTTP method, upper case.
        path: The path, decoded, without the query.
        query: The query's parameters.
        headers: The headers, names in lower case.
        body: The body.
    """

    method: str
    path: str
    query: Mapping[str, str] = _NO_HEADERS
    headers: Mapping[str, str] = _NO_HEADERS
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object.

        Raises:
            RefusedError: It is none.
        """
        try:
            value = json.loads(self.body or b"{}", parse_constant=_refuse_constant)
            if _HALF.search(text := json.dumps(value, ensure_ascii=False)):  # a service keeps a replacement mark of it
                value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        except (ValueError, RecursionError) as bad:
            raise RefusedError("Unexpected token in JSON") from bad
        if not isinstance(value, dict):
            raise RefusedError("The request body must be a JSON object")
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@attrs.frozen
class Said:
    """An answer that is more than its `data`.

    Attributes:
        data: The data.
        status: The HTTP status.
        words: What stands in `msg` beside the data, "" for nothing.
        pieces: Server-sent events to answer with instead, each with the simulated seconds to wait before it.
    """

    data: object
    status: int = 200
    words: str = ""
    pieces: tuple[tuple[float, bytes], ...] = ()


@attrs.frozen(kw_only=True)
class SimReply:
    """What the service answers.

    Attributes:
        status: The HTTP status.
        headers: The headers, `Content-Type` always among them.
        body: The bytes to send.
        fate: What becomes of it: answered; "reset" and "stall" send nothing at all; "cut" sends the body and then
            closes although `Content-Length` promised more; "hang" sends the body and then falls silent.
        delay: How many simulated seconds to wait before.
        media: The file to serve; whoever carries the reply has it rendered and asks `App.finish` for the rest.
        made: When that file was made.
        spoilt: A fault that waits for that file.
        pieces: The body in the pieces in which it is sent, each with the simulated seconds to wait before it; none
            for a body that is sent at once.
    """

    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    fate: Fate = "answer"
    delay: float = 0.0
    media: Media | None = None
    made: float = 0.0
    spoilt: Fault | None = None
    pieces: tuple[tuple[float, bytes], ...] = ()


def stream_reply(pieces: tuple[tuple[float, bytes], ...]) -> SimReply:
    """Give a reply of server-sent events that come bit by bit."""
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    return SimReply(headers=headers, body=b"".join(piece for _, piece in pieces), pieces=pieces)


def json_reply(value: object, status: int = 200) -> SimReply:
    """Give a JSON reply."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    return SimReply(status=status, headers={"Content-Type": "application/json; charset=utf-8"}, body=body)


def html_reply(text: str, status: int = 200) -> SimReply:
    """Give a page of HTML, as servers do that were not asked for one."""
    page = f"<!DOCTYPE html>\n<html><head><title>{text}</title></head><body><pre>{text}</pre></body></html>\n"
    return SimReply(status=status, headers={"Content-Type": "text/html; charset=utf-8"}, body=page.encode())


def xml_reply(code: str, message: str, status: int) -> SimReply:
    """Give an error as file hosts write it."""
    page = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return SimReply(status=status, headers={"Content-Type": "application/xml"}, body=page.encode())


def http_date(at: float) -> str:
    """Write a time as HTTP headers do."""
    return formatdate(at, usegmt=True)
