"""A service whose lists lie and whose clocks differ, in front of a simulated one."""

from __future__ import annotations

import json
import random
from email.utils import formatdate, parsedate_to_datetime

import attrs

from a2e_async.simulator.virtual import DirectTransport


def _empty(data, _dice):
    return {**data, "rows": [], "count": 0}


def _contradicting(data, _dice):
    return {**data, "rows": [], "count": max(1, len(data["rows"]))}


def _shuffled(data, dice):
    return {**data, "rows": dice.sample(data["rows"], len(data["rows"]))}


def _oldest_first(data, _dice):
    return {**data, "rows": data["rows"][::-1]}


def _renamed(change):
    return lambda data, dice: {**data, "rows": [{**row, "name": change(row["name"], dice)} for row in data["rows"]]}


def _with_ids(change):
    return lambda data, _dice: {**data, "rows": [{**row, "_id": change(row["_id"])} for row in data["rows"]]}


LIES = {
    "empty": _empty,
    "contradicting": _contradicting,
    "shuffled": _shuffled,
    "oldest first": _oldest_first,
    "masked": _renamed(lambda name, _dice: name[:2] + "*" * len(name[2:])),
    "retitled": _renamed(lambda _name, dice: f"Untitled {dice.randrange(100)}"),
    "upper case": _renamed(lambda name, _dice: name.upper()),
    "another tag": _renamed(lambda name, dice: name[:-4] + dice.choice("pqrs") + name[-3:]),
    "number ids": _with_ids(lambda task_id: int(task_id, 16) % 2**53),
    "object ids": _with_ids(lambda task_id: {"$oid": task_id}),
}
"""What becomes of a page of a list."""


@attrs.frozen
class Lie:
    """One way in which lists lie: for so many answers, after so many true ones."""

    kind: str
    skip: int
    hits: int


class Lying(DirectTransport):
    """Carries requests into a simulated service, and changes what comes back.

    Args:
        app: The simulated service.
        lies: How its lists lie.
        ahead: Seconds by which the header Date is ahead of `createdAt`.
    """

    def __init__(self, app, lies=(), ahead=0.0):
        super().__init__(app, 0.05)
        self._ahead = ahead
        self._lies = lies
        self._lists = 0
        self._dice = random.Random(0)

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if self._ahead and reply.date:
            moment = parsedate_to_datetime(reply.date).timestamp() + self._ahead
            reply = attrs.evolve(reply, date=formatdate(moment, usegmt=True))
        if not request.path.endswith("/allRecords"):
            return reply
        self._lists += 1
        for lie in self._lies:
            if lie.skip < self._lists <= lie.skip + lie.hits:
                reply = attrs.evolve(reply, body=self._changed(reply.body, LIES[lie.kind]))
        return reply

    def _changed(self, body, lie):
        try:
            whole = json.loads(body)
            return json.dumps({**whole, "data": lie(whole["data"], self._dice)}).encode()
        except (ValueError, TypeError, KeyError):  # the list answered with an error, or is changed already
            return body
