"""How a job, a result and a record show themselves: as a card with its images in a notebook, in order in rich.

Laws of this file: every text is escaped, and only http and https URLs are followed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import urlsplit

from a2e_async.core import urls

_SHOWN = (
    "id",
    "task_ids",
    "family",
    "stage",
    "status",
    "name",
    "tag",
    "coins",
    "failed_code",
    "failed_message",
    "error",
)
_MOST = 12
_STYLE = "max-width:320px;max-height:320px;margin:2px;vertical-align:top"
_VIDEOS = frozenset({".mp4", ".mov", ".webm", ".m4v"})
_SOUNDS = frozenset({".mp3", ".wav", ".m4a", ".ogg", ".flac"})


def card_of(thing: object) -> str:
    """Give an object as a card of HTML, with the files at its URLs."""
    urls = _urls(thing)
    files = "".join(map(_inline, urls[:_MOST]))
    more = f"<p>and {len(urls) - _MOST} more</p>" if len(urls) > _MOST else ""
    cells = (f"<th>{escape(name)}</th><td>{escape(_text(value))}</td>" for name, value in _facts(thing))
    rows = "".join(f"<tr>{cell}</tr>" for cell in cells)
    title = escape(type(thing).__name__)
    return f"<div><strong>{title}</strong><table>{rows}</table>{files}{more}</div>"


def facts_of(thing: object) -> Iterator[tuple[str, object]]:
    """Give what an object knows, in order, its URLs last."""
    yield from _facts(thing)
    if urls := _urls(thing):
        yield "urls", urls


def _facts(thing: object) -> Iterator[tuple[str, object]]:
    for name in _SHOWN:
        value = getattr(thing, name, None)
        if value not in (None, "", ()):
            yield name, value.value if isinstance(value, enum.Enum) else getattr(value, "name", value)


def _urls(thing: object) -> tuple[str, ...]:
    own: Sequence[str] | None = getattr(thing, "urls", None)
    if own is not None:
        return tuple(own)
    return tuple(url for record in getattr(thing, "records", ()) for url in record.urls)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _inline(url: str) -> str:
    """Give a file as an image, video or audio file that is fetched when it is seen."""
    shown_url, suffix = escape(url, quote=True), urls.suffix_of(url)
    if not _is_web(url):
        return f"<p>{shown_url}</p>"
    if suffix in _VIDEOS:
        return f"<video src='{shown_url}' style='{_STYLE}' controls preload='metadata'></video>"
    if suffix in _SOUNDS:
        return f"<audio src='{shown_url}' controls preload='none'></audio>"
    shown = f"<img src='{shown_url}' style='{_STYLE}' loading='lazy' referrerpolicy='no-referrer' alt=''>"
    return f"<a href='{shown_url}' target='_blank' rel='noopener noreferrer'>{shown}</a>"


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False
