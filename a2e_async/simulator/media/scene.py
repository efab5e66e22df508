"""What a prompt looks like: a landscape as data, the same one each time, for whoever draws it."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TypeAlias

import attrs

from a2e_async.simulator.chance import between, number

Colour: TypeAlias = tuple[int, int, int]

_PALETTES: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "day": ((47, 128, 214), (205, 236, 250), (255, 246, 214), (38, 92, 84)),
    "dawn": ((62, 60, 128), (255, 184, 148), (255, 236, 200), (54, 50, 92)),
    "sunset": ((58, 28, 113), (255, 158, 104), (255, 226, 150), (52, 24, 66)),
    "night": ((9, 14, 38), (52, 72, 128), (236, 238, 222), (10, 16, 34)),
    "mint": ((24, 116, 124), (206, 246, 222), (255, 250, 220), (16, 70, 70)),
    "rose": ((97, 67, 133), (250, 202, 196), (255, 240, 226), (66, 40, 84)),
    "desert": ((53, 92, 125), (248, 190, 150), (255, 236, 196), (122, 62, 60)),
    "autumn": ((94, 120, 150), (252, 226, 176), (255, 242, 206), (118, 62, 30)),
}
_LIGHT_WORDS = {
    "night": "night", "moon": "night", "star": "night", "dark": "night", "midnight": "night",
    "sunset": "sunset", "evening": "sunset", "dusk": "sunset", "dawn": "dawn", "morning": "dawn", "sunrise": "dawn",
    "desert": "desert", "sand": "desert", "dune": "desert", "autumn": "autumn", "fall": "autumn", "day": "day",
    "noon": "day", "summer": "day", "spring": "mint", "rose": "rose",
}  # fmt: skip
_SUBJECT_WORDS = {
    "kite": "kite", "balloon": "balloon", "bird": "birds", "gull": "birds", "boat": "boat", "ship": "boat",
    "sail": "boat", "sailing": "boat", "sea": "boat", "ocean": "boat", "lake": "boat", "beach": "boat",
    "tree": "trees", "forest": "trees", "wood": "trees", "city": "city", "street": "city", "town": "city",
    "house": "city", "skyline": "city", "mountain": "peaks", "snow": "peaks", "alp": "peaks",
}  # fmt: skip
_COLOUR_WORDS: dict[str, Colour] = {
    "red": (226, 48, 48), "orange": (244, 132, 40), "yellow": (250, 206, 60), "gold": (236, 184, 64),
    "green": (52, 168, 92), "teal": (22, 160, 152), "blue": (48, 108, 224), "purple": (134, 72, 200),
    "violet": (134, 72, 200), "pink": (240, 110, 164), "white": (246, 246, 240), "black": (40, 40, 48),
    "brown": (140, 92, 56), "silver": (192, 200, 210),
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")


@attrs.frozen(kw_only=True)
class Hills:
    """One ridge of hills: a sum of three waves.

    Attributes:
        base: Its middle height, as a part of the image's height from the top.
        swing: How far it goes up and down.
        waves: Frequency, phase and share of each wave.
        colour: Its colour.
    """

    base: float
    swing: float
    waves: tuple[tuple[float, float, float], ...]
    colour: Colour

    def top(self, x: float) -> float:
        """Give its height at a place; both are parts of the image's sides."""
        return self.base + self.swing * sum(share * math.sin(pace * x + at) for pace, at, share in self.waves)


@attrs.frozen(kw_only=True)
class Landscape:
    """A landscape; places are parts of the image's sides.

    Attributes:
        seed: For whatever else is drawn at random.
        light: The time of day.
        sky: The colour at the top.
        horizon: The colour at the horizon.
        glow: The colour of sun or moon.
        sun: Its place.
        hills: From far to near.
        subject: What stands in the image.
        place: Where.
        colour: Its colour.
        second: Its other colour.
        has_water: There is water in front.
    """

    seed: int
    light: str
    sky: Colour
    horizon: Colour
    glow: Colour
    sun: tuple[float, float]
    hills: tuple[Hills, ...]
    subject: str
    place: tuple[float, float]
    colour: Colour
    second: Colour
    has_water: bool


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Give a colour between two; a share of 0 is the first."""
    first, second, third = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return first, second, third


@lru_cache(maxsize=256)
def scene_of(prompt: str, variant: str = "") -> Landscape:
    """Give the landscape of a prompt."""
    seed = number(prompt, variant)
    words = _WORD.findall(prompt.lower())
    light = _named(words, _LIGHT_WORDS) or _pick(seed, "light", ("day", "dawn", "sunset", "mint", "rose", "desert"))
    subject = _named(words, _SUBJECT_WORDS) or _pick(seed, "subject", ("kite", "balloon", "birds", "boat", "trees"))
    sky, horizon, glow, land = _PALETTES[light]
    colours = tuple(_COLOUR_WORDS)
    named = [word for word in words if word in _COLOUR_WORDS]
    colour = _COLOUR_WORDS[named[0] if named else _pick(seed, "colour", colours[:9])]
    second = _COLOUR_WORDS[named[1]] if named[1:] else mix(colour, (255, 250, 235), 0.72)
    side = between(0.28, 0.42, seed, "side")
    is_left = seed % 2 == 0
    return Landscape(
        seed=seed,
        light=light,
        sky=sky,
        horizon=horizon,
        glow=glow,
        sun=(1 - side if is_left else side, between(0.2, 0.42, seed, "sun")),
        hills=tuple(_ridge(seed, index, horizon, land) for index in range(3)),
        subject=subject,
        place=(side if is_left else 1 - side, between(0.26, 0.36, seed, "place")),
        colour=colour,
        second=second,
        has_water=subject == "boat",
    )


def _ridge(seed: int, index: int, horizon: Colour, land: Colour) -> Hills:
    waves = tuple(
        (between(low, high, seed, "pace", index, low), between(0, math.tau, seed, "phase", index, low), share)
        for low, high, share in ((3, 6, 0.62), (8, 13, 0.27), (18, 27, 0.11))
    )
    return Hills(
        base=0.56 + 0.11 * index,
        swing=0.055 - 0.006 * index,
        waves=waves,
        colour=mix(horizon, land, 0.34 + 0.31 * index),
    )


def _named(words: list[str], meanings: dict[str, str]) -> str | None:
    both = (form for word in words for form in (word, word.removesuffix("s")))
    return next((meanings[form] for form in both if form in meanings), None)


def _pick(seed: int, what: str, choices: tuple[str, ...]) -> str:
    return choices[number(seed, what) % len(choices)]
