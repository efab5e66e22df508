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
        "The last lighthouse",
        "A white lighthouse on a basalt cliff at dusk, storm clouds breaking, warm lamp, long exposure sea",
        "The lamp turns slowly, waves climb the cliff, gulls cross the light, the camera drifts closer",
    ),
    Scene(
        "A red kite",
        "A red paper kite over green dunes, low morning sun, thin clouds, film grain",
        "The kite climbs and dips in the wind, its tail curls, grass ripples along the dunes",
    ),
    Scene(
        "Night train",
        "A night train crossing a viaduct above a misty valley, lit windows, full moon",
        "The train glides from left to right, mist rolls through the arches, windows flicker past",
    ),
    Scene(
        "Paper city",
        "A miniature city folded from white paper, soft studio light, shallow depth of field",
        "Small paper trams begin to move, shadows travel over the roofs, the camera circles once",
    ),
    Scene(
        "Coral garden",
        "A coral garden seen through clear water, orange fish, sunbeams from above",
        "The fish turn together, sunbeams sway, bubbles rise past the camera",
    ),
    Scene(
        "Desert observatory",
        "A small observatory in a red desert under the Milky Way, dome slightly open, blue hour",
        "The dome opens, stars wheel overhead in a time lapse, a lantern swings by the door",
    ),
)


def scenes(count: int) -> list[Scene]:
    """Give so many scenes; after the last one they begin again, numbered."""
    rounds = (divmod(number, len(SCENES)) for number in range(count))
    return [
        SCENES[at] if again == 0 else attrs.evolve(SCENES[at], title=f"{SCENES[at].title} ({again + 1})")
        for again, at in rounds
    ]
