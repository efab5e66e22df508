"""A service of image-to-video that shares no code with the package: written after what is known of the wire alone.

Run as a script this file is that service: it prints where it is, and its book for every line it is sent. It refuses a
start whose image nobody has uploaded, so that an upload counts only when its file is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

_TOKEN = "sk_photos"
_START = "/api/v1/userImage2Video"
_SECONDS = 0.5
_VIDEO = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\0\0\0\x08free"


class _World:
    """What was uploaded and started, in the order in which it came."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.files: dict[str, str] = {}
        self.uploads: list[str] = []
        self.asked = 0
        self.tasks: dict[str, dict[str, Any]] = {}
        self.url = ""

    def start(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """Begin a task, if its image is there."""
        with self.lock:
            name = urlsplit(str(body.get("image_url"))).path
            if name not in self.files:
                return None
            task_id = f"{len(self.tasks) + 1:024x}"
            self.tasks[task_id] = {"_id": task_id, "name": body.get("name", ""), "at": time.time(), "image": name}
            return self.record(task_id)

    def record(self, task_id: str) -> dict[str, Any]:
        """Give the record of a task as it is now."""
        task = self.tasks[task_id]
        ended = time.time() - task["at"] > _SECONDS
        moment = datetime.fromtimestamp(task["at"], UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "_id": task_id,
            "name": task["name"],
            "current_status": "completed" if ended else "processing",
            "coins": 30,
            "createdAt": moment,
            "result_url": f"{self.url}/made/{task_id}.mp4" if ended else "",
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: _World

    def do_GET(self) -> None:
        """Answer what only reads."""
        parts = urlsplit(self.path)
        if parts.path == "/api/v1/user/remainingCoins":
            self._tell({"coins": 1_000_000, "diamonds": 0})
        elif parts.path == f"{_START}/allRecords":
            query = {name: int(values[0]) for name, values in parse_qs(parts.query).items() if values[0].isdigit()}
            size, page = query.get("pageSize", 10), query.get("pageNum", 1)
            with self.world.lock:
                newest = list(self.world.tasks)[::-1]
                rows = [self.world.record(one) for one in newest[size * (page - 1) : size * page]]
                self._tell({"rows": rows, "count": len(newest)})
        elif parts.path.startswith("/made/"):
            self._bytes(_VIDEO + parts.path.encode(), "video/mp4")
        elif parts.path.startswith(f"{_START}/") and parts.path.rsplit("/", 1)[1] in self.world.tasks:
            self._tell(self.world.record(parts.path.rsplit("/", 1)[1]))
        else:
            self._tell({}, 404)

    def do_POST(self) -> None:
        """Answer what starts or asks for many."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        path, world = urlsplit(self.path).path, self.world
        if path == f"{_START}/start":
            started = world.start(body)
            self._tell(started, 200 if started else 400)
        elif path == f"{_START}/batchDetail":
            self._tell([world.record(one) for one in body["ids"] if one in world.tasks])
        elif path == "/api/v1/r2/upload-presigned-url":
            with world.lock:
                world.asked += 1
                key = f"user/{world.asked}/{body['key']}"
            urls = {"uploadUrl": f"{world.url}/put/{key}?sign=1", "cdnUrl": f"{world.url}/cdn/{key}"}
            self._tell({**urls, "key": key, "bucket": "3days-apac", "expiresIn": 3600})
        else:
            self._tell({}, 404)

    def do_PUT(self) -> None:
        """Take an upload, if it is whole."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        with self.world.lock:
            digest = hashlib.sha256(content).hexdigest()
            self.world.files[urlsplit(self.path).path.replace("/put/", "/cdn/", 1)] = digest
            self.world.uploads.append(digest)
        self._bytes(b"", "text/plain")

    def _tell(self, data: object, status: int = 200) -> None:
        told = {"code": 0 if status == 200 else status, "data": data, "message": "no"}
        self._bytes(json.dumps(told).encode(), "application/json", status)

    def _bytes(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@attrs.frozen
class PhotoService:
    """The service's process."""

    child: subprocess.Popen[str]
    env: dict[str, str]

    def book(self) -> dict[str, Any]:
        """Ask for its book: `uploads` by content in order, `bills` as (name, content) in order."""
        assert self.child.stdin is not None
        self.child.stdin.write("book\n")
        self.child.stdin.flush()
        return _line(self.child)


@contextmanager
def photo_service() -> Iterator[PhotoService]:
    """Start it, and leave nothing of it behind."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith("A2E_") and not k.upper().endswith("_PROXY")}
    words = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=usual) as child:
        try:
            yield PhotoService(child, usual | {"A2E_BASE_URL": _line(child)["url"], "A2E_API_KEY": _TOKEN})
        finally:
            child.kill()


def _line(child: subprocess.Popen[str]) -> dict[str, Any]:
    assert child.stdout is not None
    told: dict[str, Any] = json.loads(child.stdout.readline())
    return told


def _serve() -> None:
    world = _World()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"world": world}))
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _say({"url": world.url})
    for _line_of_stdin in sys.stdin:
        with world.lock:
            bills = [(task["name"], world.files[task["image"]]) for task in world.tasks.values()]
            told = {"uploads": world.uploads, "bills": bills, "asked": world.asked}
        _say(told)


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
