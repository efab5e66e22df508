"""A service of the tests' own that shares nothing with the simulator: text-to-image in a hundred lines, and its book.

It takes a start, charges 10 coins for it and makes one image; every 29th start is charged and its connection is reset
before the answer. Run as a script it prints where it is, and its book for every line that it is sent.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import sys
import time
import zlib
from collections import Counter
from datetime import UTC, datetime

from aiohttp import web

TOKEN = "sk_own_service"
COINS = 10
_TAG = re.compile(r"~([a-z2-7]{12})([ab])$")
_RESET_EVERY = 29


def _chunk(kind, content):
    body = kind + content
    return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def png(number):
    """Give a small image that no other task has."""
    chance = random.Random(number)
    lines = b"".join(b"\0" + bytes(chance.randrange(256) for _ in range(32 * 3)) for _ in range(32))
    head = (32).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")


class OwnService:
    """The tasks, and what was charged for them."""

    def __init__(self, seed, seconds=(0.3, 1.5)):
        self.tasks = {}
        self.peak = 0
        self._chance = random.Random(seed)
        self._seconds = seconds
        self._numbers = itertools.count(1)

    def app(self):
        """Give it as an application."""
        app = web.Application()
        for base in ("userText2Image", "userText2image"):
            app.router.add_post(f"/api/v1/{base}/start", self.start)
            app.router.add_post(f"/api/v1/{base}/batchDetail", self.batch)
            app.router.add_get(f"/api/v1/{base}/allRecords", self.all)
            app.router.add_get(f"/api/v1/{base}/{{id}}", self.one)
        app.router.add_get("/api/v1/user/remainingCoins", self.balance)
        app.router.add_get("/made/{number}.png", self.file)
        return app

    async def start(self, request):
        """Take a start; every 29th answer is lost."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"code": 401, "message": "no such token"}, status=401)
        body, number, now = await request.json(), next(self._numbers), time.time()
        task = {
            "_id": f"{number:024x}", "name": body.get("name", ""), "prompt": body["prompt"], "coins": COINS,
            "createdAt": _iso(now), "begun": now, "ends": now + self._chance.uniform(*self._seconds), "number": number,
        }  # fmt: skip
        self.tasks[task["_id"]] = task
        self.peak = max(self.peak, sum(one["ends"] > now for one in self.tasks.values()))
        if number % _RESET_EVERY == 0:
            request.transport.abort()
        return _answer([self._told(task, request)])

    async def batch(self, request):
        """Tell of tasks by their ids."""
        ids = (await request.json())["ids"]
        return _answer([self._told(self.tasks[one], request) for one in ids if one in self.tasks])

    async def one(self, request):
        """Tell of one task."""
        task = self.tasks.get(request.match_info["id"])
        return _answer(self._told(task, request)) if task else web.json_response({"code": 404}, status=404)

    async def all(self, request):
        """Tell of tasks, the newest first."""
        page, size = int(request.query.get("pageNum", 1)), int(request.query.get("pageSize", 20))
        newest = list(self.tasks.values())[::-1]
        rows = [self._told(task, request) for task in newest[(page - 1) * size : page * size]]
        return _answer({"rows": rows, "count": len(newest)})

    async def balance(self, _request):
        """Tell what is left."""
        return _answer({"coins": 1_000_000 - COINS * len(self.tasks)})

    async def file(self, request):
        """Give an image."""
        return web.Response(body=png(int(request.match_info["number"])), content_type="image/png")

    def book(self):
        """Say what was charged."""
        bills = Counter(found[1] for task in self.tasks.values() if (found := _TAG.search(task["name"])))
        return {"bills": dict(bills), "starts": len(self.tasks), "peak": self.peak, "coins": COINS * len(self.tasks)}

    def _told(self, task, request):
        over = task["ends"] <= time.time()
        urls = [f"http://{request.host}/made/{task['number']}.png"] if over else []
        told = {name: task[name] for name in ("_id", "name", "prompt", "coins", "createdAt")}
        return told | {"current_status": "completed" if over else "processing", "image_urls": urls}


def _iso(moment):
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(data):
    return web.json_response({"code": 0, "data": data})


async def _serve(seed):
    service = OwnService(seed)
    runner = web.AppRunner(service.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=512)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    _say({"url": f"http://127.0.0.1:{port}", "token": TOKEN})
    while await asyncio.to_thread(sys.stdin.readline):
        _say(service.book())


def _say(told):
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
