"""What a fault makes of a reply."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs

from a2e_async.simulator.world.faults import OF_FILES, Fault
from a2e_async.simulator.world.messages import Fate, SimReply, html_reply, json_reply

STATUS_FIELDS = frozenset({"current_status", "status"})

_WORDS = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}


def spoilt(reply: SimReply, fault: Fault, method: str, path: str) -> SimReply:
    """Give the reply that a client sees in place of the right one.

    Args:
        reply: The right answer, or an empty one when the fault strikes before the work.
        fault: What goes wrong.
        method: The request's method.
        path: The request's path.
    """
    details = fault.details
    if fault.kind in OF_FILES:
        bad = broken_off(reply, fault) if reply.media is None else attrs.evolve(reply, spoilt=fault)
    elif fault.kind == "no_route":
        bad = html_reply(f"Cannot {method} {path}", 404)
    else:
        bad = _MAKERS[fault.kind](reply, dict(details))
    delay = float(details.get("delay", details.get("seconds", 0.0)))
    return attrs.evolve(bad, delay=bad.delay + delay)


def broken_off(reply: SimReply, fault: Fault) -> SimReply:
    """Give a reply whose body is promised whole and sent in part; any other fault leaves it as it is."""
    fates: dict[str, Fate] = {"cut_body": "cut", "stall_body": "hang"}
    if fault.kind not in fates:
        return reply
    after = int(fault.details.get("after", len(reply.body) // 2))
    promised = {**reply.headers, "Content-Length": str(len(reply.body))}
    return attrs.evolve(reply, headers=promised, body=reply.body[:after], fate=fates[fault.kind])


def _fate(fate: Fate) -> Callable[[SimReply, dict[str, Any]], SimReply]:
    return lambda _, __: SimReply(fate=fate)


def _status(_: SimReply, details: dict[str, Any]) -> SimReply:
    status = int(details.get("status", 500))
    message = str(details.get("message", _WORDS.get(status, "Internal Server Error")))
    if details.get("body") == "html":
        reply = html_reply(f"{status} {message}", status)
    else:
        reply = json_reply({"code": details.get("code", status), "message": message}, status)
    if "retry_after" in details:
        reply.headers["Retry-After"] = str(details["retry_after"])
    return reply


def _code(_: SimReply, details: dict[str, Any]) -> SimReply:
    key = str(details.get("key", "msg"))
    return json_reply({"code": details.get("code", 500), key: details.get("message", "Internal error")})


def _redirect(_: SimReply, details: dict[str, Any]) -> SimReply:
    reply = html_reply("Found", int(details.get("status", 302)))
    reply.headers["Location"] = str(details.get("location", "/elsewhere"))
    return reply


def _cut(reply: SimReply, _: dict[str, Any]) -> SimReply:
    return attrs.evolve(reply, body=reply.body[: len(reply.body) // 2], pieces=())


def _other_status(reply: SimReply, details: dict[str, Any]) -> SimReply:
    word = details.get("status", "percolating")
    return _rewritten(reply, lambda value: _with_status(value, word))


def _without_one(reply: SimReply, details: dict[str, Any]) -> SimReply:
    def drop(value: Any) -> Any:  # noqa: ANN401  # JSON
        rows = value.get("data") if isinstance(value, dict) else None
        if not isinstance(rows, list) or not rows:
            return value
        gone = details.get("id", rows[0].get("_id"))
        return {**value, "data": [row for row in rows if row.get("_id") != gone]}

    return _rewritten(reply, drop)


def _rewritten(reply: SimReply, change: Callable[[Any], Any]) -> SimReply:
    try:
        value = json.loads(reply.body)
    except ValueError:
        return reply
    return attrs.evolve(reply, body=json_reply(change(value)).body)


def _with_status(value: Any, word: str) -> Any:  # noqa: ANN401  # JSON
    if isinstance(value, list):
        return [_with_status(one, word) for one in value]
    if isinstance(value, dict):
        return {key: word if key in STATUS_FIELDS else _with_status(one, word) for key, one in value.items()}
    return value


_MAKERS: dict[str, Callable[[SimReply, dict[str, Any]], SimReply]] = {
    "reset": _fate("reset"),
    "stall": _fate("stall"),
    "delay": lambda reply, _: reply,
    "status": _status,
    "poison": lambda reply, details: _status(reply, {"status": 400, "message": "Bad id in ids", **details}),
    "html": lambda _, details: html_reply(str(details.get("text", "Please sign in")), int(details.get("status", 200))),
    "null": lambda _, __: json_reply({"code": 0, "data": None}),
    "empty": lambda _, details: SimReply(
        status=int(details.get("status", 200)), headers={"Content-Type": "application/json"}
    ),
    "code": _code,
    "success_false": lambda _, details: json_reply(
        {"success": False, "message": details.get("message", "The operation failed")}
    ),
    "redirect": _redirect,
    "cut_json": _cut,
    "unknown_status": _other_status,
    "missing_id": _without_one,
}
