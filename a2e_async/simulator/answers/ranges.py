"""Serving a file over HTTP as the standard has it: Range, If-Range, ETag, HEAD."""

from __future__ import annotations

import re
from collections.abc import Mapping

from a2e_async.simulator.media.specs import Blob
from a2e_async.simulator.world.messages import SimReply, http_date

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class UnsatisfiableError(Exception):
    """The range lies outside the file."""


def file_reply(
    blob: Blob, headers: Mapping[str, str], modified: float, *, head: bool = False, ranges: bool = True
) -> SimReply:
    """Answer a request for a file.

    Args:
        blob: The file.
        headers: The request's headers, names in lower case.
        modified: When the file was made.
        head: Send no body.
        ranges: Serve parts of the file.
    """
    size = len(blob.body)
    given = {
        "Content-Type": blob.content_type,
        "ETag": blob.etag,
        "Last-Modified": http_date(modified),
        "Accept-Ranges": "bytes" if ranges else "none",
        "X-Content-Type-Options": "nosniff",  # anybody may upload a page; it shall run no script here
        "Content-Security-Policy": "sandbox",
    }
    try:
        part = _part(headers, blob.etag, given["Last-Modified"], size) if ranges and not head else None
    except UnsatisfiableError:
        return SimReply(status=416, headers={**given, "Content-Range": f"bytes */{size}"})
    if _is_known(headers, blob.etag):
        return SimReply(status=304, headers=given)
    if part is None:
        return SimReply(headers={**given, "Content-Length": str(size)}, body=b"" if head else blob.body)
    start, stop = part
    given |= {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "Content-Length": str(stop - start)}
    return SimReply(status=206, headers=given, body=blob.body[start:stop])


def _part(headers: Mapping[str, str], etag: str, modified: str, size: int) -> tuple[int, int] | None:
    """Give start and end of the part to send, or None for the whole file, as several or odd ranges get it."""
    found = _RANGE.fullmatch(headers.get("range", "").strip())
    condition = headers.get("if-range")
    if found is None or not any(found.groups()) or (condition is not None and condition not in (etag, modified)):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
        if not int(last):
            raise UnsatisfiableError
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise UnsatisfiableError
    return start, stop


def _is_known(headers: Mapping[str, str], etag: str) -> bool:
    known = headers.get("if-none-match", "")
    return known == "*" or etag in (tag.strip() for tag in known.split(","))
