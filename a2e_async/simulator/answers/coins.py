"""Calls about the account: coins, diamonds, what they were spent on, tokens and places for uploads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from a2e_async.simulator.answers.desk import Asked, Call, Desk, cut, paging
from a2e_async.simulator.chance import digest
from a2e_async.simulator.world.messages import RefusedError
from a2e_async.simulator.world.tasks import iso

_COINS_OF_A_DIAMOND = 100


def _balance(desk: Desk, _: Asked) -> object:
    return {"coins": desk.world.coins, "diamonds": desk.world.account.diamonds}


def _exchange(desk: Desk, asked: Asked) -> object:
    account, diamonds = desk.world.account, int(asked.values["diamonds"])
    if diamonds * _COINS_OF_A_DIAMOND > account.coins:
        raise RefusedError("Insufficient coins")
    account.diamonds += diamonds
    account.move(-diamonds * _COINS_OF_A_DIAMOND, "diamonds", f"exchange {diamonds}")
    return _balance(desk, asked)


def _history(desk: Desk, asked: Asked) -> object:
    number, size = paging(asked.values, ("pageNum", "pageSize"))
    only = asked.values.get("is_consumption")
    first, last = _moment(asked, "startDate"), _moment(asked, "endDate")
    until = min(desk.now - desk.world.switches.history_lag, last or desk.now)
    moves = [
        move
        for move in reversed(desk.world.book.movements)
        if (first or 0) <= move.at <= until and (only is None or (move.coins < 0 if only else move.coins > 0))
    ]
    rows = [
        {
            "_id": digest(move.task_id, move.at, move.coins) + digest(move.task_id)[-8:],
            "coins": move.coins,
            "type": move.family,
            "task_id": move.task_id,
            "createdAt": iso(move.at),
        }
        for move in cut(moves, number, size)
    ]
    return {"rows": rows, "count": len(moves)}


def _moment(asked: Asked, field: str) -> float | None:
    given = asked.text(field)
    try:
        read = datetime.fromisoformat(given) if given else None
    except ValueError:
        raise RefusedError(f"{field} must be an ISO date-time") from None
    return None if read is None else (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _new_token(desk: Desk, asked: Asked) -> object:
    made = desk.world.shelf("token").add({"alias": asked.text("alias")}, desk.now)
    return {"_id": made["_id"], "token": "sk_" + digest("token", made["_id"])}


def _tokens(desk: Desk, _: Asked) -> object:
    return desk.world.shelf("token").records()


def _forget_token(desk: Desk, asked: Asked) -> object:
    return {"_id": desk.world.shelf("token").remove(asked.given_id)["_id"]}


def _presign(desk: Desk, asked: Asked) -> object:
    where = desk.files.presign(asked.values)
    desk.world.account.move(-desk.world.switches.prices.get("upload", 0), "upload", str(where["key"]))
    return where


def _answered(data: Any) -> Callable[[Desk, Asked], object]:  # noqa: ANN401  # JSON
    return lambda _desk, _asked: data


CALLS = (
    Call("balance", "GET /api/v1/user/remainingCoins", _balance),
    Call("credits.exchange", "POST /api/v1/user/exchangeDiamonds", _exchange),
    Call("history", "GET /api/v1/transactionRecord/creditsHistory", _history),
    Call("tokens.generate", "POST /api/v1/token/generate", _new_token),
    Call("tokens.list", "GET /api/v1/token/list", _tokens),
    Call("tokens.delete", "POST /api/v1/token/delete", _forget_token),
    Call("tokens.login", "POST /api/login/account", _answered({"token": "jwt_simulator"}), is_open=True),
    Call("presign", "POST /api/v1/r2/upload-presigned-url", _presign),
    Call("presign", "POST /api/v1/r2/get_upload_presigned_url", _presign),
)
