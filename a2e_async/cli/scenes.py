"""What the demo asks for."""

from __future__ import annotations

import attrs

NEGATIVE = "blurry, low quality, distorted, text, watermark"


@attrs.frozen
class Scene:
    """One picture and the film that begins with it."""

    title: str
    picture: str
    film: str


SCENES = (
    Scene(
        "The red kite",
        "A red paper kite over wide dunes, low morning sun, thin clouds, film grain",
        "The kite climbs and dips in the wind, its tail curls, light travels along the dunes",
    ),
    Scene(
        "Last light",
        "A white sailing boat on a calm sea at dusk, warm light on the water, long exposure",
        "The boat glides towards the horizon, the water glitters, the sun sinks slowly",
    ),
    Scene(
        "City that hums",
        "A small city under a full moon, lit windows, deep blue sky, quiet roofs",
        "Windows go on and off, clouds drift past the moon, the camera glides over the roofs",
    ),
    Scene(
        "First ascent",
        "An orange hot-air balloon with white stripes rising over misty hills at sunrise",
        "The balloon lifts off, mist flows through the valleys, the camera rises with it",
    ),
    Scene(
        "Above the snow line",
        "Snow mountains on a clear summer day, sharp ridges, a few bright clouds",
        "Cloud shadows climb the ridges, snow blows from a summit, the camera circles once",
    ),
    Scene(
        "Where the path ends",
        "An autumn forest on rolling hills, golden haze, long shadows between the trees",
        "Leaves fall through the haze, shadows lengthen, the camera moves slowly forward",
    ),
)


def scenes(count: int) -> list[Scene]:
    """Give so many scenes; after the last one they begin again, numbered."""
    rounds = (divmod(number, len(SCENES)) for number in range(count))
    return [
        SCENES[at] if again == 0 else attrs.evolve(SCENES[at], title=f"{SCENES[at].title} ({again + 1})")
        for again, at in rounds
    ]
