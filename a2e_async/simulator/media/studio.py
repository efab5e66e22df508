"""Real media for results: rendered when first asked for, off the event loop, and kept for a while."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, TypeAlias

from a2e_async.simulator.media import plain, sketch, tones
from a2e_async.simulator.media.specs import AudioSpec, Blob, ImageSpec, Media, Still, Stored, VideoSpec

Mode: TypeAlias = Literal["auto", "pretty", "plain", "tiny"]

_PNG, _MP4, _WAV = "image/png", "video/mp4", "audio/wav"
_TINY_SECONDS = 0.5


def has_extras() -> bool:
    """Say whether the libraries for pretty media are installed."""
    try:
        return all(importlib.util.find_spec(name) is not None for name in ("PIL", "av"))
    except (ImportError, ValueError):  # somebody keeps them from being imported
        return False


class Studio:
    """Renders files: each once, however many ask for it, and keeps those that were asked for last.

    Args:
        mode: "pretty" (images and videos worth seeing; needs the extras), "plain" (small ones in pure Python), "tiny"
            (valid files of a few hundred bytes, for load), or "auto", which is pretty where it can be.
        keep_bytes: How much is kept.
        workers: How many files are rendered at once.

    Raises:
        ImportError: "pretty" was asked for and the extras are missing.
    """

    def __init__(self, mode: Mode = "auto", *, keep_bytes: int = 64 << 20, workers: int = 2) -> None:
        if mode == "pretty" and not has_extras():
            raise ImportError("pretty media need pillow and av: pip install 'a2e-async[sim]'")
        self.mode: Mode = mode if mode != "auto" else "pretty" if has_extras() else "plain"
        self._keep_bytes = keep_bytes
        self._workers = workers
        self._kept: OrderedDict[Media, Blob] = OrderedDict()
        self._kept_bytes = 0
        self._running: dict[Media, Future[Blob]] = {}
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    async def render(self, media: Media) -> Blob:
        """Give a file, rendering it in a thread if it is not at hand."""
        if isinstance(media, Stored):
            return Blob(media.body, media.content_type, f'"{media.digest}"')
        if self.mode == "tiny":
            return _tiny(media)
        with self._lock:
            blob = self._kept.get(media)
            if blob is not None:
                self._kept.move_to_end(media)
                return blob
            running = self._running.get(media) or self._begin(media)
        # Shielded: a client that leaves must not take the file away from the others who wait for it.
        return await asyncio.shield(asyncio.wrap_future(running))

    def render_now(self, media: Media) -> Blob:
        """Give a file, rendering it in the calling thread if it is not at hand."""
        if isinstance(media, Stored):
            return Blob(media.body, media.content_type, f'"{media.digest}"')
        if self.mode == "tiny":
            return _tiny(media)
        with self._lock:
            kept = self._kept.get(media)
        if kept is not None:
            return kept
        blob = self._made(media)
        self._keep(media, blob)
        return blob

    def _made(self, media: ImageSpec | VideoSpec | AudioSpec) -> Blob:
        if isinstance(media, AudioSpec):
            return _sound(media, media.seconds)
        body = self._image(media) if isinstance(media, ImageSpec) else self._video(media)
        return Blob(body, _PNG if isinstance(media, ImageSpec) else _MP4, _etag(body))

    def close(self) -> None:
        """Let go of the threads; what is being rendered is finished, what waits is not begun."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _begin(self, media: Media) -> Future[Blob]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="a2e-simulator")
        running = self._threads.submit(self.render_now, media)
        self._running[media] = running
        running.add_done_callback(lambda _: self._running.pop(media, None))
        return running

    def _keep(self, media: Media, blob: Blob) -> None:
        with self._lock:
            if media in self._kept:
                return
            self._kept[media] = blob
            self._kept_bytes += len(blob.body)
            while self._kept_bytes > self._keep_bytes and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._kept_bytes -= len(gone.body)

    def _image(self, image: ImageSpec) -> bytes:
        if self.mode == "plain":
            return sketch.png(image)
        from a2e_async.simulator.media import drawing  # noqa: PLC0415  # needs the extras

        return drawing.png(image)

    def _video(self, video: VideoSpec) -> bytes:
        if self.mode == "plain":
            return sketch.mp4(video.first, video.last, video.seconds)
        from a2e_async.simulator.media import encoding  # noqa: PLC0415  # needs the extras

        last = None if video.last is None else self._still(video.last)
        try:
            return encoding.mp4(self._still(video.first), last, video.seconds, video.variant)
        except OSError:
            # An upload that is no image: the video still has to be one.
            stand_in = self._image(ImageSpec(f"unreadable image {video.variant}"))
            return encoding.mp4(stand_in, None, video.seconds, video.variant)

    def _still(self, still: Still) -> bytes:
        return self.render_now(still).body


def _sound(sound: AudioSpec, seconds: float) -> Blob:
    body = tones.wav(sound.words, seconds, sound.variant)
    return Blob(body, _WAV, _etag(body))


def _tiny(media: ImageSpec | VideoSpec | AudioSpec) -> Blob:
    if isinstance(media, AudioSpec):
        return _sound(media, min(media.seconds, _TINY_SECONDS))
    body = plain.tiny_image() if isinstance(media, ImageSpec) else plain.tiny_video(media.seconds)
    return Blob(body, _PNG if isinstance(media, ImageSpec) else _MP4, _etag(body))


def _etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
