"""Async-first Python SDK for the A2E media API: many tasks started once, watched by one poller, collected as jobs.

The layers, each of which imports downwards only:

    cli blocking    the command `a2e`; a front for code without an event loop
    otel testing    what OpenTelemetry hears; fixtures for the tests of whoever uses this
    fleet           a batch that several processes work on
    batch web       rows to files, each paid once; webhooks, and events for a browser
    client          A2EClient: all parts put together
    short_forms     its method for each family
    requests        every request class, loaded when it is asked for
    engine          what awaits: session, starter, poller, job, files, budget
    store           where jobs and rows are written down, in SQLite or PostgreSQL
    families calls  what the service can do, as data
    core            pure rules: statuses, records, replies, schedule, retry
    errors          every exception

`simulator` stands beside `engine` and shares nothing with its reading of the service: a service of its own on this
machine, with real media, faults and a billing book.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from a2e_async import _quiet
from a2e_async import requests as _requests
from a2e_async._version import __version__
from a2e_async.blocking import blocking
from a2e_async.client import A2EClient
from a2e_async.core.family import Endpoint, Family, Form, Request, families, register
from a2e_async.core.hooks import Journal, Webhook
from a2e_async.core.polling.schedule import Cadence
from a2e_async.core.records import Record, Result
from a2e_async.core.requests import Input, Url, Usual, request
from a2e_async.core.retry import Retry
from a2e_async.core.status import Status
from a2e_async.core.transfers import Transfers
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import (
    A2EError,
    AuthenticationError,
    BudgetExceededError,
    ClientClosedError,
    DownloadError,
    FencedError,
    InputFailedError,
    InsufficientCoinsError,
    InvalidRequestError,
    JobCancelledError,
    JobDetachedError,
    JobFailedError,
    JobTimeoutError,
    KeyConflictError,
    LedgerError,
    MissingTokenError,
    ModerationError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RejectedRequestError,
    ServiceError,
    StartUnknownError,
    TransportError,
    UsageError,
)

if TYPE_CHECKING:
    from a2e_async.calls.credits import Balance, Quote
    from a2e_async.engine.jobs.events import (
        Accepted,
        Changed,
        Downloaded,
        Event,
        Finished,
        HealthChanged,
        Recovered,
        Retried,
        Started,
        Uploaded,
    )
    from a2e_async.engine.jobs.stats import Stats
    from a2e_async.families.image_to_video import ImageToVideo
    from a2e_async.families.text_to_image import TextToImage
    from a2e_async.requests import *  # noqa: F403 - every request class
else:

    def __getattr__(name: str) -> object:
        if name in _LATE:
            return getattr(importlib.import_module(_LATE[name]), name)
        return getattr(_requests, name)


_LATE = {
    **dict.fromkeys(("Balance", "Quote"), "a2e_async.calls.credits"),
    **dict.fromkeys(
        (
            "Accepted",
            "Changed",
            "Downloaded",
            "Event",
            "Finished",
            "HealthChanged",
            "Recovered",
            "Retried",
            "Started",
            "Uploaded",
        ),
        "a2e_async.engine.jobs.events",
    ),
    "Stats": "a2e_async.engine.jobs.stats",
}
"""What a first job does not need is loaded when it is asked for."""

__all__ = [
    "A2EClient",
    "A2EError",
    "Accepted",
    "AuthenticationError",
    "Balance",
    "BudgetExceededError",
    "Cadence",
    "Changed",
    "ClientClosedError",
    "DownloadError",
    "Downloaded",
    "Endpoint",
    "Event",
    "Family",
    "FencedError",
    "Finished",
    "Form",
    "HealthChanged",
    "ImageToVideo",
    "Input",
    "InputFailedError",
    "InsufficientCoinsError",
    "InvalidRequestError",
    "Job",
    "JobCancelledError",
    "JobDetachedError",
    "JobFailedError",
    "JobTimeoutError",
    "Journal",
    "KeyConflictError",
    "LedgerError",
    "MissingTokenError",
    "ModerationError",
    "NotFoundError",
    "ProtocolError",
    "Quote",
    "RateLimitedError",
    "Record",
    "Recovered",
    "RejectedRequestError",
    "Request",
    "Result",
    "Retried",
    "Retry",
    "ServiceError",
    "StartUnknownError",
    "Started",
    "Stats",
    "Status",
    "TextToImage",
    "Transfers",
    "TransportError",
    "Uploaded",
    "Url",
    "UsageError",
    "Usual",
    "Webhook",
    "__version__",
    "blocking",
    "families",
    "register",
    "request",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE, *dir(_requests)})


_quiet.end()
