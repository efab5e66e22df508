"""A small web application: a prompt becomes an image, the image a video, and a page shows how it goes.

    python -m a2e_async simulator                                  # in one terminal; it prints two lines to export
    python -m a2e_async.web.example                                # in another one, with them; or with your own token

POST /videos {"prompt": "..."} answers with an id as soon as the work can no longer be lost. It goes on whether anybody
watches or not; the page listens to GET /videos/{id}/image and /videos/{id}/video and then plays GET /videos/{id}.mp4.
A POST that is repeated with the same header Idempotency-Key is the same video, and is paid for once.

What was asked for stands in a store, so that the server keeps nothing of its own: kill it in the middle and start it
again, or start several of them with one `--store`, and any of them goes on, and answers for all videos.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import logging
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Collection
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from a2e_async.client import A2EClient
from a2e_async.core.hooks import Webhook
from a2e_async.engine.jobs.stored import StoredJob
from a2e_async.engine.settings import STORE_VARIABLE
from a2e_async.errors import A2EError, InvalidRequestError, KeyConflictError, UsageError
from a2e_async.families.image_to_video import ImageToVideo
from a2e_async.families.text_to_image import TextToImage
from a2e_async.web.aiohttp import CLIENT, Handler, event_stream, setup
from a2e_async.web.streams import sse_of

_PAGE = (files("a2e_async.web") / "example.html").read_bytes()
_LONGEST_PROMPT = 1000
_HOOK = "/a2e/webhook"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_ID = re.compile(r"[0-9a-f]{12}")
_ENDED_BADLY = frozenset({"failed", "refused", "unknown", "expired"})
_log = logging.getLogger("a2e_async.example")


class VideoMaker:
    """Makes videos; what it knows of them stands in the client's store.

    Args:
        a2e: The client, which has a store.
        folder: Where the files go.
    """

    def __init__(self, a2e: A2EClient, folder: Path) -> None:
        self._a2e = a2e
        self._folder = folder
        self._fetching: dict[str, asyncio.Task[Path | None]] = {}

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Fetch the files of all videos that had been begun, for their URLs expire; a context of the application."""
        async for video_id, job in self.all():
            if job.state not in _ENDED_BADLY:
                self.fetch(video_id)
        yield
        for fetching in self._fetching.values():
            fetching.cancel()
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)

    async def all(self) -> AsyncIterator[tuple[str, StoredJob]]:
        """Give the ids of all videos, whichever server has begun them, and how each is."""
        async for job in self._a2e.stored_jobs():
            video_id, _, step = job.key.partition("-")
            if step == "video" and _ID.fullmatch(video_id):
                yield video_id, job

    async def begin(self, prompt: str, video_id: str) -> None:
        """Begin a video, or do nothing if it was begun; afterwards nothing of it can be lost.

        Both jobs are written down together, before the first one is sent.
        """
        image = self._a2e.start(TextToImage(prompt, width=1024, height=576), key=f"{video_id}-image")
        request = ImageToVideo(image, prompt=prompt, negative_prompt="blurry, distorted, low quality")
        self._a2e.start(request, key=f"{video_id}-video")
        await image.accepted()
        self.fetch(video_id)

    def fetch(self, video_id: str) -> asyncio.Task[Path | None]:
        """Give the work that ends with the file of a video, or None when there will be none."""
        known = self._fetching.get(video_id)
        if known is None or (known.done() and (known.cancelled() or known.result() is None)):
            known = asyncio.create_task(self._fetch(video_id), name=f"video {video_id}")
            self._fetching[video_id] = known
        return known

    async def _fetch(self, video_id: str) -> Path | None:
        try:
            job = await self._a2e.job_with(f"{video_id}-video")
            if job is None:
                return None
            [path] = await self._a2e.download(await job, self._folder, name=video_id)
        except A2EError as error:
            _log.warning("video %s: %s", video_id, type(error).__name__)  # its words may quote the prompt
            return None
        return path


VIDEOS = web.AppKey("videos", VideoMaker)


def guard(hosts: Collection[str]) -> Any:  # noqa: ANN401 - a middleware of aiohttp
    """Give a middleware that answers only to these names, and to no page of another site.

    A page of somebody else can let its own name point to this machine (DNS rebinding) and spend our coins; the name
    that the browser then sends is not one of ours.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        names = [_name_of(f"//{request.host}"), *([] if origin is None else [_name_of(origin)])]
        if request.path != _HOOK and not set(names) <= set(hosts):  # webhooks have a secret of their own
            raise web.HTTPForbidden(text="this server answers to its own names only; see --allow-host")
        return await handler(request)

    return check


def _name_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


async def show_page(_request: web.Request) -> web.Response:
    """GET / is the page."""
    return web.Response(body=_PAGE, content_type="text/html", charset="utf-8")


async def list_videos(request: web.Request) -> web.Response:
    """GET /videos gives all videos."""
    videos = [_shown(video_id, job) async for video_id, job in request.app[VIDEOS].all()]
    return web.json_response(videos)


async def begin_video(request: web.Request) -> web.Response:
    """POST /videos {"prompt": "..."} begins a video and gives its id; with Idempotency-Key once for each key."""
    if request.content_type != "application/json":  # so that no form of another site can spend our coins
        raise web.HTTPUnsupportedMediaType
    key = request.headers.get("Idempotency-Key")
    video_id = secrets.token_hex(6) if not key else hashlib.sha256(key.encode()).hexdigest()[:12]
    prompt = await _prompt_of(request)
    try:
        await request.app[VIDEOS].begin(prompt, video_id)
    except KeyConflictError:
        raise web.HTTPConflict(text="this Idempotency-Key was used with another prompt") from None
    except A2EError as error:
        raise web.HTTPBadGateway(text=error.message) from None
    return web.json_response({"id": video_id}, status=202)


async def _prompt_of(request: web.Request) -> str:
    try:
        prompt: str = (await request.json())["prompt"].strip()
        TextToImage(prompt)  # half a character and the like are refused here
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise web.HTTPBadRequest(text="a prompt is needed") from None
    except InvalidRequestError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    if len(prompt) > _LONGEST_PROMPT:
        raise web.HTTPBadRequest(text=f"a prompt of 1 to {_LONGEST_PROMPT} characters is needed")
    return prompt


async def tell(request: web.Request) -> web.StreamResponse:
    """GET /videos/{id}/{step} tells how a step goes, as server-sent events, whichever server has it."""
    key = f"{request.match_info['id']}-{request.match_info['step']}"
    if await request.app[CLIENT].find_job(key) is None:
        raise web.HTTPNotFound
    last = request.headers.get("Last-Event-ID")
    return await event_stream(request, sse_of(request.app[CLIENT], key=key, last_event_id=last, retry=0.5))


async def send_video(request: web.Request) -> web.FileResponse:
    """GET /videos/{id}.mp4 gives the video as soon as it is there."""
    path = await asyncio.shield(request.app[VIDEOS].fetch(request.match_info["id"]))
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path)


def _shown(video_id: str, job: StoredJob) -> dict[str, object]:
    state = "done" if job.state == "done" else "failed" if job.final else "running"
    return {"id": video_id, "prompt": job.fields.get("prompt"), "state": state}


def make_app(a2e: A2EClient, folder: Path, hosts: Collection[str] = ()) -> web.Application:
    """Make the application.

    Args:
        a2e: The client, which has a store; it is opened and closed with the application.
        folder: Where videos are kept; made when it is not there.
        hosts: By which names it is reached, besides those of this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    app = web.Application(middlewares=[guard({*_THIS_MACHINE, *hosts})])
    setup(app, a2e, path=_HOOK)  # the client, its end, and the receiver of webhooks
    app[VIDEOS] = VideoMaker(app[CLIENT], folder)
    app.cleanup_ctx.append(app[VIDEOS].run)
    app.router.add_get("/", show_page)
    app.router.add_get("/videos", list_videos)
    app.router.add_post("/videos", begin_video)
    app.router.add_get("/videos/{id:[0-9a-f]{12}}.mp4", send_video)
    app.router.add_get("/videos/{id:[0-9a-f]{12}}/{step:image|video}", tell)
    return app


def _secret(folder: Path) -> str:
    """Give the webhooks' secret; it must outlive the process, as tasks do."""
    file = folder / "webhook-secret"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as new:
            new.write(secrets.token_urlsafe(32))
    return file.read_text(encoding="ascii")


def main() -> None:
    """Run the application until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m a2e_async.web.example", description="A prompt becomes a video.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--folder", type=Path, default=Path("a2e-videos"), help="where videos are kept")
    parser.add_argument("--store", help="where videos are written down (default: A2E_STORE, else in the folder)")
    parser.add_argument("--public-url", help="how the service reaches this server, for webhooks (optional)")
    parser.add_argument(
        "--lease", type=float, default=10, help="seconds after which a dead server's work is taken over"
    )
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name of this server")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        url = chosen.public_url and f"{chosen.public_url.rstrip('/')}{_HOOK}"
        names = [chosen.host, *chosen.allow_host, *([_name_of(url)] if url else [])]
        webhook = Webhook(url, _secret(chosen.folder)) if url else None
        store = chosen.store or os.environ.get(STORE_VARIABLE) or f"sqlite:///{chosen.folder / 'jobs.sqlite'}"
        app = make_app(A2EClient(webhook=webhook, store=store, lease=chosen.lease), chosen.folder, names)
    except UsageError as error:
        sys.exit(f"{error}\nWithout an account: run `python -m a2e_async simulator` and export what it prints.")
    web.run_app(app, host=chosen.host, port=chosen.port, shutdown_timeout=2, access_log=None)


if __name__ == "__main__":
    main()
