"""`a2e batch watch`: how far a batch is and who works on it, from any machine, in lines or as a page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

from a2e_async.batch.report import report_places
from a2e_async.cli.batch.opened import opened_store
from a2e_async.cli.batch.reports import FleetReport
from a2e_async.cli.batch.targets import FleetPlace
from a2e_async.cli.codes import DONE, FAILED
from a2e_async.cli.display.progress import Progress
from a2e_async.cli.run import Run
from a2e_async.errors import UsageError
from a2e_async.fleet.looking import Look, Looker

_SECONDS = 2.0
_SHARE_OF_TIME = 0.1
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MEDIA = ("png", "jpg", "jpeg", "webp", "gif", "avif", "mp4", "webm", "mov", "mp3", "wav", "m4a", "ogg", "flac")
_SHOWN = frozenset(f".{one}" for one in ("html", "csv", "jsonl", *_MEDIA))


async def watch(run: Run, place: FleetPlace, *, serve: bool, port: int) -> int:
    """Tell how far a batch is until nothing is left, and write its page now and then; gives the exit code.

    Args:
        run: The run of the command.
        place: Where the batch is.
        serve: Whether the page is served on this machine.
        port: Where; 0 takes a free one.
    """
    over = asyncio.Event()
    run.signals.stop = over.set
    place.folder.mkdir(parents=True, exist_ok=True)
    async with opened_store(place.url) as store:
        looker, progress = Looker(store, place.name), Progress()
        look = await looker.look()
        report = FleetReport(run, place.folder, store, place.name)
        with _served(run, place.folder, port) if serve else contextlib.nullcontext():
            while look.left and not over.is_set():
                _tell(run, progress, look)
                await report.write_now_and_then(look)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_SECONDS):
                        await over.wait()
                look = await looker.look()
            _tell(run, progress, look)
            await report.write(look)
            if serve and not over.is_set():
                run.output.note("the batch is over; Ctrl-C ends the server")
                await over.wait()
    return FAILED if look.left or any(count for state, count in look.counts.items() if state.bad) else DONE


def _tell(run: Run, progress: Progress, look: Look) -> None:
    progress.look(look.counts, look.coins, sum(bool(one.shards) for one in look.holders))
    states = {state.value: count for state, count in look.counts.items()}
    data = {"states": states, "coins": look.coins, "workers": look.workers(), "left": look.left}
    if run.settings.json:
        run.output.result("", data)
    else:
        run.output.note(progress.line())


@contextlib.contextmanager
def _served(run: Run, folder: Path, port: int) -> Iterator[None]:
    """Serve the page and the files of a folder to this machine alone."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(folder))
    except OSError as error:
        raise UsageError(f"--port {port}: cannot be listened on: {error.strerror or error}") from error
    thread = Thread(target=server.serve_forever, name="a2e page", daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    run.output.result(url, {"url": url})
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler_of(folder: Path) -> type[SimpleHTTPRequestHandler]:
    class Handler(SimpleHTTPRequestHandler):
        """Gives the page, the manifests and the media of one folder, and nothing that lies beside them."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.server's own
            super().__init__(*args, directory=str(folder), **kwargs)

        def send_head(self) -> Any:  # noqa: ANN401 - a file, or None
            """Refuse whatever another page's script could ask for, and hidden files, folders and the store."""
            host = self.headers.get("Host", "").rpartition(":")[0]
            name = unquote(self.path.split("?", 1)[0])
            if name == "/":
                self.path = f"/{report_places(folder)['index.html'].name}"
                name = self.path
            if host not in _LOOPBACK or "/." in name or Path(name).suffix.lower() not in _SHOWN:
                self.send_error(404)
                return None
            return super().send_head()

        def end_headers(self) -> None:
            """Let no browser keep what is written anew."""
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Log nothing: there are a few requests a second."""

    return Handler
