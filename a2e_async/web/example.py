"""A small web application: a prompt becomes an image, the image a video, and a page shows how it goes.

    python -m a2e_async simulator                                  # in one terminal; it prints two lines to export
    python -m a2e_async.web.example                                # in another one, with them; or with your own token

POST /videos {"prompt": "..."} answers with an id at once. The work goes on whether anybody watches or not; the page
listens to GET /videos/{id}/image and /videos/{id}/video and then plays GET /videos/{id}.mp4. Kill the server in the
middle and start it again: what it had begun stands in a file for each video, tasks are attached by their ids, a start
whose answer was lost is looked for by its tag, so nothing is paid for twice, and pages that are open just go on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
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

import attrs
from aiohttp import web

from a2e_async.client import A2EClient
from a2e_async.core.family import Request
from a2e_async.core.hooks import Webhook
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError, InvalidRequestError, UsageError
from a2e_async.families.image_to_video import ImageToVideo
from a2e_async.families.text_to_image import TextToImage
from a2e_async.web.aiohttp import CLIENT, Handler, event_stream, setup
from a2e_async.web.sse import SSE_HEADERS, sse

_PAGE = (files("a2e_async.web") / "example.html").read_bytes()
_LONGEST_PROMPT = 1000
_HOOK = "/a2e/webhook"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_ID = re.compile(r"[0-9a-f]{12}")
_log = logging.getLogger("a2e_async.example")


@attrs.define(eq=False)
class Video:
    """One video that was asked for; `id`, `prompt` and `task_ids` are kept in a file.

    Attributes:
        id: Its id, which is also the beginning of the tags of its two starts.
        prompt: What was asked for.
        task_ids: The tasks of each step, "image" and "video", that has begun; empty while its start has no answer.
        jobs: The job of each step that has begun in this process.
        making: The work on it, which gives the video's file, or None when it failed.
    """

    id: str
    prompt: str
    task_ids: dict[str, list[str]] = attrs.field(factory=dict)
    jobs: dict[str, Job[Any]] = attrs.field(factory=dict)
    making: asyncio.Task[Path | None] | None = None


class VideoMaker:
    """Makes videos and remembers them.

    Args:
        a2e: The client.
        folder: Where the videos are kept, and what is known of them.
    """

    def __init__(self, a2e: A2EClient, folder: Path) -> None:
        self.videos: dict[str, Video] = {}
        self._a2e = a2e
        self._folder = folder

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Go on with all videos that had been begun; a context of the application."""
        for file in sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime):
            video = Video(**json.loads(file.read_text(encoding="utf-8")))
            self._go_on(video)
        yield
        makings = [video.making for video in self.videos.values() if video.making is not None]
        for making in makings:
            making.cancel()
        await asyncio.gather(*makings, return_exceptions=True)

    def begin(self, prompt: str) -> Video:
        """Begin a video and give it at once."""
        video = Video(secrets.token_hex(6), prompt)
        self._save(video)
        self._go_on(video)
        return video

    def _go_on(self, video: Video) -> None:
        self.videos[video.id] = video
        video.making = asyncio.create_task(self._make(video), name=f"video {video.id}")

    async def _make(self, video: Video) -> Path | None:
        file = self._folder / f"{video.id}.mp4"
        if file.exists():
            return file
        try:
            image = await self._step(video, "image", TextToImage(video.prompt, width=1024, height=576))
            request = ImageToVideo(image.url, prompt=video.prompt, negative_prompt="blurry, distorted, low quality")
            result = await self._step(video, "video", request)
            [path] = await self._a2e.download(result, self._folder, name=video.id)
        except A2EError as error:
            _log.warning("video %s: %s", video.id, error)
            return None
        return path

    async def _step(self, video: Video, step: str, request: Request[Result]) -> Result:
        """Do one step, or go on with it: by its ids, or by its tag when the process died before it knew them."""
        known = video.task_ids.get(step)
        job: Job[Result]
        if known:
            job = video.jobs[step] = self._a2e.attach(type(request), *known)
            return await job
        video.task_ids[step] = []
        self._save(video)  # before anything is sent: after a crash it may have been
        job = video.jobs[step] = self._a2e.start(request, tag=video.id + step, find_first=known is not None)
        await job.accepted()
        video.task_ids[step] = list(job.task_ids)
        self._save(video)
        return await job

    def _save(self, video: Video) -> None:
        known = {"id": video.id, "prompt": video.prompt, "task_ids": video.task_ids}
        part = self._folder / f".{video.id}.part"
        part.write_text(json.dumps(known), encoding="utf-8")
        part.replace(self._folder / f"{video.id}.json")


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
    videos = request.app[VIDEOS].videos.values()
    return web.json_response([{"id": video.id, "prompt": video.prompt, "state": _state(video)} for video in videos])


async def begin_video(request: web.Request) -> web.Response:
    """POST /videos {"prompt": "..."} begins a video and gives its id."""
    if request.content_type != "application/json":  # so that no form of another site can spend our coins
        raise web.HTTPUnsupportedMediaType
    try:
        prompt = (await request.json())["prompt"].strip()
        TextToImage(prompt)  # half a character and the like are refused here, not after the answer
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise web.HTTPBadRequest(text="a prompt is needed") from None
    except InvalidRequestError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    if len(prompt) > _LONGEST_PROMPT:
        raise web.HTTPBadRequest(text=f"a prompt of 1 to {_LONGEST_PROMPT} characters is needed")
    return web.json_response({"id": request.app[VIDEOS].begin(prompt).id}, status=202)


async def tell(request: web.Request) -> web.StreamResponse:
    """GET /videos/{id}/{step} tells how a step goes, as server-sent events."""
    job = _video(request).jobs.get(request.match_info["step"])
    if job is None:  # it has not begun: the browser asks again
        return web.Response(body=b"retry: 500\n\n", headers=SSE_HEADERS)
    return await event_stream(request, sse(job, last_event_id=request.headers.get("Last-Event-ID"), retry=0.5))


async def send_video(request: web.Request) -> web.FileResponse:
    """GET /videos/{id}.mp4 gives the video as soon as it is there."""
    making = _video(request).making
    path = await asyncio.shield(making) if making else None
    if path is None:
        raise web.HTTPNotFound
    return web.FileResponse(path)


def _video(request: web.Request) -> Video:
    video = request.app[VIDEOS].videos.get(request.match_info["id"])
    if video is None:
        raise web.HTTPNotFound
    return video


def _state(video: Video) -> str:
    if video.making is None or not video.making.done():
        return "running"
    return "failed" if video.making.cancelled() or video.making.result() is None else "done"


def make_app(a2e: A2EClient, folder: Path, hosts: Collection[str] = ()) -> web.Application:
    """Make the application.

    Args:
        a2e: The client; it is opened and closed with the application.
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
    parser.add_argument("--public-url", help="how the service reaches this server, for webhooks (optional)")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name of this server")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        url = chosen.public_url and f"{chosen.public_url.rstrip('/')}{_HOOK}"
        names = [chosen.host, *chosen.allow_host, *([_name_of(url)] if url else [])]
        app = make_app(A2EClient(webhook=Webhook(url, _secret(chosen.folder)) if url else None), chosen.folder, names)
    except UsageError as error:
        sys.exit(f"{error}\nWithout an account: run `python -m a2e_async simulator` and export what it prints.")
    web.run_app(app, host=chosen.host, port=chosen.port, shutdown_timeout=2, access_log=None)


if __name__ == "__main__":
    main()
