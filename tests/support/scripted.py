"""A transport whose replies are written down: each request takes the next one."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import attrs
from virtual_time import play_out

from a2e_async import A2EClient, Retry
from a2e_async.core.http import HttpReply, HttpStream

TOKEN = "sk_hunter2-hunter2.hunter2"
NO_ROUTE = HttpReply(status=404, body=b"<!doctype html><pre>Cannot GET</pre>")


def yes(data=None):
    """Make a reply that says yes."""
    return HttpReply(status=200, body=json.dumps({"code": 0, "data": data}).encode())


def no(status, code=None, message="no", **headers):
    """Make a reply that says no."""
    return HttpReply(status=status, body=json.dumps({"code": code or status, "msg": message}).encode(), **headers)


class Scripted:
    """Answers requests with these replies in turn, the last one for ever; an error is raised, a list comes in pieces.

    Attributes:
        sent: The requests that came.
        pause: Seconds before each reply.
        closed: How many streams were closed.
    """

    def __init__(self, *replies, pause=0.0):
        self.sent = []
        self.pause = pause
        self.closed = 0
        self._replies = list(replies)

    def _next(self):
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def send(self, request, _headers):
        """Answer one request."""
        self.sent.append(request)
        await asyncio.sleep(self.pause)
        reply = self._next()
        return reply if isinstance(reply, HttpReply) else HttpReply(status=200, body=b"".join(reply))

    @property
    def paths(self):
        """Method and path of each request."""
        return [f"{one.method} {one.path}" for one in self.sent]


class Streamed(Scripted):
    """The same, which can give a body in pieces."""

    @asynccontextmanager
    async def stream(self, request, _headers):
        """Answer one request in pieces; an error among them breaks it off."""
        self.sent.append(request)
        reply = self._next()
        head = reply if isinstance(reply, HttpReply) else HttpReply(status=200)
        try:
            yield HttpStream(head=attrs.evolve(head, body=b""), pieces=_pieces([head.body] if reply is head else reply))
        finally:
            self.closed += 1


async def _pieces(pieces):
    for piece in pieces:
        await asyncio.sleep(0)
        if isinstance(piece, Exception):
            raise piece
        yield piece


def client(transport, *, local=False, **options):
    """Make a client of this transport, whose repeats do not wait."""
    base_url = "http://127.0.0.1:1" if local else "https://a2e.example"
    return A2EClient(TOKEN, base_url=base_url, http=transport, **{"retry": Retry(first_wait=0), **options})


def story(*replies, pause=0.0):
    """Make a test in virtual time of a coroutine that takes an open client and its transport."""

    def decorate(told):
        async def play():
            wire = Scripted(*replies, pause=pause)
            async with client(wire) as a2e:
                await told(a2e, wire)

        def test():
            play_out(play())

        test.__doc__, test.__name__ = told.__doc__, told.__name__
        return test

    return decorate
