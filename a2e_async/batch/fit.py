"""Images made fit for the service before they are uploaded, where that is asked for: `--fit`.

What is done to an image is said in words that stand in its row and are a part of what the row is; the file itself is
never changed. Pillow is loaded only here, and only when it is needed.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from a2e_async.batch.cells import UnclearError
from a2e_async.batch.inputs import FileInput
from a2e_async.core.requests import Field
from a2e_async.engine.files.disk import digest_of
from a2e_async.errors import UsageError

_HEIC: Final = frozenset({"image/heic", "image/heif"})
_FORMATS: Final = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF")
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = 1
_TURNED, _RGB, _JPEG = "turned upright", "CMYK to RGB", "HEIC to JPEG"
_SCALED: Final = re.compile(r"scaled to at most ([0-9]+) bytes")
_QUALITY: Final = 92
_SMALLER: Final = 0.8  # of each side, as often as it takes
_LEAST: Final = 64  # pixels of a side, below which nobody would know it any more


def made_fit(file: FileInput, field: Field | None) -> FileInput:
    """Say of an image what is to be done to it, if anything surely helps; others are given back as they are.

    Args:
        file: The image, on disk.
        field: The field that takes it, whose limit it has to keep.

    Raises:
        UnclearError: It cannot be read as an image, or a library is missing.
    """
    if file.path is None or not file.kind.startswith("image/"):
        return file
    with _opened(file.path, file.name, heic=file.kind in _HEIC) as image:
        words = [
            *([_JPEG] if file.kind in _HEIC else []),
            *([_TURNED] if image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT else []),
            *([_RGB] if image.mode == "CMYK" else []),
        ]
        png = _is_png(image)
    if field is not None and field.largest is not None and file.size > field.largest:
        words.append(f"scaled to at most {field.largest} bytes")
    if not words:
        return file
    kind, suffix = ("image/png", ".png") if png else ("image/jpeg", ".jpg")
    return attrs.evolve(file, fitted=", ".join(words), kind=kind, suffix=suffix)


def fitted_bytes(file: FileInput) -> bytes:
    """Give the image that is uploaded in the place of a file.

    Raises:
        UsageError: The file has changed since it was read, or cannot be made fit.
    """
    path = file.path or Path(file.name)
    try:
        if digest_of(path) != file.sha256:
            raise UsageError(f"{file.name} has changed since it was read; run the batch again")
        with _opened(path, file.name, heic=_JPEG in file.fitted) as image:
            return _written(image, file)
    except OSError as error:
        raise UsageError(f"{file.name} cannot be read: {error.strerror or error}") from error
    except UnclearError as error:
        raise UsageError(str(error)) from error


def _written(image: Any, file: FileInput) -> bytes:  # noqa: ANN401 - Pillow is not always there
    from PIL import ImageOps  # noqa: PLC0415 - of an extra

    png = _is_png(image)
    done = ImageOps.exif_transpose(image)
    done = done if png else done.convert("RGB")
    scaled = _SCALED.search(file.fitted)
    while True:
        out = io.BytesIO()
        done.save(out, "PNG" if png else "JPEG", **({} if png else {"quality": _QUALITY}))
        if scaled is None or out.tell() <= int(scaled[1]):
            return out.getvalue()
        width, height = (max(1, round(side * _SMALLER)) for side in done.size)
        if max(width, height) < _LEAST:
            raise UnclearError(f"{file.name} cannot be scaled to {int(scaled[1]):,} bytes")
        done = done.resize((width, height))


def _is_png(image: Any) -> bool:  # noqa: ANN401 - Pillow is not always there
    """Whether an image has something that JPEG cannot keep."""
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


@contextlib.contextmanager
def _opened(path: Path, name: str, *, heic: bool) -> Iterator[Any]:
    """Open an image with Pillow.

    Raises:
        UnclearError: It cannot be read, or a library is missing.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - of an extra
    except ImportError:
        words = "making images fit needs Pillow: pip install 'a2e_async[fit]'"
        raise UnclearError(words) from None
    if heic:
        _read_heic(name)
    Image.init()
    # No others: files come from anybody, and rare decoders have holes.
    known: list[str] = [one for one in _FORMATS if one in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=known) as image:
                image.load()
                yield image
    except UnclearError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnclearError(f"{name} cannot be read as an image: {str(error)[:100]}") from None


def _read_heic(name: str) -> None:
    try:
        from pillow_heif import (  # noqa: PLC0415 - many do without it  # pyright: ignore[reportMissingImports]
            register_heif_opener,
        )
    except ImportError:
        raise UnclearError(f"{name} is HEIC, for which --fit needs pillow-heif: pip install 'a2e_async[fit]'") from None
    register_heif_opener()
