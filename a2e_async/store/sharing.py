"""What processes share in a store, as values."""

from __future__ import annotations

from typing import Final

import attrs

JOBS: Final = "jobs"
"""The name of the endless batch in which the jobs of applications lie."""

TTL: Final = 30.0
"""Seconds that a lease is good for by default."""


@attrs.frozen(kw_only=True)
class Shard:
    """A part of a batch, held by one process at a time.

    Attributes:
        batch: The name of its batch.
        no: Its number in the batch.
        rows: How many rows it has.
        open: How many of them have not come to an end.
        running: How many of them run at the service, or may; their places go to whoever claims it.
    """

    batch: str
    no: int
    rows: int
    open: int
    running: int = 0


@attrs.frozen(kw_only=True)
class Wants:
    """What a process wants of the limits that all processes of a store share.

    Attributes:
        running: Most tasks that run at once over all processes, None for no limit.
        demand: How many this process would run now if nothing bounded it; what it does not want goes to others.
        used: How many it runs now; it is never given fewer.
        rate: Most requests a second over all processes, None for no limit.
    """

    running: int | None = None
    demand: int = 0
    used: int = 0
    rate: float | None = None


@attrs.frozen(kw_only=True)
class Share:
    """What a process may use of the shared limits until it asks again, which it does at each beat of its lease.

    Attributes:
        running: Most tasks that it may run at once, None where nothing bounds them.
        rate: Most requests a second, None where nothing bounds them; 0 for a newcomer until its first beat, when the
            others have learned of it.
        live: How many processes share.
    """

    running: int | None
    rate: float | None
    live: int


@attrs.frozen(kw_only=True)
class KeptUpload:
    """A file that was uploaded.

    Attributes:
        sha256: Its digest in hexadecimal.
        url: Where the service has it.
        expires: When the URL ends, in seconds since 1970; None when nobody has said so.
    """

    sha256: str
    url: str = attrs.field(repr=False)
    expires: float | None = None


@attrs.frozen(kw_only=True)
class HeldShard:
    """A shard that a process holds.

    Attributes:
        no: Its number in the batch.
        rows: How many rows it has.
        open: How many of them have not come to an end.
        running: How many of them run at the service.
    """

    no: int
    rows: int
    open: int
    running: int


@attrs.frozen(kw_only=True)
class Holder:
    """A process that has a lease.

    Attributes:
        lease: The number of its lease.
        worker: What people read for it.
        ttl: After how many seconds without a sign of life others may take what it holds.
        silent: For how many seconds it has given none, by the store's clock.
        places: How many tasks it may run at once.
        shards: What it holds of a batch.
    """

    lease: int
    worker: str
    ttl: float
    silent: float
    places: int
    shards: tuple[HeldShard, ...] = ()
