"""What tests of inputs share: requests that take them, and what the service was sent."""

from __future__ import annotations

WORDS = {"prompt": "it climbs", "negative_prompt": "blurry"}
SHOES = "https://f.example/shoes.png"
FAILS = {"fails": lambda family, _body: family == "text_to_image"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)
OTHER = b"\x89PNG\r\n\x1a\n" + bytes(501)


def starts(sim):
    """Count the starts that came to the service, by family."""
    return {route.partition(".")[0]: number for route, number in sim.counters.items() if route.endswith(".start")}


def body_of(sim, job):
    """Give what the service was sent for a job."""
    return sim.world.task(job.task_ids[0]).fields


def sent(sim):
    """Give how often a URL for a file was asked for, and how often a file was put."""
    return sim.counters["presign"], sim.counters["upload"]
