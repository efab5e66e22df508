"""Calls that make something at once: a watermark, a longer prompt, a copy in the service's own storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from a2e_async.simulator.answers.desk import Asked, Call, Desk
from a2e_async.simulator.media.specs import ImageSpec, Media
from a2e_async.simulator.world.messages import RefusedError, Said

_PAUSE = 0.3
_MORE = "The light is soft, the colours are warm, the camera moves slowly and everything is sharp."


def _watermark(desk: Desk, asked: Asked) -> object:
    needed = "watermark_image_url" if asked.text("watermark_type") == "image" else "text"
    if not asked.text(needed):
        raise RefusedError(f"{needed} is required")
    words = asked.text("text") or "an image as watermark"
    below = _media(desk, asked.text("media_url"))
    marked = ImageSpec(f"{below.prompt if isinstance(below, ImageSpec) else ''} {words}".strip(), 640, 480, "watermark")
    return {"result_url": desk.files.publish(marked)}


def _transfer(desk: Desk, asked: Asked) -> object:
    return {desk.world.switches.transfer_key: desk.files.publish(_media(desk, asked.text("url")))}


def _media(desk: Desk, link: str) -> Media:
    found = desk.files.media_at(link)
    if found is None:
        raise RefusedError("The URL could not be read")
    return found


def _longer(desk: Desk, asked: Asked) -> object:
    told = {
        "prompt": _within(asked, f"{asked.text('prompt')} {_MORE}".strip()),
        "negative_prompt": asked.text("negative_prompt"),
        "reference_id": asked.text("reference_id"),
    }
    if not asked.values.get("stream"):
        return told
    return Said(told, pieces=tuple(_events(desk, told)))


def _within(asked: Asked, words: str) -> str:
    longest = asked.values.get("max_length")
    return words[:longest] if isinstance(longest, int) and longest > 0 else words


def _events(_: Desk, told: dict[str, Any]) -> Iterator[tuple[float, bytes]]:
    """Give the words one by one, then the result, then the end."""
    for word in told["prompt"].split(" "):
        yield _PAUSE, _event("delta", {"delta": f"{word} "})
    if "[error]" in told["prompt"]:
        yield _PAUSE, _event("error", {"message": "The prompt could not be made longer"})
    else:
        yield _PAUSE, _event("result", told)
        yield 0.0, _event("done", {})


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


CALLS = (
    Call("prompts.extend", "POST /api/v1/userImage2Video/prompt_extension", _longer),
    Call("prompts.extend_between", "POST /api/v1/userImage2Video/flf2v_prompt_extension", _longer),
    Call("watermark", "POST /api/v1/watermark/start", _watermark),
    Call("storage.transfer", "POST /api/v1/tos/transferToStorage", _transfer),
)
