"""What happens in a client, as values for whoever listens: `async for event in a2e.events()`.

Loaded with the first listener: whoever tells an event asks `Events.heard` first, and imports its class only then.
"""

from __future__ import annotations

import contextvars
from pathlib import Path

import attrs

from a2e_async.core.records import Record
from a2e_async.engine.jobs.kept import AnyJob


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened in a client.

    Attributes:
        at: When, in seconds since 1970 by a clock that never goes back.
    """

    at: float


@attrs.frozen(kw_only=True)
class Started(Event):
    """A job came to be; its start is queued, or it was attached to tasks that are there.

    Attributes:
        job: The job.
        context: The context variables of whoever started it.
    """

    job: AnyJob
    context: contextvars.Context = attrs.field(factory=contextvars.copy_context, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Recovered(Event):
    """The answer of a start was lost, and its tasks were found by their tag; `Accepted` follows.

    Attributes:
        job: Its job.
    """

    job: AnyJob


@attrs.frozen(kw_only=True)
class Accepted(Event):
    """The service has taken a start: the job's ids are known, and its coins if the service named them.

    Attributes:
        job: Its job.
    """

    job: AnyJob


@attrs.frozen(kw_only=True)
class Changed(Event):
    """The record of a task changed.

    Attributes:
        job: Its job.
        record: What the service says now.
    """

    job: AnyJob
    record: Record


@attrs.frozen(kw_only=True)
class Finished(Event):
    """A job has ended, well or with `job.error`.

    Attributes:
        job: The job.
        delay: Seconds from the end of its last task to this moment, None where the service's records do not say when
            that was; see `delays.py`.
    """

    job: AnyJob
    delay: float | None = None


@attrs.frozen(kw_only=True)
class Downloaded(Event):
    """Files were fetched, or could not be.

    Attributes:
        began: When the download began; as `at`.
        task_ids: The tasks whose files they are, as far as they are known.
        paths: Where the files are; empty after a failure.
        error: Why they are not there, or None.
    """

    began: float
    task_ids: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    error: BaseException | None = None


@attrs.frozen(kw_only=True)
class Uploaded(Event):
    """A file was uploaded, or could not be; one that was uploaded before is not told of again.

    Attributes:
        began: When the upload began; as `at`.
        name: The file's name, or what else it is, such as "1,024 bytes".
        kind: Its content type.
        size: Its bytes.
        digest: Its SHA-256 in hexadecimal.
        url: Its public URL; "" after a failure.
        coins: What it cost, None where that is not known.
        error: Why it is not there, or None.
    """

    began: float
    name: str
    kind: str
    size: int
    digest: str
    url: str = ""
    coins: float | None = None
    error: BaseException | None = None


@attrs.frozen(kw_only=True)
class HealthChanged(Event):
    """Polls began to fail, or are good again; jobs go on meanwhile.

    Attributes:
        well: Whether they are good again.
        outage: How many seconds they failed; 0 when it begins.
    """

    well: bool
    outage: float


@attrs.frozen(kw_only=True)
class Retried(Event):
    """A request failed and will be sent again.

    Attributes:
        failures: How often it has failed by now.
        error: How it failed.
        wait: Seconds until it is sent again.
    """

    failures: int
    error: Exception
    wait: float
