"""Starts whose answers are lost, and the service that they are looked for in."""

from __future__ import annotations

import attrs

from a2e_async import (
    ImageToVideo,
    TextToImage,
)
from a2e_async.core import tags
from a2e_async.core.hooks import Posted

FOUR_IMAGES = TextToImage("four red kites", max_images=4)


FOUR_VIDEOS = ImageToVideo("http://example.com/a.png", prompt="four", negative_prompt="no", number_of_images=4)


def lose(sim, request, **details):
    """Let the answer to a start be lost, once unless told otherwise."""
    sim.faults.add(f"{family(request)}.start", "reset", **{"when": "after", **details})


def family(request):
    """Give the name of a request's family."""
    return "text_to_image" if isinstance(request, TextToImage) else "image_to_video"


def crowd(sim, count):
    """Let others start so many images."""
    for number in range(count):
        sim.world.start("text_to_image", {"prompt": "x", "name": tags.put("other", f"other{number:06}", "a", 100)})


def resumed(a2e, sent_before, letters="a"):
    """Give a view of a client whose starts may have been sent before by another process."""
    view = a2e.with_options()
    posted = None if sent_before is None else Posted(first=sent_before, last=sent_before, letters=letters)
    view._options = attrs.evolve(a2e._options, find_first=True, sent_before=posted)
    return view
