"""URLs of strangers: which can be fetched, how they are shown, and what their text says of the file."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from a2e_async.core import addresses, media

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # of one letter it is a drive of Windows
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fault_of(url: object) -> str:
    """Say what keeps a URL from being fetched, in words that go on "the URL ..."; "" when nothing does."""
    if not isinstance(url, str):
        return "is no text"
    parts = _parts(url)
    if parts is None or _CONTROL.search(url):
        return "cannot be read"
    if parts.scheme.lower() not in ("http", "https"):
        return "is no http or https URL"
    host = addresses.host_of(url)
    return "" if host and not re.search(r"[\s\\]", parts.netloc) else "names no host that can be asked"


def without_query(url: str) -> str:
    """Give a URL without its query, which can hold a signature, and without a login."""
    parts = _parts(url)
    if parts is None:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def one_spelling(url: str) -> str:
    """Give the address of a service in one spelling: capitals, the usual port and a slash at its end say nothing."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def suffix_of(url: str) -> str:
    """Give the suffix of a URL's path, "" when it has none that a media file could have."""
    parts = _parts(url)
    suffix = PurePosixPath(unquote(parts.path)).suffix.lower() if parts else ""
    return suffix if media.is_media_suffix(suffix) else ""


def name_in(url: str) -> str:
    """Give the last part of a URL's path, without its suffix."""
    return PurePosixPath(unquote(urlsplit(url).path)).stem


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return None
    return parts


def is_path(text: str) -> bool:
    """Whether a text in a field of URLs is a path: whatever names no scheme of a URL."""
    return bool(text.strip()) and not _SCHEME.match(text)
