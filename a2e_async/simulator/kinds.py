"""What the service knows of each family beyond its paths: rules of a start, prices, run times, kind of result.

A family that is not named here is served too, by general rules; so a new family works in the simulator at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import attrs

import a2e_async.families  # noqa: F401  # importing the package makes the families known
from a2e_async.core.family import Family, families
from a2e_async.core.rules import is_local
from a2e_async.simulator.switches import Body

_SIZES = {
    "1:1": (1024, 1024), "4:3": (1024, 768), "3:4": (768, 1024), "16:9": (1344, 768), "9:16": (768, 1344),
    "2:3": (683, 1024), "3:2": (1024, 683), "21:9": (1512, 648),
}  # fmt: skip
_SECONDS_PER_UNIT = 5
_MANY = 8
_LONGEST_URL = 2048
_LONGEST_FILM = 20

__all__ = ["Kind", "known_kinds"]


@attrs.frozen(kw_only=True)
class Kind:
    """One kind of task as the service sees it.

    Attributes:
        family: The family whose paths and field names it uses.
        makes: A picture or a film.
        seconds: How long its tasks run.
        price: Coins of one unit.
        units: How many units one task of such a body is.
        check: What is wrong with such a body, or None.
        old_path: The path whose start is written in an old form, if there is one.
        check_old: What is wrong with a body in the old form, or None.
    """

    family: Family
    makes: Literal["picture", "film"]
    seconds: tuple[float, float]
    price: int
    units: Callable[[Body], int]
    check: Callable[[Body], str | None]
    old_path: str | None = None
    check_old: Callable[[Body], str | None] | None = None

    def count(self, body: Body) -> int:
        """Say how many tasks a body asks for."""
        field = self.family.count_field
        return int(body.get(field) or 1) if field else 1


def known_kinds() -> dict[str, Kind]:
    """Give every kind by the name of its family."""
    return {name: _special(family) or _general(family) for name, family in families().items()}


def _special(family: Family) -> Kind | None:
    if family.name == "text_to_image":
        return Kind(
            family=family,
            makes="picture",
            seconds=(2.0, 6.0),
            price=10,
            units=_one,
            check=_check_picture,
            old_path="/api/v1/userText2image/start",
            check_old=_check_old_picture,
        )
    if family.name == "image_to_video":
        return Kind(family=family, makes="film", seconds=(5.0, 20.0), price=30, units=_five_seconds, check=_check_film)
    return None


def _general(family: Family) -> Kind:
    makes: Literal["picture", "film"] = "picture" if "image" in family.result_fields[0] else "film"
    return Kind(family=family, makes=makes, seconds=(5.0, 20.0), price=20, units=_one, check=_check_nothing)


def seconds_of(body: Body) -> int:
    """Give the length of the film that a body asks for."""
    asked = body.get("video_time", body.get("duration", _SECONDS_PER_UNIT))
    try:
        return max(1, min(int(asked), _LONGEST_FILM))
    except (TypeError, ValueError):
        return _SECONDS_PER_UNIT


def size_of(body: Body) -> tuple[int, int]:
    """Give the size of the picture that a body asks for."""
    if body.get("model_type") == "seedream" and body.get("aspect_ratio") in _SIZES:
        return _SIZES[str(body["aspect_ratio"])]
    width, height = body.get("width") or 1024, body.get("height") or 1024
    return int(width), int(height)


def _one(_: Body) -> int:
    return 1


def _five_seconds(body: Body) -> int:
    return math.ceil(seconds_of(body) / _SECONDS_PER_UNIT)


def _check_nothing(body: Body) -> str | None:
    return _check_webhook(body)


def _check_film(body: Body) -> str | None:
    for field in ("prompt", "negative_prompt"):
        if not body.get("lora") and not _is_text(body.get(field)):
            return f"{field} is required"
    if body.get("model_type") == "FLF2V" and not body.get("end_image_url"):
        return "end_image_url is required"
    links = {field: body[field] for field in ("image_url", "end_image_url") if body.get(field) is not None}
    return (
        ("image_url is required" if not body.get("image_url") else None)
        or next((f"{field} must be a public http(s) URL" for field, link in links.items() if not _is_link(link)), None)
        or _not_among(body, "model_type", "GENERAL", "FLF2V")
        or _not_among(body, "model_version", "a2e", "a2e-v2", "a2e-v2-flash")
        or _not_among(body, "video_time", 5, 10, 15, 20)
        or _not_within(body, "number_of_images", _MANY)
        or _check_webhook(body)
    )


def _check_picture(body: Body) -> str | None:
    inputs = body.get("input_images") or []
    most = 10 if body.get("model_type") == "seedream" else 2
    return (
        ("prompt is required" if not _is_text(body.get("prompt")) else None)
        or _not_among(body, "model_type", "a2e", "seedream")
        or _not_among(body, "aspect_ratio", *_SIZES)
        or _not_within(body, "max_images", _MANY)
        or _not_within(body, "width")
        or _not_within(body, "height")
        or (f"input_images must be at most {most} links" if not _are_links(inputs, most) else None)
        or _check_webhook(body)
    )


def _check_old_picture(body: Body) -> str | None:
    missing = [field for field in ("name", "prompt", "req_key", "width", "height") if body.get(field) in (None, "")]
    return (
        (f"{missing[0]} is required" if missing else None)
        or _not_among(body, "req_key", "high_aes_general_v21_L", "high_aes")
        or _not_within(body, "width")
        or _not_within(body, "height")
        or _check_webhook(body)
    )


def _check_webhook(body: Body) -> str | None:
    hook = body.get("webhook_url")
    if hook is None:
        return None
    is_safe = _is_link(hook) and (hook.startswith("https://") or is_local(hook))  # this machine needs no https
    if is_safe and len(hook) <= _LONGEST_URL:
        return None
    return "webhook_url must be an https URL of at most 2048 characters"


def _not_among(body: Body, field: str, *allowed: object) -> str | None:
    if body.get(field) is None or body[field] in allowed:
        return None
    return f"{field} must be one of {', '.join(map(str, allowed))}"


def _not_within(body: Body, field: str, most: int | None = None) -> str | None:
    value = body.get(field)
    if value is None:
        return None
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and value >= 1 and (most is None or value <= most):
        return None
    return f"{field} must be a number from 1" + (f" to {most}" if most else "")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_link(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://")) and " " not in value


def _are_links(values: object, most: int) -> bool:
    return isinstance(values, list) and len(values) <= most and all(_is_link(value) for value in values)
