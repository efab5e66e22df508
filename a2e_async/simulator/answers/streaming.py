"""Calls about streaming avatars: a host for so many seconds, paid at once, the rest paid back on leaving."""

from __future__ import annotations

import math
from typing import Any

from a2e_async.simulator.answers.desk import Asked, Call, Desk
from a2e_async.simulator.chance import digest, number
from a2e_async.simulator.world.messages import RefusedError
from a2e_async.simulator.world.tasks import iso

_OCCUPIED = 1001
_PRICE = 10
_MINUTE = 60
_AVATARS = ("Nora", "Oscar")


def _avatars(_: Desk, __: Asked) -> object:
    return [{"_id": digest("streaming", name) + "00000000", "name": name} for name in _AVATARS]


def _coins(desk: Desk, seconds: float) -> int:
    return desk.world.switches.prices.get("streaming", _PRICE) * math.ceil(seconds / _MINUTE)


def _now_streaming(desk: Desk) -> dict[str, Any] | None:
    stream = next(iter(desk.world.shelf("stream").records()), None)
    return stream if stream and desk.now < stream["expire_epoch_timestamp"] else None


def _token(desk: Desk, asked: Asked) -> object:
    """Give a token for one stream; a second one takes the place of the first."""
    seconds = int(asked.values["expire_seconds"])
    if desk.world.switches.hosts_occupied:
        raise RefusedError("All hosts are occupied, please try again later", status=200, code=_OCCUPIED)
    if _now_streaming(desk):
        _leave(desk, asked)
    coins, until = _coins(desk, seconds), desk.now + seconds
    if coins > desk.world.coins:
        raise RefusedError("Insufficient coins")
    serial = number("stream", desk.now, asked.text("avatar_id"))
    told = {
        "token": "006" + digest("agora", serial),
        "appId": digest("app")[:16],
        "channel": f"channel_{serial % 10**8}",
        "uid": serial % 10**6,
        "expire_epoch_timestamp": int(until),
        "expire_date_UTC": iso(until),
    }
    kept = desk.world.shelf("stream").add({**told, "avatar_id": asked.text("avatar_id")}, desk.now)
    desk.world.account.move(-coins, "streaming", kept["_id"])
    return told


def _leave(desk: Desk, _: Asked) -> object:
    stream = _now_streaming(desk)
    if stream is None:
        return {"refunded": 0}
    left = stream["expire_epoch_timestamp"] - desk.now
    back = desk.world.switches.prices.get("streaming", _PRICE) * int(left // _MINUTE)
    desk.world.account.move(back, "streaming", stream["_id"])
    desk.world.shelf("stream").remove(stream["_id"])
    return {"refunded": back}


def _room(desk: Desk, asked: Asked) -> dict[str, Any]:
    """Give the room that is open now; each call about a room names its channel."""
    stream, channel = _now_streaming(desk), asked.text("channel")
    if stream is None or channel not in ("", stream["channel"]):
        raise RefusedError("The channel does not exist", status=404)
    return stream


def _speak(desk: Desk, asked: Asked) -> object:
    if not asked.text("text"):
        raise RefusedError("text is required")
    return {"channel": _room(desk, asked)["channel"], "text": asked.text("text")}


def _set_context(desk: Desk, asked: Asked) -> object:
    room = _room(desk, asked)
    room["context"] = asked.text("text")
    return {"channel": room["channel"]}


def _context(desk: Desk, asked: Asked) -> object:
    room = _room(desk, asked)
    return {"channel": room["channel"], "text": room.get("context", "")}


_BASE = "/api/v1/streaming-avatar"

CALLS = (
    Call("streaming.avatars", f"GET {_BASE}/all_avatars", _avatars),
    Call("streaming.token", f"POST {_BASE}/agora-token", _token),
    Call("streaming.speak", f"POST {_BASE}/speak", _speak),
    Call("streaming.speak", f"POST {_BASE}/direct-speak", _speak),
    Call("streaming.talk", f"POST {_BASE}/talk", _speak),
    Call("streaming.ask", f"POST {_BASE}/ask", _speak),
    Call("streaming.ask", f"POST {_BASE}/ask_question", _speak),
    Call("streaming.set_context", f"POST {_BASE}/set-qa-context", _set_context),
    Call("streaming.set_context", f"POST {_BASE}/set_qa_context", _set_context),
    Call("streaming.context", f"GET {_BASE}/get-qa-context", _context),
    Call("streaming.context", f"GET {_BASE}/get_qa_context", _context),
    Call("streaming.leave", f"POST {_BASE}/leave", _leave),
)
