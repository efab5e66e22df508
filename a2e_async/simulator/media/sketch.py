"""Images and videos of a scene in pure Python, for installations without the extras: small, but of the same scene."""

from __future__ import annotations

from a2e_async.simulator.media import plain
from a2e_async.simulator.media.scene import Colour, Landscape, mix, scene_of
from a2e_async.simulator.media.specs import ImageSpec, Still

_LONGEST = 192
_VIDEO_LONGEST = 96
_FRAMES = 10
_MARGIN = 12


def png(image: ImageSpec) -> bytes:
    """Sketch an image as a PNG file of its shape."""
    shrink = min(1.0, _LONGEST / max(image.width, image.height))
    width, height = max(8, round(image.width * shrink)), max(8, round(image.height * shrink))
    rows = _sketch(scene_of(image.prompt, image.variant), width, height)
    return plain.png(width, height, [bytes(value for pixel in row for value in pixel) for row in rows])


def mp4(first: Still, last: Still | None, seconds: int) -> bytes:
    """Video a still, in a slow pan; a video with an end image cuts to it half way."""
    stills = [first] if last is None else [first, last]
    width, height = _video_size(stills[0])
    wide = [_yuv(_sketch(_scene_of(still), width + _MARGIN, height)) for still in stills]
    frames = []
    for index in range(_FRAMES):
        left = _MARGIN * index // _FRAMES // 2 * 2
        frames.append(wide[index * len(wide) // _FRAMES].crop(left, width))
    return plain.mp4(frames, seconds)


def _scene_of(still: Still) -> Landscape:
    return scene_of(still.prompt, still.variant) if isinstance(still, ImageSpec) else scene_of(still.digest)


def _video_size(still: Still) -> tuple[int, int]:
    width, height = (still.width, still.height) if isinstance(still, ImageSpec) else (4, 3)
    block = plain.MACROBLOCK
    shrink = _VIDEO_LONGEST / max(width, height)
    return max(1, round(width * shrink / block)) * block, max(1, round(height * shrink / block)) * block


def _sketch(scene: Landscape, width: int, height: int) -> list[list[Colour]]:
    """Give the pixels of a scene: sky, sun, hills, and a diamond for whatever its subject is."""
    tops = [[ridge.top(x / width) * height for x in range(width)] for ridge in scene.hills]
    size = min(width, height)
    sun_x, sun_y, radius = scene.sun[0] * width, scene.sun[1] * height, (size * 0.09) ** 2
    mark_x, mark_y, reach = scene.place[0] * width, scene.place[1] * height, size * 0.18
    rows = []
    for y in range(height):
        sky = mix(scene.sky, scene.horizon, min(1.0, y / (height * 0.7)))
        row = [sky] * width
        for x in range(width):
            if (x - sun_x) ** 2 + (y - sun_y) ** 2 < radius:
                row[x] = scene.glow
            for ridge, line in zip(scene.hills, tops, strict=True):
                if y >= line[x]:
                    row[x] = ridge.colour
            if abs(x - mark_x) * 1.3 + abs(y - mark_y) < reach:
                row[x] = scene.colour if (x < mark_x) == (y < mark_y) else mix(scene.colour, scene.second, 0.6)
        rows.append(row)
    return rows


def _yuv(rows: list[list[Colour]]) -> plain.YuvFrame:
    """Change pixels to luma and halved chroma, in the narrow range that videos use."""
    luma = [bytes(16 + (66 * r + 129 * g + 25 * b + 128 >> 8) for r, g, b in row) for row in rows]
    halved = [row[::2] for row in rows[::2]]
    blue = [bytes(128 + (-38 * r - 74 * g + 112 * b + 128 >> 8) for r, g, b in row) for row in halved]
    red = [bytes(128 + (112 * r - 94 * g - 18 * b + 128 >> 8) for r, g, b in row) for row in halved]
    return plain.YuvFrame(luma, blue, red)
