"""A file host on loopback that does what a test tells it to, request by request."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import socket
import struct
from contextlib import asynccontextmanager

_RESET = struct.pack("ii", 1, 0)


class FileHost:
    """Serves one file.

    Attributes:
        url: Its link.
        body: The file.
        script: What the next requests meet, as keywords of `_answer`; when it is empty all goes well.
        requests: (method, headers) of each request.
        targets: What each request asked for, as it stood on the wire.
        served: How many bytes of files were sent.
        got: The bodies of PUT requests.
        peak: The most requests that were answered at once.
    """

    def __init__(self, body):
        self.body = body
        self.url = ""
        self.script = []
        self.requests = []
        self.targets = []
        self.served = 0
        self.got = []
        self.peak = 0
        self._busy = 0

    @property
    def etag(self):
        """The file's strong entity tag."""
        return f'"{hashlib.md5(self.body).hexdigest()}"'

    @property
    def ranges(self):
        """The ranges that were asked for, None where there was none."""
        return [headers.get("range") for _method, headers in self.requests]

    async def serve(self, reader, writer):
        """Answer one request."""
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
            self.requests.append((first.split()[0], headers))
            self.targets.append(first.split()[1])
            self._busy += 1
            self.peak = max(self.peak, self._busy)
            try:
                act = self.script.pop(0) if self.script else {}
                if first.startswith("PUT"):
                    self.got.append(await reader.readexactly(int(headers["content-length"])))
                    writer.write(f"HTTP/1.1 {act.get('status', 200)} x\r\nContent-Length: 0\r\n\r\n".encode())
                else:
                    await self._answer(writer, headers, **act)
            finally:
                self._busy -= 1

    async def _answer(
        self,
        writer,
        headers,
        *,
        status=200,
        body=None,
        after=None,
        then="cut",
        ranges=True,
        head=(),
        length=True,
        wait=0.0,
        tag=True,
    ):
        await asyncio.sleep(wait)
        whole = self.body if body is None else body
        shown = [f"ETag: {self.etag}"] if tag else []
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        if ranges and asked and status == 200 and headers.get("if-range", self.etag) == self.etag:
            start = int(asked[1])
            status = 206 if start < len(whole) else 416
            shown.append(f"Content-Range: bytes {start}-{len(whole) - 1}/{len(whole)}")
        if status == 200 and tag and headers.get("if-none-match") == self.etag:
            status, whole = 304, b""
        part = whole[start:]
        lines = [f"HTTP/1.1 {status} x", *shown, *head, *([f"Content-Length: {len(part)}"] if length else [])]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        sent = part if after is None else part[: max(0, after - start)]
        for place in range(0, len(sent), 1 << 16):
            writer.write(sent[place : place + (1 << 16)])
            await writer.drain()
        self.served += len(sent)
        if after is not None and then == "stall":
            await asyncio.sleep(3_600)
        if after is not None and then == "reset":
            await asyncio.sleep(0.05)  # a reset throws away what has not arrived
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


@asynccontextmanager
async def file_host(body, tls=None):
    """Run a file host for the length of the block."""
    host = FileHost(body)
    running = set()

    def begin(reader, writer):
        task = asyncio.ensure_future(host.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    host.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/results/video.mp4?signature=secret"
    try:
        yield host
    finally:
        server.close()
        left = set(running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()
