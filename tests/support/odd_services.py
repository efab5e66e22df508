"""Ways in which a service may answer oddly once a start was lost: its clocks, names, ids, lists and bodies."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote

import attrs

from a2e_async import TransportError
from a2e_async.simulator.virtual import DirectTransport

EVERYWHERE = ("start", "batch", "detail", "list")
_ENDS = {"/start": "start", "/batchDetail": "batch", "/allRecords": "list"}


def route_of(request):
    """Say what a request asks for."""
    return next((route for end, route in _ENDS.items() if request.path.endswith(end)), "detail")


class Odd(DirectTransport):
    """Carries requests into a simulated service, loses answers to starts, and makes the other answers odd.

    Args:
        app: The simulated service.
        change: What becomes of an answer: told the route, the reply and how many of that route there were.
        lost: The numbers of the starts whose answers are lost.
    """

    def __init__(self, app, change, lost=()):
        super().__init__(app, 0.05)
        self._change = change
        self._lost = lost
        self._seen = dict.fromkeys(EVERYWHERE, 0)

    async def send(self, request, headers):
        """Answer one request."""
        route = route_of(request)
        self._seen[route] += 1
        reply = await super().send(request, headers)
        if route == "start" and self._seen[route] in self._lost:
            raise TransportError("the connection was reset", sent=True)
        return self._change(route, reply, self._seen[route])


def _with(reply, told):
    return attrs.evolve(reply, body=told if isinstance(told, bytes) else json.dumps(told).encode())


def _rows(change, routes=("list",)):
    def each(data):
        if isinstance(data, list):
            return [change(dict(row)) for row in data]
        if isinstance(data, dict) and "_id" in data:
            return change(dict(data))
        return {**data, "rows": each(data["rows"])} if isinstance(data, dict) and "rows" in data else data

    def odd(route, reply, _number):
        if route not in routes or reply.status != 200:
            return reply
        told = json.loads(reply.body)
        return _with(reply, {**told, "data": each(told["data"])})

    return odd


def _names(change, routes=("list",)):
    return _rows(lambda row: {**row, "name": change(row["name"])}, routes)


def _ids(change, routes=("list",)):
    return _rows(lambda row: {**row, "_id": change(row["_id"])}, routes)


def _created(change):
    def moved(row):
        return {**row, "createdAt": change(datetime.fromisoformat(row["createdAt"]))}

    return _rows(moved, EVERYWHERE)


def _lists(change):
    def odd(route, reply, number):
        if route != "list" or reply.status != 200:
            return reply
        told = json.loads(reply.body)
        return _with(reply, {**told, "data": change(told["data"], number)})

    return odd


def _bodies(change, routes):
    return lambda route, reply, _number: _with(reply, change(reply.body)) if route in routes else reply


def _dates(change, routes=EVERYWHERE):
    return lambda route, reply, _number: (
        attrs.evolve(reply, date=change(reply.date)) if route in routes and reply.date else reply
    )


def _by(seconds):
    def moved(date):
        moment = parsedate_to_datetime(date).timestamp() + seconds
        return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)

    return moved


def _refused(status, **headers):
    return lambda route, reply, _number: (
        attrs.evolve(reply, status=status, body=b'{"code": 429}', **headers) if route == "list" else reply
    )


CLOCKS = {
    "no date": _dates(lambda _date: None),
    "a date that is none": _dates(lambda _date: "yesterday"),
    "a date without a zone": _dates(lambda date: date.replace(" GMT", "")),
    "a date of another zone": _dates(lambda date: date.replace("GMT", "EST")),
    "a date before all clocks": _dates(lambda _date: "Mon, 01 Jan 1601 00:00:00 GMT"),
    "a date after all clocks": _dates(lambda _date: "Fri, 31 Dec 9999 23:59:59 GMT"),
    "lists of a cache": _dates(_by(-86_400), ("list",)),
    "lists ten minutes ahead": _dates(_by(600), ("list",)),
    "starts ten minutes ahead": _dates(_by(600), ("start",)),
    "starts three hours behind": _dates(_by(-10_800), ("start",)),
    "all three hours ahead": _dates(_by(10_800)),
    "created in milliseconds": _created(lambda at: int(at.timestamp() * 1000)),
    "created in seconds as text": _created(lambda at: str(int(at.timestamp()))),
    "created on a day": _created(lambda at: at.strftime("%Y-%m-%d")),
    "created eight hours off": _created(lambda at: at.strftime("%Y-%m-%dT16:%M:%S")),
    "created never": _created(lambda _at: None),
    "created before all clocks": _created(lambda _at: -1),
    "created at no number": _created(lambda _at: float("nan")),
    "created as an object": _created(lambda at: {"$date": int(at.timestamp() * 1000)}),
}
NAMES = {
    "backwards": _names(lambda name: name[::-1]),
    "in base64": _names(lambda name: base64.b64encode(name.encode()).decode()),
    "as in a URL": _names(quote),
    "without its mark": _names(lambda name: name.replace("~", "-")),
    "with a mark of full width": _names(lambda name: name.replace("~", "\uff5e")),
    "with more behind it": _names(lambda name: f"{name} (1)"),
    "with a suffix": _names(lambda name: f"{name}.png"),
    "without its last letter": _names(lambda name: name[:-1]),
    "with another letter": _names(lambda name: f"{name[:-1]}c"),
    "cut in the middle": _names(lambda name: f"{name[:6]}\u2026{name[-4:]}"),
    "without its beginning": _names(lambda name: name[-8:]),
    "spaced out": _names(" ".join),
    "as a number": _names(lambda _name: 5),
    "as a list": _names(lambda name: [name]),
    "as an object": _names(lambda name: {"zh": name}),
    "as null": _names(lambda _name: None),
    "the prompt": _names(lambda _name: "a red kite"),
    "elsewhere": _rows(lambda row: {**{key: row[key] for key in row if key != "name"}, "title": row["name"]}),
    "in start alone": _names(lambda _name: "x", ("start",)),
}
IDS = {
    "null": _ids(lambda _id: None),
    "an object": _ids(lambda task_id: {"$oid": task_id}),
    "a number": _ids(lambda task_id: int(task_id, 16)),
    "a number everywhere": _ids(lambda task_id: int(task_id, 16) % 2**53, EVERYWHERE),
    "none": _rows(lambda row: {key: row[key] for key in row if key != "_id"}),
    "under another key": _rows(lambda row: {"taskId": row["_id"], **{key: row[key] for key in row if key != "_id"}}),
    "one for all": _ids(lambda _id: "f" * 24),
    "empty": _ids(lambda _id: ""),
}
LISTS = {
    "empty": _lists(lambda _data, _number: {"rows": [], "count": 0}),
    "empty each other time": _lists(lambda data, number: data if number % 2 else {"rows": [], "count": 0}),
    "bare": _lists(lambda _data, _number: []),
    "null": _lists(lambda _data, _number: None),
    "words": _lists(lambda _data, _number: "no tasks"),
    "one row of many": _lists(lambda data, _number: {**data, "rows": data["rows"][1:2]}),
    "finished tasks alone": _lists(
        lambda data, _number: {**data, "rows": [row for row in data["rows"] if row["current_status"] == "completed"]}
    ),
    "each row twice": _lists(lambda data, _number: {**data, "rows": [row for row in data["rows"] for _ in (0, 1)]}),
    "with a null": _lists(lambda data, _number: {**data, "rows": [*data["rows"], None]}),
    "an object of rows": _lists(
        lambda data, _number: {**data, "rows": {str(n): r for n, r in enumerate(data["rows"])}}
    ),
    "a count below 0": _lists(lambda data, _number: {**data, "count": -1}),
    "a count without end": _lists(lambda data, _number: {**data, "count": 10**6}),
    "refused for a day": _refused(429, retry_after="86400"),
    "refused until before": _refused(429, retry_after="-3"),
    "refused until a date": _refused(503, retry_after="Fri, 31 Dec 9999 23:59:59 GMT"),
}
BODIES = {
    "a page for a list": _bodies(lambda _body: b"<html>please wait</html>", ("list",)),
    "a mark in front": _bodies(lambda body: b"\xef\xbb\xbf" + body, EVERYWHERE),
    "UTF-16": _bodies(lambda body: body.decode().encode("utf-16"), EVERYWHERE),
    "two at once": _bodies(lambda body: body + b"\n" + body, EVERYWHERE),
    "two codes, the first one bad": _bodies(lambda body: b'{"code": 1,' + body.lstrip()[1:], EVERYWHERE),
    "two codes, the last one bad": _bodies(lambda body: body.rstrip()[:-1] + b', "code": 500}', ("list",)),
}
ODD = {
    f"{group}: {name}": change
    for group, changes in {"clocks": CLOCKS, "names": NAMES, "ids": IDS, "lists": LISTS, "bodies": BODIES}.items()
    for name, change in changes.items()
}
