"""What a file shows, as data: cheap to keep for each of 100,000 tasks, rendered only when somebody asks."""

from __future__ import annotations

from typing import TypeAlias

import attrs


@attrs.frozen
class ImageSpec:
    """An image that is drawn from words.

    Attributes:
        prompt: The words.
        width: The width asked for.
        height: The height asked for.
        variant: Tells the images of one start apart.
    """

    prompt: str
    width: int = 1024
    height: int = 1024
    variant: str = ""


@attrs.frozen
class Stored:
    """A file that somebody uploaded.

    Attributes:
        digest: Of its bytes; equal files are the same file.
        body: Its bytes.
        content_type: As it was uploaded.
    """

    digest: str
    body: bytes = attrs.field(eq=False, repr=False)
    content_type: str = "application/octet-stream"


Still: TypeAlias = ImageSpec | Stored


@attrs.frozen
class VideoSpec:
    """A video that begins with a still.

    Attributes:
        first: The still it begins with.
        last: The still it ends with, if any.
        seconds: How long it is.
        variant: Tells the videos of one start, and of different prompts, apart.
    """

    first: Still
    last: Still | None = None
    seconds: int = 5
    variant: str = ""


@attrs.frozen
class AudioSpec:
    """Audio that somebody could take for speech.

    Attributes:
        words: What is said; other words give other audio.
        seconds: How long it is.
        variant: Tells the audio of different voices apart.
    """

    words: str
    seconds: float = 2.0
    variant: str = ""


Media: TypeAlias = ImageSpec | Stored | VideoSpec | AudioSpec


def suffix_of(media: Media) -> str:
    """Give the suffix that a file of this kind has."""
    if isinstance(media, Stored):
        return _SUFFIXES.get(media.content_type, "")
    return ".png" if isinstance(media, ImageSpec) else ".mp4" if isinstance(media, VideoSpec) else ".wav"


_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "video/mp4": ".mp4", "audio/wav": ".wav", "audio/mpeg": ".mp3"}


@attrs.frozen
class Blob:
    """A rendered file.

    Attributes:
        body: Its bytes.
        content_type: What it is.
        etag: Its strong entity tag, quotes included.
    """

    body: bytes = attrs.field(repr=False)
    content_type: str
    etag: str
