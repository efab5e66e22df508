"""Videos of an image with a moving camera; needs the extras pillow and av: only `media` imports this, and late."""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image

from a2e_async.simulator.chance import between

_LONGEST = 384
_SHORTEST = 64
_RATE = 12
_ZOOM = 1.4
_FORMATS = ("PNG", "JPEG", "WEBP")  # uploads come from anybody, and rare decoders have holes


def mp4(first: bytes, last: bytes | None, seconds: int, seed: str) -> bytes:
    """Video an image with a moving camera.

    Args:
        first: The image, a file of any common kind.
        last: The image the video ends with, if any.
        seconds: How long it is.
        seed: Decides how the camera moves.

    Raises:
        OSError: An image cannot be read.
    """
    with Image.open(io.BytesIO(first), formats=_FORMATS) as opened:
        size = _video_size(*opened.size)
        wide = _fitted(opened, size)
    end = None
    if last is not None:
        with Image.open(io.BytesIO(last), formats=_FORMATS) as opened:
            end = _fitted(opened, size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        _encode(path, _shots(wide, end, size, seconds * _RATE, seed), size)
        return path.read_bytes()


def _video_size(width: int, height: int) -> tuple[int, int]:
    shrink = _LONGEST / max(width, height)
    return max(_SHORTEST, round(width * shrink / 2) * 2), max(_SHORTEST, round(height * shrink / 2) * 2)


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Give an image at the size at which the camera is closest."""
    return image.convert("RGB").resize(
        (round(size[0] * _ZOOM), round(size[1] * _ZOOM)), Image.Resampling.BILINEAR, reducing_gap=2
    )


def _shots(
    wide: Image.Image, end: Image.Image | None, size: tuple[int, int], count: int, seed: str
) -> Iterator[Image.Image]:
    """Give what the camera sees: the whole image first, then closer or over to the end image."""
    aim_x, aim_y = between(0.15, 0.85, seed, "aim x"), between(0.15, 0.7, seed, "aim y")
    full_x, full_y = wide.size
    for index in range(count):
        done = index / max(1, count - 1)
        eased = (1 - math.cos(math.pi * done)) / 2 if end is None else math.sin(math.pi * done) / 2
        near = 1 - (1 - 1 / _ZOOM) * eased
        sway = 0.12 * math.sin(math.tau * done)
        left = (full_x - full_x * near) * min(1.0, max(0.0, aim_x + sway))
        top = (full_y - full_y * near) * aim_y
        scenery = wide if end is None else Image.blend(wide, end, min(1.0, max(0.0, done * 1.6 - 0.4)))
        box = (left, top, left + full_x * near, top + full_y * near)
        yield scenery.resize(size, Image.Resampling.BILINEAR, box=box)


def _encode(path: Path, shots: Iterator[Image.Image], size: tuple[int, int]) -> None:
    """Write a video; one thread, because the number of threads changes the bytes."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=_RATE, options={"preset": "veryfast", "crf": "26", "threads": "1"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for shot in shots:
            frame = av.VideoFrame.from_image(shot)  # type: ignore[no-untyped-call]
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
