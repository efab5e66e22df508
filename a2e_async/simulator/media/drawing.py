"""Handsome images; needs the extra pillow, so that only `media` imports this, and late."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from a2e_async.simulator.chance import between
from a2e_async.simulator.media.scene import Landscape, mix, scene_of
from a2e_async.simulator.media.shapes import draw_subject
from a2e_async.simulator.media.specs import ImageSpec

_LONGEST = 1024
_SHORTEST = 16
_FINE = 2


def png(image: ImageSpec) -> bytes:
    """Draw an image as a PNG file."""
    out = io.BytesIO()
    draw(image).save(out, "PNG", compress_level=2)
    return out.getvalue()


def draw(spec: ImageSpec) -> Image.Image:
    """Draw an image of the size asked for, or of its shape where it would be too large."""
    shrink = min(1.0, _LONGEST / max(spec.width, spec.height))
    size = max(_SHORTEST, round(spec.width * shrink)), max(_SHORTEST, round(spec.height * shrink))
    scene = scene_of(spec.prompt, spec.variant)
    width, height = size[0] * _FINE, size[1] * _FINE
    canvas = _sky(scene, width, height)
    pen = ImageDraw.Draw(canvas)
    if scene.subject == "peaks":
        draw_subject(pen, scene, width, height)
    _ground(pen, scene, width, height)
    if scene.subject != "peaks":
        draw_subject(pen, scene, width, height)
    image = canvas.reduce(_FINE)
    _caption(image, spec.prompt)
    return image


def _sky(scene: Landscape, width: int, height: int) -> Image.Image:
    reach = round(height * 0.72)
    canvas = Image.new("RGB", (width, height), scene.horizon)
    ramp = Image.linear_gradient("L").resize((width, reach))
    canvas.paste(
        Image.composite(Image.new("RGB", ramp.size, scene.horizon), Image.new("RGB", ramp.size, scene.sky), ramp)
    )
    x, y, size = scene.sun[0] * width, scene.sun[1] * height, min(width, height)
    halo = round(size * 0.9)
    glow = Image.eval(
        Image.radial_gradient("L").resize((halo, halo)), lambda value: round(max(0, 178 - value) ** 2 / 205)
    )
    canvas.paste(scene.glow, (round(x - halo / 2), round(y - halo / 2)), glow)
    pen = ImageDraw.Draw(canvas)
    if scene.light == "night":
        _stars(pen, scene, width, height)
    radius = size * (0.06 if scene.light == "night" else 0.075)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=scene.glow)
    _clouds(canvas, scene, width, height)
    return canvas


def _stars(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    for index in range(120):
        x, y = between(0, width, scene.seed, "sx", index), between(0, height * 0.55, scene.seed, "sy", index)
        size = min(width, height) * between(0.0006, 0.0024, scene.seed, "ss", index)
        pen.ellipse((x - size, y - size, x + size, y + size), fill=mix(scene.sky, (255, 255, 245), 0.85))


def _clouds(canvas: Image.Image, scene: Landscape, width: int, height: int) -> None:
    mask = Image.new("L", canvas.size, 0)
    pen = ImageDraw.Draw(mask)
    for index in range(4):
        x, y = between(0, width, scene.seed, "cx", index), height * between(0.08, 0.44, scene.seed, "cy", index)
        size = min(width, height) * between(0.035, 0.07, scene.seed, "cs", index)
        for puff in range(5):
            off, grow = (puff - 2) * size * 1.1, 1.25 - 0.3 * abs(puff - 2)
            pen.ellipse(
                (x + off - size * grow, y - size * grow * 0.62, x + off + size * grow, y + size * 0.42), fill=110
            )
    canvas.paste(mix(scene.glow, scene.horizon, 0.25), (0, 0), mask)


def _ground(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    for index, ridge in enumerate(scene.hills):
        if scene.has_water and index == len(scene.hills) - 1:
            _water(pen, scene, width, height)
            return
        step = max(2, width // 160)
        line = [(x, ridge.top(x / width) * height) for x in range(0, width + step, step)]
        pen.polygon([*line, (width + step, height), (0, height)], fill=ridge.colour)


def _water(pen: ImageDraw.ImageDraw, scene: Landscape, width: int, height: int) -> None:
    top, deep = round(height * 0.72), mix(scene.sky, (10, 30, 60), 0.25)
    for y in range(top, height):
        pen.line([(0, y), (width, y)], fill=mix(scene.horizon, deep, (y - top) / (height - top)))
    for index in range(60):
        y = top + (height - top) * between(0.02, 1, scene.seed, "wy", index) ** 1.4
        x, reach = between(0, width, scene.seed, "wx", index), width * between(0.01, 0.05, scene.seed, "wr", index)
        pen.line([(x - reach, y), (x + reach, y)], fill=mix(scene.horizon, (255, 255, 255), 0.3), width=2)


def _caption(image: Image.Image, prompt: str) -> None:
    """Write the prompt at the foot of an image that is large enough."""
    width, height = image.size
    size = max(11, round(min(width, height) * 0.032))
    font = ImageFont.load_default(size)
    lines = _wrapped(" ".join(prompt.split()), font, width * 0.84)
    tall = size * 1.36 * len(lines)
    if not lines or tall + size * 2 > height * 0.4:
        return
    wide = max(font.getlength(line) for line in lines)
    left, top = round((width - wide) / 2), round(height - tall - size * 1.5)
    band = Image.new("L", image.size, 0)
    box = (left - size, top - size * 0.6, left + wide + size, top + tall + size * 0.5)
    ImageDraw.Draw(band).rounded_rectangle(box, size * 0.7, fill=150)
    image.paste((16, 18, 28), (0, 0), band)
    pen = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        pen.text((width / 2, top + size * 1.36 * (index + 0.5)), line, font=font, fill=(255, 253, 246), anchor="mm")


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float, most: int = 3) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    cut = lines[:most]
    if lines[most:]:
        cut[-1] += " …"
    return [line if font.getlength(line) <= room else _shortened(line, font, room) for line in cut]


def _shortened(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float) -> str:
    while line and font.getlength(line + "…") > room:
        line = line[: -max(1, len(line) // 12)]
    return line + "…"
