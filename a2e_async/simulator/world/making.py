"""How a task comes to be: how long it runs, whether it fails, and what its results show."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from a2e_async.simulator.chance import between, digest
from a2e_async.simulator.media.specs import AudioSpec, ImageSpec, Media, Still, VideoSpec
from a2e_async.simulator.world.kinds import SimKind, seconds_of, size_of
from a2e_async.simulator.world.switches import Body, Switches

Failure: TypeAlias = tuple[str, str]
FindStill: TypeAlias = Callable[[str], Still | None]

_FAIL = re.compile(r"\[fail(?::([\w-]+))?\]")
_WORDS = ("prompt", "positive_prompt", "caption", "location", "text", "msg", "lora")
_FIRST = (
    "image_url", "first_frame_url", "image_urls", "imageUrls", "input_images", "image_list", "target_image_url",
    "video_url", "source_url", "face_image_url", "face_url", "first_clip_url", "edit_video_url", "anchor_id",
)  # fmt: skip
_LAST = ("end_image_url", "last_frame_url")


def words_of(kind: SimKind, body: Body) -> str:
    """Give the words that steer a task and are drawn: its prompt, or what stands in for it; else its name."""
    told = next((str(body[field]) for field in _WORDS if body.get(field)), "")
    inside = body.get("input")
    told = told or (str(inside.get("prompt") or "") if isinstance(inside, dict) else "")
    return told or str(body.get(kind.dialect.name or "") or "")


def run_time(kind: SimKind, body: Body, switches: Switches, serial: int) -> float:
    """Say how long a task runs."""
    how = kind.seconds if switches.task_seconds is None else switches.task_seconds
    if isinstance(how, tuple):
        return between(*how, switches.seed, "run time", serial)
    return float(how(kind.family.name, body) if callable(how) else how)


def failure_of(kind: SimKind, body: Body, switches: Switches, serial: int) -> Failure | None:
    """Say how a task fails, None when it does not."""
    marked = _FAIL.search(words_of(kind, body))
    every, fails = switches.fail_every, switches.fails
    if marked or (every and serial % every == 0) or (fails and fails(kind.family.name, body)):
        return failure((marked[1] if marked else None) or "generation_error")
    return None


def failure(code: str) -> Failure:
    """Give a failure with the words of its code."""
    words = {
        "timeout": "The task was given up after 2 hours; your coins have been returned",
        "invalid_image": "The image could not be read from its URL",
        "nsfw": "The content was found to be sensitive",
    }.get(code, "The generation failed, please try again")
    return code, words


def is_stuck(kind: SimKind, body: Body) -> bool:
    """Whether a task never gets on."""
    return "[stuck]" in words_of(kind, body)


def files_of(kind: SimKind, body: Body, seed: int, index: int, find_still: FindStill) -> tuple[Media, ...]:
    """Say what the results of one task show; nothing when an input cannot be read.

    Args:
        kind: Its kind.
        body: Its start.
        seed: Where chance begins.
        index: Its number among the tasks of the start.
        find_still: Gives the still behind a URL.
    """
    prompt = words_of(kind, body) or kind.family.title
    first, last = (_still(body, fields, find_still) for fields in (_FIRST, _LAST))
    makes = kind.makes(body)
    if (makes == "video" and first is _UNREADABLE) or last is _UNREADABLE:
        return ()
    files: list[Media] = []
    for output in range(kind.outputs(body)):
        variant = f"{seed or ''}/{index + output or ''}".strip("/")
        if makes == "video":
            files.append(VideoSpec(first or ImageSpec(prompt), last, seconds_of(body), digest(prompt, variant)))
        elif makes == "audio":
            files.append(AudioSpec(prompt, min(seconds_of(body), 5), variant))
        else:
            files.append(ImageSpec(prompt, *size_of(body), variant))
    return tuple(files)


_UNREADABLE = ImageSpec("unreadable")


def _still(body: Body, fields: tuple[str, ...], find_still: FindStill) -> Still | None:
    """Give the still of the first of these fields that is given, `_UNREADABLE` where it cannot be read."""
    for field in fields:
        given = body.get(field)
        link = given[0] if isinstance(given, list) and given else given
        if isinstance(link, str) and link:
            return find_still(link) or _UNREADABLE
    return None
