"""What several families have in common: fields, rules of URLs and between fields, and a dialect of endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from a2e_async.core import addresses, rules, urls
from a2e_async.core.family import Endpoint
from a2e_async.core.records import Result
from a2e_async.core.requests import Audio, Request, Usual, request

Seconds = Annotated[float, rules.number(1)]
"""The service's own time limit for the work on a task; not to be taken for that of a job."""

ObjectId = Annotated[str, rules.object_id()]
"""An id as the service's schema has it by a pattern."""

WanRatio = Literal["1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9"]
"""The shapes of the images by Wan."""

MAY_BE_NSFW = "A start whose content is taken for NSFW is answered with 200 and starts nothing: ModerationError."

FORCED = (
    "Only with force_generate=False is the content polled before it is charged. For API tokens the default, where "
    "the service states one, is True: a start goes on, is charged, and may still fail."
)
"""What `force_generate` means: true for API callers of Nano Banana and Flux 2, says the reference, and no more."""


@request
class Talking(Usual[Result]):
    """A video in which somebody talks.

    Args:
        prompt: How it is said, and what happens meanwhile.
        negative_prompt: What must not appear.
        audio_url: What is said or sung; a public http(s) URL.
        duration: Length in seconds, 1 to 20 (service default: 3).
    """

    prompt: str
    negative_prompt: str
    audio_url: Audio | None = None
    duration: Annotated[int, rules.whole(1, 20)] | None = None


def model_dialect(base: str, note: str = "") -> dict[str, Any]:
    """Give what the families of image models share: where their endpoints are, and what a record holds.

    In which fields a record has its status and its images is not documented; clients saw these.

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
        "makes": "image",
        "webhook": True,
    }


Seed = Annotated[int, rules.whole(0, 2**31 - 1)]
"""A number from which chance begins; the same one gives a like result."""


def either(one: rules.Rule, other: rules.Rule) -> rules.Rule:
    """Whatever keeps one of two rules."""
    words = f"{one.words} or {other.words.removeprefix('must be ')}"
    return rules.Rule(words, lambda value: one.check(value) or other.check(value), link=one.link or other.link)


def a_list() -> rules.Rule:
    """A list of at least one item, whatever it is."""
    words = "must be a list of at least one item"
    return rules.Rule(words, lambda value: isinstance(value, list | tuple) and len(value) > 0)


def secure_link() -> rules.Rule:
    """A URL that the service fetches over https alone; also one on this machine, for a simulator; or an input."""
    link = rules.url()
    return rules.Rule(
        "must be an https URL with a host and without spaces (no data: URL)",
        lambda value: link.check(value) and (not isinstance(value, str) or _is_secure(value)),
        link=True,
    )


def _is_secure(url: str) -> bool:
    return url.lower().startswith("https://") or addresses.is_local(url)


def link_to(*suffixes: str, secure: bool = False) -> rules.Rule:
    """A URL that the service fetches, over https alone where it says so, and whose path ends in one of these.

    Of a file its kind decides, of what a job makes the URL that it comes to.
    """
    link, scheme = (secure_link(), "https") if secure else (rules.url(), "http or https")
    return rules.Rule(
        f"must be an {scheme} URL without spaces whose path ends in {_either(suffixes)}",
        lambda value: link.check(value) and (not isinstance(value, str) or urls.suffix_of(value) in suffixes),
        link=True,
        suffixes=suffixes,
    )


def need(request: Request[Result], fields: Sequence[str], why: str) -> None:
    """Refuse a request that lacks one of these fields, such as `why="with mode 'reference'"`."""
    for field in fields:
        if getattr(request, field) is None:
            raise rules.refuse(field, None, f"must be given {why}")


def need_one(request: Request[Result], fields: Sequence[str], why: str = "") -> None:
    """Refuse a request that has none of these fields; the refusal names the first."""
    if all(getattr(request, field) is None for field in fields):
        raise rules.refuse(fields[0], None, f"one of {_either(fields)} must be given {why}".rstrip())


def forbid(request: Request[Result], fields: Sequence[str], why: str) -> None:
    """Refuse a request that has one of these fields, such as `why="without mode 'reference'"`."""
    for field in fields:
        value = getattr(request, field)
        if value is not None:
            raise rules.refuse(field, value, f"must not be given {why}")


def narrow(request: Request[Result], field: str, rule: rules.Rule, why: str) -> None:
    """Refuse a field, if it is given, that breaks a narrower rule than its own."""
    value = getattr(request, field)
    if value is not None and not rule.check(value):
        raise rules.refuse(field, value, f"{rule.words} {why}")


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
