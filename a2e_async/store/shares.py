"""What each process may use of a limit that all share; pure.

The law of this file: parts never add up to more than the limit, whatever each process knows of the others. A process
takes more only of what is free, and gives up at once what it does not use when others want it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs


@attrs.frozen
class Permits:
    """What one process has and wants.

    Attributes:
        lease: The number of its lease.
        permits: How many tasks it may run.
        demand: How many it would run.
    """

    lease: int
    permits: int
    demand: int


def next_permits(limit: int, parts: Sequence[Permits], mine: int, used: int, orphans: int) -> int:
    """Give how many tasks a process may run from now on.

    Args:
        limit: Most tasks of all.
        parts: What each live process has and wants, this one too.
        mine: The number of this one's lease.
        used: How many tasks it runs now.
        orphans: How many tasks run that no live process watches.
    """
    own = next(part for part in parts if part.lease == mine)
    free = max(0, limit - orphans - sum(part.permits for part in parts))
    target = fair_parts(limit, {part.lease: part.demand for part in parts})[mine]
    return max(min(used, own.permits), min(target, own.permits + free))


def fair_parts(limit: int, demands: Mapping[int, int]) -> dict[int, int]:
    """Share a limit: nobody gets more than it wants while others want more than they get; what is left over is shared.

    What nobody wants is shared too, so that a process which gets busy need not wait for its part.
    """
    parts = dict.fromkeys(demands, 0)
    left, hungry = limit, sorted(demands, key=lambda one: (demands[one], one))
    while hungry:
        one = hungry[0]
        part = min(demands[one], left // len(hungry) + (left % len(hungry) > 0))
        if part < demands[one]:  # all that are left want more than an equal part
            break
        parts[one] = part
        left -= part
        hungry.pop(0)
    _share_equally(parts, hungry or list(demands), left)
    return parts


def _share_equally(parts: dict[int, int], among: Sequence[int], left: int) -> None:
    for place, one in enumerate(sorted(among)):
        parts[one] += left // len(among) + (place < left % len(among))
