"""A TCP proxy on loopback that spoils what an HTTP server cannot: it resets, cuts, stalls and dawdles."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)


class FaultProxy:
    """Carries requests to a server, each over a connection of its own, and spoils those that the script names.

    Attributes:
        url: Where it listens.
        script: What happens to the next requests: "reset before", "reset after", "cut head", "cut body", "stall",
            "slow", "garbage" or None; when it is empty all goes well.
        seen: The first line of each request.
    """

    def __init__(self, upstream):
        self.upstream = urlsplit(upstream)
        self.url = ""
        self.script = []
        self.seen = []

    async def serve(self, reader, writer):
        """Carry one request and its reply."""
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            self.seen.append(head.split(b"\r\n")[0].decode())
            fault = self.script.pop(0) if self.script else None
            reply = b"" if fault == "reset before" else await self._forward(head, body)
            await self._answer(writer, fault, reply)

    async def _forward(self, head, body):
        reader, writer = await asyncio.open_connection(self.upstream.hostname, self.upstream.port)
        writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
        reply = await reader.read()
        writer.close()
        return reply

    async def _answer(self, writer, fault, reply):
        head = reply.find(b"\r\n\r\n") + 4
        if fault in ("reset before", "reset after"):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        elif fault == "stall":
            await asyncio.sleep(3_600)
        elif fault == "slow":
            for place in range(0, len(reply), 64):
                writer.write(reply[place : place + 64])
                await asyncio.sleep(0.001)
        else:
            cuts = {"cut head": head // 2, "cut body": (head + len(reply)) // 2}
            writer.write(b"HTP/9 what?\r\n\r\n" if fault == "garbage" else reply[: cuts.get(fault, len(reply))])
            await writer.drain()


@asynccontextmanager
async def fault_proxy(upstream):
    """Run a proxy before a server for the length of the block."""
    proxy = FaultProxy(upstream)
    running = set()

    def begin(reader, writer):
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        for task in (left := set(running)):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()
