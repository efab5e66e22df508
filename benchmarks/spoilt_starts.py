"""Thirteen ways to spoil a start, each for three requests: bills and jobs handed back, one JSON line per way.

python -m benchmarks.spoilt_starts
"""

from __future__ import annotations

import json
import sys

from a2e_async import A2EClient, A2EError, ImageToVideo, TextToImage
from a2e_async.simulator.virtual import DirectTransport, run_virtually, virtual_app

REQUESTS = {
    "text_to_image": TextToImage("a red kite"),
    "image_to_video": ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry"),
    "max_images=4": TextToImage("four red kites", max_images=4),
}
AFTER = {
    "reset": ("reset", {}),
    **{str(status): ("status", {"status": status}) for status in (500, 502, 503, 504)},
    "HTML": ("html", {}),
    "cut JSON": ("cut_json", {}),
    "null": ("null", {}),
}
BEFORE = {
    "reset": ("reset", {}),
    "429": ("status", {"status": 429, "retry_after": 1}),
    "502": ("status", {"status": 502}),
    "503": ("status", {"status": 503}),
}
WAYS = {
    **{f"after the work: {name}": (kind, {"when": "after", **details}) for name, (kind, details) in AFTER.items()},
    **{f"before the work: {name}": (kind, {"when": "before", **details}) for name, (kind, details) in BEFORE.items()},
    "always after the work: reset": ("reset", {"when": "after", "hits": None}),
}
CUT = {"names cut to 20: after the work: reset": ("reset", {"when": "after"})}


async def spoil(way: str, request: TextToImage | ImageToVideo, names: str | int) -> tuple[int, bool, str]:
    """Start a request while its answer is spoilt; give the bills, whether the job came back, and how it ended."""
    app = virtual_app(coins=10_000, names=names)
    kind, details = {**WAYS, **CUT}[way]
    app.faults.add("*.start", kind, **details)
    async with A2EClient("sk_simulator", base_url="http://127.0.0.1:1", http=DirectTransport(app, 0.05)) as a2e:
        try:
            result = await a2e.start(request)
        except A2EError as error:
            return len(app.world.book.starts), False, type(error).__name__
    bills = app.world.book.starts
    return len(bills), [result.task_ids] == [start.task_ids for start in bills], "result"


def main() -> int:
    """Print the figures; end with 1 when one is not as it must be."""
    good = True
    for way in [*WAYS, *CUT]:
        figure: dict[str, object] = {"benchmark": "spoilt_starts", "way": way}
        ok = True
        for name, request in REQUESTS.items():
            bills, back, end = run_virtually(spoil(way, request, 20 if way in CUT else "keep"))
            figure[name] = {"bills": bills, "handed_back": back, "end": end}
            ok &= bills == 1 and (back or (way in CUT and end == "StartUnknownError"))
        print(json.dumps({**figure, "ok": ok}))
        good &= ok
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
