"""Audio without any library: a short melody in a WAV file, another one for other words."""

from __future__ import annotations

import io
import math
import wave
from array import array

from a2e_async.simulator.chance import between

_RATE = 8000
_LOUD = 9000
_NOTE = 0.18
_SCALE = (0, 2, 4, 7, 9, 12, 14, 16)
_LOWEST = 220.0


def wav(words: str, seconds: float, variant: str) -> bytes:
    """Play one note after the other, as long as asked for.

    Args:
        words: They decide the melody.
        seconds: How long.
        variant: It decides too.
    """
    length = max(1, int(_NOTE * _RATE))
    samples = array("h")
    for index in range(max(1, math.ceil(seconds / _NOTE))):
        step = _SCALE[int(between(0, len(_SCALE), words, variant, index))]
        pace = math.tau * _LOWEST * 2 ** (step / 12) / _RATE
        fade = 1 / length
        samples.extend(int(_LOUD * (1 - at * fade) * math.sin(pace * at)) for at in range(length))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples[: max(1, int(seconds * _RATE))].tobytes())
    return out.getvalue()
