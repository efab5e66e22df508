"""How an answer is wrapped: as the reference declares it for an endpoint, or as older pages and clients have it.

`declared.json` names the endpoints whose yes is {success, data, timestamp}, and the statuses whose no is
{success, error, code, timestamp} with `code` as a text. All else is {code, data} and {code, message}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from a2e_async.simulator.answers.routes import Route
from a2e_async.simulator.world.messages import RefusedError, Said
from a2e_async.simulator.world.switches import Switches
from a2e_async.simulator.world.tasks import iso

_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    402: "INSUFFICIENT_CREDITS",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
}
"""Words of the official `code`; which there are is not documented, these are a guess."""


@cache
def _declared() -> tuple[frozenset[str], Mapping[int, frozenset[str]]]:
    told = json.loads((files(__name__.rpartition(".")[0]) / "declared.json").read_text("utf-8"))
    return frozenset(told["success"]), {int(status): frozenset(names) for status, names in told["errors"].items()}


def yes(route: Route, said: Said, switches: Switches, now: float) -> dict[str, Any]:
    """Wrap an answer."""
    how = switches.envelopes
    if how == "success" or (how == "declared" and route.endpoint in _declared()[0]):
        return {"success": True, "data": said.data, "timestamp": iso(now)}
    return {"code": 0, "data": said.data, **({"msg": said.words} if said.words else {})}


def no(route: Route, refused: RefusedError, switches: Switches, now: float, *, denies: bool) -> dict[str, Any]:
    """Wrap a refusal.

    Args:
        route: What was asked.
        refused: The refusal.
        switches: How refusals are written.
        now: The time.
        denies: The family's older form says `success: false` and no code.
    """
    how, status = switches.refusals, refused.status
    if how == "official" or (how == "declared" and route.endpoint in _declared()[1].get(status, frozenset())):
        code = _CODES.get(status) if refused.code == status else str(refused.code)
        return {"success": False, "error": str(refused), **({"code": code} if code else {}), "timestamp": iso(now)}
    told = {"success": False} if denies else {"code": refused.code}
    if how == "reasons" and status == 400:  # noqa: PLR2004  # details of what is wrong, as one client saw them
        field = str(refused).partition(" ")[0]
        return {**told, "msg": "Validation error", "errors": [{"path": field, "msg": str(refused)}]}
    return {**told, switches.error_key: str(refused)}
