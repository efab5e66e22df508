"""What the service knows of each family beyond its shapes: prices, run times, and what comes out.

A family that is not named here is served too, by general rules; so a new family works in the simulator at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import attrs

import a2e_async.families  # noqa: F401  # importing the package makes the families known
from a2e_async.core.family import Family, families
from a2e_async.simulator.world.dialects import Dialect, dialect_of
from a2e_async.simulator.world.switches import Body

Makes: TypeAlias = Literal["image", "video", "audio", "record"]
Coins: TypeAlias = Callable[[Body], int]

_SIZES = {
    "1:1": (1024, 1024), "4:3": (1024, 768), "3:4": (768, 1024), "16:9": (1344, 768), "9:16": (768, 1344),
    "2:3": (683, 1024), "3:2": (1024, 683), "21:9": (1512, 648),
}  # fmt: skip
_IMAGE_FILES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_SECONDS_PER_UNIT = 5
_LONGEST_VIDEO = 30
_OLD_STARTS = frozenset({"/api/v1/userText2image/start"})

__all__ = ["SimKind", "known_kinds"]


@attrs.frozen(kw_only=True)
class SimPrice:
    """What one unit of a family's tasks costs, and how many units such a body asks for.

    Attributes:
        coins: Coins of one unit.
        units: Units of one task.
    """

    coins: int
    units: Coins


@attrs.frozen(kw_only=True)
class SimKind:
    """One kind of task as the service sees it.

    Attributes:
        family: The family whose paths it uses.
        dialect: How its tasks are written down.
        seconds: How long its tasks run.
        price: What they cost.
        path: Where a start is posted.
        old_path: Where a start is posted in an old form, if there is one.
    """

    family: Family
    dialect: Dialect
    seconds: tuple[float, float]
    price: SimPrice
    path: str
    old_path: str | None = None

    def count(self, body: Body) -> int:
        """Say how many tasks a body asks for."""
        return _several(body, self.dialect.count)

    def outputs(self, body: Body) -> int:
        """Say how many results one task of a body has."""
        return _several(body, self.dialect.outputs)

    def makes(self, body: Body) -> Makes:
        """Say what comes out of a body."""
        like = self.dialect.like
        if like is None:
            return self.family.makes
        return "image" if str(body.get(like)).partition("?")[0].lower().endswith(_IMAGE_FILES) else "video"


def known_kinds() -> dict[str, SimKind]:
    """Give every kind by the name of its family."""
    return {name: _kind(family) for name, family in families().items()}


def _kind(family: Family) -> SimKind:
    paths = [form.path for form in family.forms]
    return SimKind(
        family=family,
        dialect=dialect_of(family),
        seconds=_RUN_TIMES.get(family.name, _USUAL_TIMES[family.makes]),
        price=_PRICES.get(family.name) or _USUAL_PRICES[family.makes],
        path=next(path for path in paths if path not in _OLD_STARTS),
        old_path=next((path for path in paths if path in _OLD_STARTS), None),
    )


def seconds_of(body: Body) -> int:
    """Give the length of the video that a body asks for."""
    further = body.get("parameters")
    for place, field in (
        (body, "video_time"), (body, "duration"), (body, "duration_seconds"), (further, "duration"),
    ):  # fmt: skip
        asked = place.get(field) if isinstance(place, Mapping) else None
        if isinstance(asked, int | str) and str(asked).isdigit():
            return max(1, min(int(asked), _LONGEST_VIDEO))
    return _SECONDS_PER_UNIT


def size_of(body: Body) -> tuple[int, int]:
    """Give the size of the image that a body asks for."""
    width, height = body.get("width"), body.get("height")
    if body.get("aspect_ratio") in _SIZES and (body.get("model_type") == "seedream" or not width):
        return _SIZES[str(body["aspect_ratio"])]
    across, star, down = str(body.get("size")).partition("*")
    if star and across.isdigit() and down.isdigit():
        return int(across), int(down)
    return int(width or 1024), int(height or 1024)


def _several(body: Body, field: str | None) -> int:
    asked = body.get(field) if field else None
    return asked if isinstance(asked, int) and asked > 0 else 1


def _one(_: Body) -> int:
    return 1


def _five_seconds(body: Body) -> int:
    return math.ceil(seconds_of(body) / _SECONDS_PER_UNIT)


def _gpt_image(body: Body) -> int:
    """Give the documented coins: 20 or 35 by quality, or 25, 35 or 45 by resolution."""
    if body.get("model") == "gpt-image-2":
        return {"2K": 35, "4K": 45}.get(str(body.get("resolution")), 25)
    return 35 if body.get("quality") == "high" else 20


_RUN_TIMES: Mapping[str, tuple[float, float]] = {
    "flux2": (20.0, 60.0),
    "face_swap": (30.0, 45.0),
    "voice_training": (45.0, 75.0),
}
"""Where they are documented (endpoints' notes, service.md 0.5)."""

_USUAL_TIMES: Mapping[Makes, tuple[float, float]] = {
    "image": (2.0, 6.0), "video": (5.0, 20.0), "audio": (5.0, 20.0), "record": (30.0, 60.0),
}  # fmt: skip

_PRICES: Mapping[str, SimPrice] = {
    "gpt_image": SimPrice(coins=1, units=_gpt_image),
    "talking_video": SimPrice(coins=13, units=_five_seconds),
    "talking_photo": SimPrice(coins=13, units=_five_seconds),
    "dubbing": SimPrice(coins=20, units=_one),
    "video_twin": SimPrice(coins=100, units=lambda body: 1 if body.get("image_url") else 0),
}
"""Coins that somebody states (service.md 0.7, 6, 9, 14); a twin of a video is free."""

_USUAL_PRICES: Mapping[Makes, SimPrice] = {
    "image": SimPrice(coins=10, units=_one),
    "video": SimPrice(coins=30, units=_five_seconds),
    "audio": SimPrice(coins=20, units=_one),
    "record": SimPrice(coins=50, units=_one),
}
