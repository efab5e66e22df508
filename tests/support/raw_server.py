"""A server on a socket that misbehaves as its script says, with a session of ours to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from a2e_async.engine.http.session import Session

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n" + b'{"code": 0,"data": 1}'
MOVED = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
_WHOLE = (GOOD, MOVED)
_TLS = b"\x16"


class Server:
    """A server that answers each request as its script says, and counts connections and requests.

    Args:
        script: For each request bytes to answer with, "reset", "close" or "stall"; the last one goes on for ever.
            Bytes that are no whole reply are followed by a close.
        whole: More bytes that are whole replies.
    """

    def __init__(self, *script, whole=()):
        self.script = list(script)
        self.whole = (*_WHOLE, *whole)
        self.connections = 0
        self.requests = []
        self.port = 0

    @property
    def url(self):
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader, writer):
        """Answer the requests of one connection."""
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while (request := await self.read(reader)) is not None:
                self.requests.append(request)
                answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if answer == "stall":
                    await reader.read()
                    break
                if answer == "reset":
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    break
                if answer == "close":
                    break
                writer.write(answer)
                await writer.drain()
                if answer not in self.whole:
                    break
        writer.close()

    @staticmethod
    async def read(reader):
        """Read one request; None when the connection has ended."""
        first = await reader.read(1)
        if first in (b"", _TLS):
            return None
        head = first + await reader.readuntil(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return head + await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)


@contextlib.asynccontextmanager
async def running(*script, whole=()):
    """Run a server, and give it with a session."""
    server = Server(*script, whole=whole)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    session = Session(server.url)
    try:
        yield server, session
    finally:
        await session.aclose()
        listener.close()
        await listener.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        serving = [task for task in others if getattr(task.get_coro(), "__name__", "") == "serve"]
        if serving:
            await asyncio.wait(serving, timeout=5)
