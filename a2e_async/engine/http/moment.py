"""A moment by every clock of this machine.

No single clock tells how long ago something was: the loop's stands still while the machine sleeps, and anybody may set
the wall clock. Whether a lost start may be sent again depends on that time, so the longest one counts.
"""

from __future__ import annotations

import asyncio
import time

import attrs

_BOOT = getattr(time, "CLOCK_BOOTTIME", None)  # counts on in a sleep, and cannot be set; only Linux has it


def _boot() -> float:
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


@attrs.frozen(eq=False, repr=False)
class Moment:
    """A moment.

    Attributes:
        loop: The event loop's time, which stands still while the machine sleeps.
        boot: Seconds since the machine was started, its sleeps included where the system tells.
        wall: Seconds since 1970 by the machine's own clock, which somebody may set.
    """

    loop: float
    boot: float
    wall: float

    @classmethod
    def now(cls) -> Moment:
        """Give this moment."""
        return cls(asyncio.get_running_loop().time(), _boot(), time.time())

    def passed(self, now: Moment | None = None) -> float:
        """Give the seconds since then by clocks that nobody sets.

        Args:
            now: The present moment, where it is known already.
        """
        now = now or Moment.now()
        return max(now.loop - self.loop, now.boot - self.boot)

    def longest_passed(self) -> float:
        """Give the most seconds since then that any clock tells."""
        return max(self.passed(), time.time() - self.wall)
