"""The fast server: HTTP/1.1 by hand over asyncio, so that the clients are what is measured.

`python -m benchmarks.server` prints its address as a JSON line and ends with its standard input. A run begins with
POST /bench/reset {"shortest", "longest", "seed"} and ends with GET /bench/report.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import time
from array import array
from email.utils import formatdate
from urllib.parse import urlsplit

from benchmarks.dialects import DIALECTS, Answer, Call, World

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_REASONS = {200: "OK", 201: "Created", 404: "Not Found"}
_MISSING = Answer(404, b'{"detail":"not found"}', "other")


class Book:
    """What was asked, and when."""

    def __init__(self) -> None:
        self.url = ""
        self.reset({})

    def reset(self, asked: dict[str, float]) -> None:
        """Forget everything; the next tasks take as long as is asked."""
        shortest = asked.get("shortest", 0.0)
        self.world = World(shortest, asked.get("longest", shortest), int(asked.get("seed", 1)), self.url)
        self.times: dict[str, array[float]] = {kind: array("d") for kind in ("start", "record", "result", "other")}
        self.cpu = time.process_time()

    def report(self) -> dict[str, object]:
        """Say what was asked since the reset, warm-up included, and when each video ended."""
        every = sorted(moment for times in self.times.values() for moment in times)
        return {
            "requests": {kind: len(times) for kind, times in self.times.items()},
            "peak": densest(every),
            "peaks": {kind: densest(sorted(times)) for kind, times in self.times.items()},
            "videos": len(self.world.ends),
            "doubles": self.world.doubles,
            "ends": self.world.ends,
            "server_cpu": time.process_time() - self.cpu,
        }

    def answer(self, call: Call) -> Answer:
        """Answer one request, and note it."""
        if call.path.startswith("/bench/"):
            return self._control(call)
        for prefix, dialect in DIALECTS:
            if call.path.startswith(prefix):
                answer = dialect(self.world, call) or _MISSING
                self.times[answer.kind].append(call.now)
                return answer
        return _MISSING

    def _control(self, call: Call) -> Answer:
        if call.path == "/bench/reset":
            self.reset(json.loads(call.body))
            return Answer(200, b"{}", "other")
        if call.path == "/bench/forget":  # what the warm-up asked
            for times in self.times.values():
                del times[:]
            self.cpu = time.process_time()
            return Answer(200, b"{}", "other")
        return Answer(200, json.dumps(self.report()).encode(), "other")


def densest(times: list[float]) -> int:
    """Give the most requests within any one second."""
    first = most = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


class Connection(asyncio.Protocol):
    """One connection of a client, which sends one request at a time."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        """Write nothing more."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every request that is there as a whole."""
        self._buffer += data
        while self._buffer:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end]
            whole = self._body(head, end + 4)
            if whole is None:
                return
            body, after = whole
            self._buffer = self._buffer[after:]
            path = head[: head.index(b"\r\n")].split(b" ")[1].partition(b"?")[0].decode()
            path = urlsplit(path).path if path.startswith("http") else path
            self._reply(self._book.answer(Call(path, body, head, time.monotonic())))

    def _body(self, head: bytes, begin: int) -> tuple[bytes, int] | None:
        """Give the body and where it ends, or None while some of it is missing."""
        if found := _LENGTH.search(head):
            after = begin + int(found[1])
            return (self._buffer[begin:after], after) if len(self._buffer) >= after else None
        if not _CHUNKED.search(head):
            return b"", begin
        body = b""
        while (line := self._buffer.find(b"\r\n", begin)) >= 0:
            size = int(self._buffer[begin:line], 16)
            begin = line + 2 + size + 2
            if len(self._buffer) < begin:
                break
            if size == 0:
                return body, begin
            body += self._buffer[line + 2 : begin - 2]
        return None

    def _reply(self, answer: Answer) -> None:
        head = f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\nContent-Type: application/json\r\n"
        head += f"Date: {_date()}\r\nContent-Length: {len(answer.body)}\r\n\r\n"
        if answer.until:
            self._loop.call_at(answer.until, self._write, head.encode() + answer.body)
        else:
            self._write(head.encode() + answer.body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


_dated = (0, "")


def _date() -> str:
    global _dated  # noqa: PLW0603 - the date of this second, made once
    now = int(time.time())
    if _dated[0] != now:
        _dated = (now, formatdate(now, usegmt=True))
    return _dated[1]


async def main() -> None:
    """Serve until standard input ends."""
    book = Book()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(book), "127.0.0.1", 0, backlog=4096)
    book.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    book.reset({})
    gc.disable()  # nothing here makes cycles, and a pause of the server would be taken for one of a client
    print(json.dumps({"url": book.url}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
