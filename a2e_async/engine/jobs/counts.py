"""What a client counts as it goes."""

from __future__ import annotations

import attrs


@attrs.define(eq=False, repr=False)
class Counts:
    """What a client counts as it goes; see `Stats` in `stats.py`."""

    finished: int = 0
    failed: int = 0
    recovered: int = 0
    requests: int = 0
    polls: int = 0
    retries: int = 0
    outage_seconds: float = 0.0
