"""Reading replies: bytes in, data or one of our errors out.

The status decides before the body: 3xx and 4xx are refusals whatever the body says. A 200 can be an error too
(`code` not 0, `success: false`), and any status can come with HTML, cut JSON or `data: null` (service.md 0.2 to 0.4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from a2e_async.core import refusals
from a2e_async.core.http import HttpReply
from a2e_async.core.patterns import late
from a2e_async.core.secrets import hide_secrets
from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    InsufficientCoinsError,
    ModerationError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RejectedRequestError,
    ServiceError,
)

_DECODER = json.JSONDecoder()
_EXCERPT = 200
_LONGEST_TRACE = 100
_PLAIN_TRACE = late(r"[0-9a-fA-F-]{1,100}")
"""What most trace ids are: no secret can be written with these signs, and every reply has such an id."""

_FULL = late(r"(?<!rate )\b(?:limit|quota)\b", re.IGNORECASE)
_ENVELOPE_KEYS = frozenset({"code", "data", "msg", "message", "error", "success"})
_ANSWER_KEYS = frozenset({"code", "data", "success"})
_OWN_KEYS = frozenset({"code", "data", "msg", "success", "trace_id"})
LIST_KEYS = ("rows", "list", "data", "records")

_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_UNAUTHORIZED, _PAYMENT, _FORBIDDEN, _NOT_FOUND, _NO_METHOD, _TOO_MANY, _BUSY = 401, 402, 403, 404, 405, 429, 503
_BLOCKED = frozenset({_UNAUTHORIZED, _FORBIDDEN})
_ROUTERS_WORDS = late(rb"Cannot [A-Z]+\b")
"""How the service's own router refuses a path. A gateway may answer a start with its own 404 after the work."""
_MINOR_BLOCKED, _MINOR_SUSPECTED = 1003, 1004


def read(reply: HttpReply, *, start: bool = False, asked: object = None) -> Any:  # noqa: ANN401 - any JSON shape, see the functions below
    """Give the `data` of a reply.

    Args:
        reply: The reply.
        start: Whether it answers a start. A 200 that holds no task and speaks of NSFW content is then a refusal by
            moderation (reference: userNanoBanana/start, userGptImage/start, userFlux2/start).
        asked: The body of its request. A refusal may say a prompt back, so words of the request are none of the
            service's: a prompt about "not enough coins" says nothing about the account.

    Raises:
        ServiceError: The service said no, by status, by `code` or by `success`.
        ProtocolError: The reply is not the service's JSON.
    """
    body = _parse(reply.body)
    if not isinstance(body, dict) or not _is_own(reply.status, body):
        if reply.status in _OK:
            raise nonsense(reply, "the reply is not the service's JSON")
        error = _error(reply, {}, no_route=reply.status in (_NOT_FOUND, _NO_METHOD), page=True)
        if isinstance(error, ServiceError) and start and not _ROUTERS_WORDS().search(reply.body):
            error.no_route = False
        raise error
    refused = reply.status not in _OK or refusals.refuses(body)
    if start and refused and reply.status in _OK and _has_task(body.get("data")):
        raise nonsense(reply, "the reply says no and names a task")  # it may have been paid for: look for it
    blocked = start and (refused or not _has_task(body.get("data"))) and refusals.is_unseemly(body)
    if refused or blocked:
        raise _error(reply, body, blocked=blocked, asked=asked)
    if _ANSWER_KEYS.isdisjoint(body):
        raise nonsense(reply, "the reply says neither yes nor no")
    return _traced(body.get("data"), body.get("trace_id"))


def _is_own(status: int, body: Mapping[str, Any]) -> bool:
    """Whether this JSON is the service's own; gateways refuse with a bare `message` or `error`, too."""
    return not (_OWN_KEYS if status in _BLOCKED else _ENVELOPE_KEYS).isdisjoint(body)


def nonsense(reply: HttpReply, what: str) -> ProtocolError:
    """Build the error for a reply that cannot be read."""
    excerpt = hide_secrets(reply.body[: 4 * _EXCERPT].decode("utf-8", "replace"))[:_EXCERPT]
    return ProtocolError(f"{what} (HTTP {reply.status}): {excerpt!r}", status=reply.status, excerpt=excerpt)


def rows_of(data: object) -> list[dict[str, Any]]:
    """Give the task rows in `data`, whichever of its shapes it has (service.md 0.3)."""
    if isinstance(data, dict) and row_id(data):
        return [data]
    while isinstance(data, dict) and not row_id(data):
        data = next((data[key] for key in LIST_KEYS if isinstance(data.get(key), list | dict)), None)
    rows = data if isinstance(data, list) else [data]
    return [row for row in rows if type(row) is dict]  # JSON has no others, and a poll asks this of each of its rows


def rows_by_id(data: object, is_over: Callable[[Mapping[str, Any]], bool]) -> dict[str, dict[str, Any]]:
    """Give the task rows in `data` by their ids, those without one under "".

    Args:
        data: What was answered.
        is_over: Whether a row tells that its task has ended: of two rows of one task that counts, whichever is first,
            for nothing comes after it.
    """
    rows = rows_of(data)
    found = {row_id(row): row for row in rows}
    if len(found) < len(rows):
        found |= {row_id(row): row for row in rows if is_over(row)}
    return found


def _has_task(data: object) -> bool:
    return bool(row_id(data) if isinstance(data, dict) else "") or any(map(row_id, rows_of(data)))


def is_list(data: object) -> bool:
    """Whether `data` is a list of task rows, be it empty, and no other shape that holds no rows."""
    return isinstance(data, list) or (
        isinstance(data, dict) and any(isinstance(data.get(key), list) for key in LIST_KEYS)
    )


def row_id(row: Mapping[str, Any]) -> str:
    """Give the id of a row, "" when it has none."""
    task_id = row.get("_id")
    if type(task_id) is str and task_id:  # the quickest way to ask, of every row of every answer
        return task_id
    task_id = row.get("id")
    return task_id if isinstance(task_id, str) else ""


def retry_after(header: str | None, date: str | None) -> float | None:
    """Read Retry-After in seconds, from its number or its date (counted from the header Date)."""
    if not header:
        return None
    try:
        return max(0.0, float(header)) if float(header) < float("inf") else None
    except ValueError:
        pass
    until, now = http_date(header), http_date(date)
    return max(0.0, until - now) if until is not None and now is not None else None


def http_date(header: str | None) -> float | None:
    """Read an HTTP date as seconds since 1970, None when it is none; nobody's clock shows a time before that."""
    try:
        moment = parsedate_to_datetime(header).timestamp() if header else None
    except (ValueError, OverflowError):
        return None
    return moment if moment is not None and moment >= 0 else None


def _parse(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        text = body.decode()
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError, MemoryError):
        return _parse_slowly(body)
    return value if end == len(text) else _parse_slowly(body)


def _parse_slowly(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read what has white space round it or another encoding, as hardly any has; None when it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError, MemoryError):
        return None


def _traced(data: Any, trace: object) -> Any:  # noqa: ANN401 - any JSON shape
    """Write the reply's `trace_id` into each task row, the way to its record: the envelope ends here."""
    if isinstance(trace, str) and trace:
        told = trace if _PLAIN_TRACE().fullmatch(trace) else hide_secrets(trace[:_LONGEST_TRACE])
        for row in rows_of(data):
            if "trace_id" not in row and (row.get("_id") or row_id(row)):
                row["trace_id"] = told
    return data


def _error(
    reply: HttpReply,
    body: Mapping[str, Any],
    *,
    no_route: bool = False,
    page: bool = False,
    blocked: bool = False,
    asked: object = None,
) -> A2EError:
    code, said = refusals.code_of(body), hide_secrets(refusals.words_of(body))
    code = hide_secrets(code) if isinstance(code, str) else code
    meant = code if reply.status in _OK and isinstance(code, int) else reply.status
    kind = _kind(meant, code, f"{said} {code.replace('_', ' ')}" if isinstance(code, str) else said, asked)
    if page and reply.status in _BLOCKED:
        kind, said = RejectedRequestError, "blocked by a gateway or a firewall, not by the service"
    if blocked and kind is RejectedRequestError:
        kind, said = ModerationError, hide_secrets(refusals.unseemly_words(body))
    trace = body.get("trace_id")
    facts: dict[str, Any] = {
        "status": reply.status,
        "code": code or None,
        "trace_id": hide_secrets(trace[:_LONGEST_TRACE]) if isinstance(trace, str) else None,
        "retry_after": retry_after(reply.retry_after, reply.date),
    }
    if reply.status == _BUSY and not page and _OWN_KEYS.isdisjoint(body):
        facts["retry_after"] = None  # a start would be sent again for it, and gateways say it of a start that was taken
    if kind is ModerationError:
        facts["skippable"] = code == _MINOR_SUSPECTED
    if page:
        facts["page"] = True
    if no_route:
        facts["no_route"] = True
        said = "the service knows no such route (check base_url)"
    if reply.status in _REDIRECTS and not said:
        said = "the service answered with a redirect, which is never followed (check base_url)"
    said = said or _WORDS.get(kind, "the service answered with an error")
    return kind(said, **facts)


_WORDS: dict[type[ServiceError], str] = {
    AuthenticationError: "the token was refused",
    InsufficientCoinsError: "the account holds too few coins",
    RateLimitedError: "too many requests",
    RejectedRequestError: "the service refused the request",
    NotFoundError: "the service does not know this task",
}


def _kind(status: int, code: int | str | None, said: str, asked: object) -> type[ServiceError]:
    if code in (_MINOR_BLOCKED, _MINOR_SUSPECTED):
        return ModerationError
    if status in (_UNAUTHORIZED, _FORBIDDEN):  # userVoice/training answers 403 when there are too many voices
        return RejectedRequestError if status == _FORBIDDEN and _FULL().search(said) else AuthenticationError
    if status == _PAYMENT or (not 500 <= status < 600 and _is_poor(said, asked)):  # noqa: PLR2004 - the 5xx
        return InsufficientCoinsError
    if status == _NOT_FOUND:
        return NotFoundError
    if status == _TOO_MANY:
        return RateLimitedError
    return ServiceError if status == 408 or 500 <= status < 600 else RejectedRequestError  # noqa: PLR2004 - unclear ones


def _is_poor(said: str, asked: object) -> bool:
    """Whether a refusal speaks of too few coins in words of its own, none of which it may have from the request."""
    found = [[part.lower() for part in match.groups() if part] for match in refusals.POOR().finditer(said)]
    if not found:
        return False
    ours = " ".join(" ".join(_strings(asked)).lower().split())
    return any(all(part not in ours for part in parts) for parts in found)


def _strings(value: object) -> Iterator[str]:
    """Give every text of a request's body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
