"""One process of an application: starts the jobs of a range of keys and says how they ended.

python durable_worker.py '{"count": 40, "seed": 1, "price": 10, "client": {"lease": 2, "max_running": 10}}'
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter

from a2e_async import A2EClient, Cadence, Retry, TextToImage


async def main(count, seed, client, price=None, name="order"):
    """Start all keys in an order of our own; workers of one name have the same ones."""
    keys = list(range(count))
    random.Random(seed).shuffle(keys)
    options = {"cadence": Cadence(delay=0.2), "retry": Retry(unknown_window=client.pop("window", 3)), **client}
    async with A2EClient(**options) as a2e:
        jobs = [a2e.start(TextToImage(f"kite {n}"), key=f"{name}-{n}", price=price) for n in keys]
        print("begun", flush=True)  # noqa: T201 - told to whoever runs it
        ends = await asyncio.gather(*jobs, return_exceptions=True)
    print(json.dumps(Counter(type(end).__name__ for end in ends)), flush=True)  # noqa: T201 - likewise


asyncio.run(main(**json.loads(sys.argv[1])))
