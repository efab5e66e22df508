"""A simulator of the A2E service with real media, faults and a billing book.

```python
async with simulator.serve(speed=20, coins=500) as sim:
    sim.faults.add("image_to_video.start", "reset", when="after")     # billed, but the answer is lost
    async with A2EClient(sim.token, base_url=sim.url) as a2e:
        video = await a2e.image_to_video(url, prompt="the kite climbs", negative_prompt="blurry")
    assert len(sim.book.starts) == 1 and sim.book.spent == 30
```

Layers, each usable alone: `World` (pure, driven by a clock: tasks, coins, `Book`), `App` (pure: request to reply,
with `Faults`), `serve` (the app on a socket). `Switches` lists how the service may differ from its documentation.
Every family and every call of the API is served in its documented shape, with real images, videos and audio.
Prompts (or names, where a family has no prompt) steer tasks: `[fail]` or `[fail:code]` fails, `[stuck]` runs into the
timeout of two hours, `[blocked]` and `[minor]` are refused by moderation, `[nsfw]` is answered with 200 and started by
nobody where a family knows `force_generate` and it is off.
"""

from __future__ import annotations

from a2e_async.simulator.answers.app import App
from a2e_async.simulator.media.specs import Blob, ImageSpec, Media, Stored, VideoSpec
from a2e_async.simulator.media.studio import Studio
from a2e_async.simulator.serving.server import Simulator, serve
from a2e_async.simulator.world.book import Bill, Book, Movement, Start
from a2e_async.simulator.world.clock import Clock, ManualClock, ScaledClock
from a2e_async.simulator.world.faults import Fault, Faults
from a2e_async.simulator.world.messages import RefusedError, SimReply, SimRequest
from a2e_async.simulator.world.switches import Switches
from a2e_async.simulator.world.tasks import SimTask
from a2e_async.simulator.world.world import World

__all__ = [
    "App",
    "Bill",
    "Blob",
    "Book",
    "Clock",
    "Fault",
    "Faults",
    "ImageSpec",
    "ManualClock",
    "Media",
    "Movement",
    "RefusedError",
    "ScaledClock",
    "SimReply",
    "SimRequest",
    "SimTask",
    "Simulator",
    "Start",
    "Stored",
    "Studio",
    "Switches",
    "VideoSpec",
    "World",
    "serve",
]
