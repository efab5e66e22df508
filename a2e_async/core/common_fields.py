"""What several families have in common: fields of requests, and a dialect of endpoints."""

from __future__ import annotations

from typing import Annotated, Any

from a2e_async.core import rules
from a2e_async.core.family import Endpoint
from a2e_async.core.records import Result
from a2e_async.core.requests import Link, Usual, request

Seconds = Annotated[float, rules.number(1)]
"""The service's own time limit for the work on a task; not to be taken for that of a job."""


@request
class Talking(Usual[Result]):
    """A film in which somebody talks.

    Args:
        prompt: How it is said, and what happens meanwhile.
        negative_prompt: What shall not be seen.
        audio_url: What is said or sung; a public http(s) URL.
        duration: Length in seconds, 1 to 20 (its default: 3).
    """

    prompt: str
    negative_prompt: str
    audio_url: Link | None = None
    duration: Annotated[int, rules.whole(1, 20)] | None = None


def model_dialect(base: str, note: str = "") -> dict[str, Any]:
    """Give what the families of picture models share: where their endpoints are, and what a record holds.

    In which fields a record has its status and its pictures is not documented; clients saw these.

    Args:
        base: The path below which the endpoints lie.
        note: Why the list is uncertain, where it is.
    """
    return {
        "base": base,
        "detail": Endpoint(path=f"{base}/detail/{{id}}"),
        "listing": Endpoint(path=f"{base}/list", query={"page": "{page}", "page_size": "{size}"}, note=note),
        "status_fields": ("current_status", "status"),
        "result_fields": ("image_urls", "result_url"),
        "makes": "picture",
        "webhook": True,
    }
