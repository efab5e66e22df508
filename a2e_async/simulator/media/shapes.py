"""What stands in a landscape, drawn with pillow: kites, balloons, birds, boats, trees, towns and peaks."""

from __future__ import annotations

import math
from collections.abc import Callable

from PIL import ImageDraw

from a2e_async.simulator.chance import between
from a2e_async.simulator.media.scene import Colour, Landscape, mix

Point = tuple[float, float]

_DARK: Colour = (34, 30, 40)
_LIGHT: Colour = (255, 252, 244)


def draw_subject(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    """Draw the subject of a scene."""
    _SHAPES[scene.subject](pen, scene, width, height)


def _kite(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    x, y, size = scene.place[0] * width, scene.place[1] * height, min(width, height) * 0.17
    lean = between(-0.45, 0.45, scene.seed, "lean")

    def at(right: float, down: float) -> Point:
        return (
            x + size * (right * math.cos(lean) - down * math.sin(lean)),
            y + size * (right * math.sin(lean) + down * math.cos(lean)),
        )

    top, left, right, foot, heart = at(0, -1), at(-0.72, -0.18), at(0.72, -0.18), at(0, 1.15), at(0, -0.18)
    line = max(2, round(size * 0.022))
    hand = (width * (0.5 + (scene.place[0] - 0.5) * 0.2), height * 0.9)
    pen.line(_curve(heart, (x, height * 0.7), hand), fill=mix(scene.horizon, _DARK, 0.55), width=max(1, line // 2))
    tail = [at(0.16 * math.sin(step * 0.9), 1.15 + step * 0.16) for step in range(9)]
    pen.line(tail, fill=mix(scene.colour, _DARK, 0.3), width=line, joint="curve")
    for index, (tail_x, tail_y) in enumerate(tail[2::2]):
        bow = size * 0.11
        fill = scene.second if index % 2 else scene.colour
        for side in (-1, 1):
            tips = [
                (tail_x, tail_y),
                (tail_x + side * bow, tail_y - bow * 0.6),
                (tail_x + side * bow, tail_y + bow * 0.6),
            ]
            pen.polygon(tips, fill=fill)
    panels = ((top, left, 0.0), (top, right, 0.22), (foot, left, 0.32), (foot, right, 0.1))
    for index, (end, wing, shade) in enumerate(panels):
        base = scene.colour if index in (0, 3) else mix(scene.colour, scene.second, 0.55)
        pen.polygon([heart, end, wing], fill=mix(base, _DARK, shade * 0.6))
    for one, other in ((top, foot), (left, right)):
        pen.line([one, other], fill=mix(scene.colour, _DARK, 0.55), width=line)


def _balloon(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    for share, place in ((0.4, (0.62 - scene.place[0] * 0.24, scene.place[1] * 0.55)), (1.0, scene.place)):
        x, y, size = place[0] * width, place[1] * height, min(width, height) * 0.17 * share
        foot = y + size * 1.75
        for side in (-1, 1):
            pen.line([(x + side * size * 0.5, y + size * 0.8), (x + side * size * 0.14, foot)], fill=_DARK, width=2)
        pen.polygon(_around((x, y), size, (-0.62, 0.72), (0.62, 0.72), (0, 1.5)), fill=mix(scene.colour, _DARK, 0.2))
        for index, part in enumerate((1.0, 0.72, 0.4, 0.12)):
            fill = scene.colour if index % 2 == 0 else scene.second
            pen.ellipse(
                (x - size * part, y - size, x + size * part, y + size * 1.06), fill=mix(fill, _DARK, 0.05 * index)
            )
        pen.rounded_rectangle(
            (x - size * 0.2, foot, x + size * 0.2, foot + size * 0.28), size * 0.05, fill=(112, 74, 44)
        )


def _birds(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    for index in range(9):
        x = (scene.place[0] + between(-0.24, 0.3, scene.seed, "x", index)) * width
        y = (scene.place[1] + between(-0.16, 0.16, scene.seed, "y", index)) * height
        size = min(width, height) * between(0.02, 0.055, scene.seed, "size", index)
        lift = between(0.35, 0.8, scene.seed, "lift", index)
        ink = max(2, round(size * 0.16))
        for side in (-1, 1):
            bow = _curve((x, y), (x + side * size * 0.5, y - size * lift), (x + side * size, y - size * 0.15))
            pen.line(bow, fill=mix(scene.colour, _DARK, 0.5), width=ink, joint="curve")


def _boat(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    x, y, size = scene.place[0] * width, height * 0.76, min(width, height) * 0.2
    for index in range(14):
        reach = size * between(0.3, 1.1, scene.seed, "glint", index)
        level = y + size * (0.3 + 0.08 * index)
        off = size * between(-0.5, 0.5, scene.seed, "off", index)
        pen.line([(x + off - reach, level), (x + off + reach, level)], fill=mix(scene.horizon, _LIGHT, 0.45), width=2)
    _sail(pen, scene, (x, y), size)
    hull = _around((x, y), size, (-0.95, 0), (1.05, 0), (0.7, 0.34), (-0.65, 0.34))
    pen.polygon(hull, fill=(104, 64, 42))
    pen.line([hull[0], hull[1]], fill=_LIGHT, width=max(2, round(size * 0.04)))


def _sail(pen: ImageDraw.ImageDraw, scene: Landscape, place: Point, size: float) -> None:
    pen.polygon(_around(place, size, (-0.05, -1.7), (-0.05, -0.12), (0.85, -0.12)), fill=scene.colour)
    pen.polygon(_around(place, size, (-0.11, -1.45), (-0.11, -0.12), (-0.7, -0.12)), fill=scene.second)
    pen.line(_around(place, size, (-0.05, -1.78), (-0.05, 0)), fill=(84, 56, 38), width=max(2, round(size * 0.04)))


def _trees(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    near = scene.hills[-1]
    for index in range(17):
        at = (index + between(0.1, 0.9, scene.seed, "tree", index)) / 17
        size = min(width, height) * between(0.09, 0.21, scene.seed, "high", index)
        x, foot = at * width, near.top(at) * height + size * 0.15
        tone = mix(mix(near.colour, (30, 110, 74), 0.6), scene.colour, 0.35 if index % 6 == 0 else 0.06)
        pen.rectangle((x - size * 0.04, foot - size * 0.2, x + size * 0.04, foot), fill=(80, 54, 40))
        for level in range(3):
            top, spread = foot - size * (1.15 - 0.26 * level), size * (0.2 + 0.09 * level)
            cone = [(x, top), (x - spread, top + size * 0.5), (x + spread, top + size * 0.5)]
            pen.polygon(cone, fill=mix(tone, _DARK, 0.1 * level))


def _city(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    floor, x, index = height * 0.86, -width * 0.02, 0
    while x < width:
        wide = width * between(0.055, 0.12, scene.seed, "wide", index)
        top = floor - height * between(0.16, 0.46, scene.seed, "tall", index)
        wall = mix(mix(scene.hills[-1].colour, scene.colour, 0.4 if index % 4 == 1 else 0.08), _DARK, 0.25)
        pen.rectangle((x, top, x + wide * 0.94, height), fill=wall)
        pane = wide / 7
        for row in range(int((floor - top) / (pane * 2))):
            for column in range(3):
                lit = between(0, 1, scene.seed, "lit", index, row, column) > (0.35 if scene.light == "night" else 0.6)
                glass = (255, 222, 140) if lit else mix(wall, _DARK, 0.35)
                left, head = x + pane * (0.8 + 2 * column), top + pane * (1 + 2 * row)
                pen.rectangle((left, head, left + pane, head + pane * 1.2), fill=glass)
        x, index = x + wide, index + 1


def _peaks(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    for index, middle in enumerate((0.78, 0.2, 0.5)):
        x, top = width * (middle + between(-0.05, 0.05, scene.seed, "peak", index)), height * (0.3 - 0.06 * index)
        foot, spread = height * 0.74, width * (0.3 + 0.03 * index)
        rock = mix(scene.horizon, scene.hills[-1].colour, 0.5 + 0.16 * index)
        pen.polygon([(x - spread, foot), (x, top), (x + spread, foot)], fill=rock)
        pen.polygon([(x, top), (x + spread, foot), (x + spread * 0.18, foot)], fill=mix(rock, _DARK, 0.2))
        high = (foot - top) * 0.34
        far = spread * 0.34 / high
        edge = ((0, 0), (far, 1), (far * 0.4, 0.78), (far * 0.05, 1.1), (far * -0.4, 0.74), (-far, 1))
        pen.polygon(_around((x, top), high, *edge), fill=mix(_LIGHT, scene.horizon, 0.15))


def _around(place: Point, size: float, *points: Point) -> list[Point]:
    """Give points that are drawn around a place, in units of a size."""
    return [(place[0] + size * right, place[1] + size * down) for right, down in points]


def _curve(start: Point, pull: Point, end: Point) -> list[Point]:
    """Give points on the curve from start to end that is pulled towards a third point."""
    steps = [step / 24 for step in range(25)]
    return [
        (
            (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * pull[0] + t * t * end[0],
            (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * pull[1] + t * t * end[1],
        )
        for t in steps
    ]


_SHAPES: dict[str, Callable[[ImageDraw.ImageDraw, Landscape, int, int], None]] = {
    "kite": _kite,
    "balloon": _balloon,
    "birds": _birds,
    "boat": _boat,
    "trees": _trees,
    "city": _city,
    "peaks": _peaks,
}
