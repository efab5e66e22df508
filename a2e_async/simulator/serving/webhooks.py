"""Webhooks as the service sends them: one attempt when a task has ended, best effort, never repeated.

What is sent is a guess, as the service documents no payload: {"event": "task.completed", "data": {the record}}.
Only receivers on this machine or in a private network are told: a simulator calls nobody up in the world.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from typing import Any, Final

import aiohttp

from a2e_async.core import addresses
from a2e_async.simulator.answers.app import App
from a2e_async.simulator.chance import between
from a2e_async.simulator.world.tasks import SimTask

_HEADER: Final = "X-A2e-Webhook-Token"
_AT_ONCE = 64
_TAKEN = range(200, 300)
_SECONDS = aiohttp.ClientTimeout(total=5)


class Postman:
    """Tells receivers of tasks that have ended, as long as `run` does; see `Switches.webhooks`.

    Args:
        app: The simulated service.

    Attributes:
        outcomes: How many webhooks were "delivered", "refused" by their receiver, "failed" to arrive, or kept back
            because their receiver is "elsewhere".
    """

    def __init__(self, app: App) -> None:
        self.outcomes: Counter[str] = Counter()
        self._app = app
        self._due: list[tuple[float, int, SimTask]] = []
        self._told: set[int] = set()
        self._news = asyncio.Event()
        self._posts: set[asyncio.Task[None]] = set()
        app.world.tell = self._expect

    async def run(self) -> None:
        """Send what is due until cancelled."""
        await self._news.wait()  # most simulators never send one
        async with aiohttp.ClientSession(timeout=_SECONDS) as session:
            try:
                while True:
                    self._send_due(session)
                    await self._pause()
            finally:
                for post in self._posts:
                    post.cancel()
                await asyncio.gather(*self._posts, return_exceptions=True)

    def _expect(self, task: SimTask) -> None:
        """Note a task that has a receiver, again when its end has been moved."""
        if task.serial not in self._told:
            heapq.heappush(self._due, (self._when(task), task.serial, task))
            self._news.set()

    def _when(self, task: SimTask) -> float:
        switches = self._app.world.switches
        if switches.webhooks == "early":
            return task.created
        delay = switches.webhook_delay
        if isinstance(delay, tuple):
            delay = between(*delay, switches.seed, "webhook", task.serial)
        return task.ends + delay

    def _send_due(self, session: aiohttp.ClientSession) -> None:
        now = self._app.world.clock.now()
        while self._due and self._due[0][0] <= now and len(self._posts) < _AT_ONCE:
            _, serial, task = heapq.heappop(self._due)
            how = self._app.world.switches.webhooks
            if serial in self._told or task.deleted or how == "never":
                continue
            self._told.add(serial)
            for _ in range(2 if how == "twice" else 1):
                post = asyncio.create_task(self._post(session, task), name="simulated webhook")
                self._posts.add(post)
                post.add_done_callback(self._posted)

    def _posted(self, post: asyncio.Task[None]) -> None:
        self._posts.discard(post)
        self._news.set()

    async def _post(self, session: aiohttp.ClientSession, task: SimTask) -> None:
        url = str(task.secrets["webhook_url"])
        if not addresses.is_local(url):
            self.outcomes["elsewhere"] += 1
            return
        headers = {_HEADER: str(task.secrets.get("webhook_token") or "")}
        payload = self._app.notice(task)
        try:
            async with session.post(url, json=payload, headers=headers, allow_redirects=False, ssl=False) as reply:
                self.outcomes["delivered" if reply.status in _TAKEN else "refused"] += 1
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            self.outcomes["failed"] += 1

    async def _pause(self) -> None:
        """Wait for the next webhook that is due, for a new one, or for one that is under way to be done."""
        self._news.clear()
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._news.wait())]
        if self._due and len(self._posts) < _AT_ONCE:
            clock = self._app.world.clock
            waits.append(asyncio.ensure_future(clock.sleep(self._due[0][0] - clock.now())))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)
