"""Webhooks, without any framework: a request's headers and body in, what to answer and whom to look at out.

    1  the token is compared, in constant time, before anything else is done
    2  a body above the limit is refused before it is read, or as soon as it is too long
    3  the payload is documented nowhere, so task ids are looked for wherever one may stand, and NOTHING else in it is
       believed: an id only makes the poller look, and what the poll says is the truth

So a webhook that is repeated, late, out of order, wrong or forged costs at most one poll.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from a2e_async.core import rules
from a2e_async.core.misuse import speak_of_fields

TOKEN_HEADER: Final = b"x-a2e-webhook-token"
LIMIT: Final = 64 * 1024
"""Largest body in bytes that is read; a record has about 1 KiB."""

_ID = re.compile(r"[0-9a-fA-F]{24}")
_ID_KEYS = ("_id", "id", "task_id", "taskId", "taskID")
_INNER_KEYS = ("data", "task", "record", "records", "rows", "result", "payload", "detail", "body", "object", "event")
_DEPTH = 4
_MOST_IDS = 100

NO_CONTENT, BAD, UNAUTHORIZED, NO_METHOD, TOO_SLOW, TOO_LARGE, UNSUPPORTED, UNAVAILABLE = (
    204, 400, 401, 405, 408, 413, 415, 503,
)  # fmt: skip

Headers = Iterable[tuple[bytes, bytes]]


@attrs.frozen
class Receipt:
    """What came of a webhook.

    Attributes:
        status: The HTTP status to answer with: 204 taken, 400 no task named, 401 token wrong or missing, 413 too large,
            415 packed (gzip and the like).
        task_ids: The tasks to look at, usually one.
    """

    status: int
    task_ids: tuple[str, ...] = ()


@attrs.frozen
class Gate:
    """Decides which webhooks to take; a value that every adapter shares.

    Args:
        token: The secret that each webhook must carry.
        limit: Largest body in bytes.
    """

    token: str = attrs.field(repr=False, validator=rules.header(at_most=256))
    limit: int = attrs.field(default=LIMIT, validator=rules.whole(1))

    def refusal(self, headers: Headers) -> int | None:
        """Give the status with which a request is refused by its headers alone, None when its body may be read."""
        given = [(name.lower(), value.strip()) for name, value in headers]
        tokens = [value for name, value in given if name == TOKEN_HEADER]
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self.token.encode()):
            return UNAUTHORIZED
        if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in given):
            return UNSUPPORTED  # the service sends plain JSON; what is packed can hold a thousand times its size
        lengths = [value for name, value in given if name == b"content-length"]
        if any(
            not value.isdigit() or len(value) > len(str(self.limit)) or int(value) > self.limit for value in lengths
        ):
            return TOO_LARGE
        return None

    def receipt(self, headers: Headers, body: bytes) -> Receipt:
        """Judge a whole request.

        Args:
            headers: Its headers as they came, as pairs of bytes.
            body: Its body as it came.
        """
        refused = self.refusal(headers)
        if refused is None and len(body) > self.limit:
            refused = TOO_LARGE
        return self.read(body) if refused is None else Receipt(refused)

    @staticmethod
    def read(body: bytes) -> Receipt:
        """Find the tasks in a body that has passed the checks."""
        task_ids = find_task_ids(body)
        return Receipt(NO_CONTENT if task_ids else BAD, task_ids)


speak_of_fields(Gate)


def find_task_ids(body: bytes) -> tuple[str, ...]:
    """Give what may be ids of tasks in a payload, the likeliest first; nothing when it is no JSON or names none."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    found: dict[str, None] = {}
    level: list[Any] = [payload]
    for _ in range(_DEPTH):
        for node in level:
            found |= dict.fromkeys(_ids_of(node))
        level = [inner for node in level for inner in _inside(node)]
    return tuple(found)[:_MOST_IDS]


def _ids_of(node: object) -> Iterator[str]:
    values = [node.get(key) for key in _ID_KEYS] if isinstance(node, dict) else [node]
    for value in values:
        if isinstance(value, str) and _ID.fullmatch(value):
            yield value


def _inside(node: object) -> Iterable[Any]:
    if isinstance(node, dict):
        return [node[key] for key in _INNER_KEYS if key in node]
    return node[:_MOST_IDS] if isinstance(node, list) else []
