"""What files show: images, videos or audio."""

from __future__ import annotations

from collections.abc import Sequence

from a2e_async.core.media import is_media_suffix

_ONE = {"image": "an image", "video": "a video", "audio": "audio"}

_KINDS_BY_SUFFIX = {
    "image": frozenset({
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".apng", ".webp", ".gif", ".heic", ".heif", ".hif", ".avif", ".bmp",
        ".tif", ".tiff", ".jp2", ".jpx", ".jpf", ".jpm", ".j2k", ".jxl", ".jxr", ".ico", ".cur", ".tga", ".pnm", ".ppm",
        ".pgm", ".pbm", ".psd", ".psb", ".exr", ".hdr", ".dds", ".qoi", ".xcf", ".icns", ".bpg", ".dng", ".nef", ".arw",
        ".cr2", ".cr3", ".rw2", ".orf", ".raf",
    }),
    "audio": frozenset({
        ".mp3", ".wav", ".m4a", ".m4b", ".m4r", ".aac", ".flac", ".ogg", ".oga", ".opus", ".spx", ".mka", ".weba",
        ".mp2", ".ac3", ".eac3", ".mlp", ".aif", ".aiff", ".aifc", ".amr", ".awb",
        ".mid", ".midi", ".caf", ".au", ".ra", ".wv",
        ".mpc", ".tta", ".dsf", ".dff", ".dts", ".voc", ".xm", ".s3m", ".it", ".ape", ".wma", ".qcp", ".3ga",
    }),
}  # fmt: skip


def kind_of_suffix(suffix: str) -> str:
    """Give what files of this suffix are, "image", "video" or "audio"; "" for those that are none of these."""
    known = suffix.lower()
    if not is_media_suffix(known):
        return ""
    return next((kind for kind, suffixes in _KINDS_BY_SUFFIX.items() if known in suffixes), "video")


def one_of(kinds: Sequence[str]) -> str:
    """Name what is of these kinds, such as "an image or a video"; what is of none is given by its URL alone."""
    return " or ".join(_ONE[kind] for kind in kinds) or "a URL"
