"""OpenTelemetry: each job as a span tree, and the client's numbers as metrics. Needs the extra `otel`.

```python
from a2e_async import A2EClient, otel

async with A2EClient() as a2e:
    otel.instrument(a2e)
    await a2e.text_to_image("a red kite")
```

    a2e text_to_image      from start() to the end of the job, a child of the span around start()
    ├── a2e start          until the service has taken it
    ├── a2e watch          until its tasks have ended, with an event for each change of status
    └── a2e download       each download of its files

    a2e.client.requests            requests sent, polls among them
    a2e.client.requests_per_job    the same for each job that has ended
    a2e.client.retries             requests sent once more
    a2e.client.outage              seconds for which polls failed
    a2e.client.coins               coins charged and not given back
    a2e.client.start.duration      from the call to the service's answer
    a2e.client.job.duration        from the call to the end of the job
    a2e.client.job.delay           from the end of the last task to the end of the job: how late the end was noticed

The delay is known only where the service's final records say when their tasks ended (`updatedAt`), and what they say
lies within the time for which they were watched; a job of which that is not known is left out. It is measured by this
machine's clock, or by the service's where the two differ by more than 2 seconds; then it is good to a second.

Names follow OpenTelemetry's conventions: `a2e.` for what is ours, `error.type`, `server.address` and `server.port` for
what is everybody's. Prompts, names and URLs are never recorded.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import singledispatchmethod
from urllib.parse import urlsplit

import attrs

from a2e_async._version import __version__
from a2e_async.client import A2EClient
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
)
from a2e_async.engine.jobs.listeners import EventStream
from a2e_async.engine.jobs.stats import Stats

try:
    from opentelemetry import context as contexts
    from opentelemetry import metrics, trace
except ImportError as error:
    raise ImportError("OpenTelemetry is not installed; pip install 'a2e-async[otel]'") from error

_SCHEMA = "https://opentelemetry.io/schemas/1.37.0"
_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
_ENDED_KEPT = 10_000
_HEARD = 100_000

_listening: set[asyncio.Task[None]] = set()  # an event loop holds its tasks only weakly


def instrument(
    a2e: A2EClient,
    *,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> asyncio.Task[None]:
    """Trace and measure an open client until it is closed.

    Args:
        a2e: The client.
        tracer_provider: By default the global one.
        meter_provider: By default the global one.

    Returns:
        The task that does it. It ends by itself after the client; cancel it to stop earlier.
    """
    tracer = trace.get_tracer("a2e_async", __version__, tracer_provider, _SCHEMA)
    meter = metrics.get_meter("a2e_async", __version__, meter_provider, _SCHEMA)
    observer = _Observer(a2e, tracer, meter)
    task = asyncio.create_task(observer.listen(a2e.events(_HEARD)), name="a2e otel")
    _listening.add(task)
    task.add_done_callback(_listening.discard)
    return task


@attrs.define
class _Spans:
    """The span of a job, and of what it does at the moment."""

    job: trace.Span
    context: contexts.Context
    part: trace.Span
    began: float


class _Observer:
    """Turns events into spans and numbers."""

    def __init__(self, a2e: A2EClient, tracer: trace.Tracer, meter: metrics.Meter) -> None:
        self._a2e = a2e
        self._tracer = tracer
        address = urlsplit(a2e.base_url)
        port = address.port or {"http": 80}.get(address.scheme, 443)
        self._server: dict[str, str | int] = {"server.address": address.hostname or "", "server.port": port}
        self._spans: dict[int, _Spans] = {}
        self._ended: OrderedDict[str, contexts.Context] = OrderedDict()
        self._counted: Stats = a2e.stats()
        self._requests = meter.create_counter("a2e.client.requests", "{request}", "Requests sent to the service")
        self._retries = meter.create_counter("a2e.client.retries", "{retry}", "Requests sent once more")
        self._outage = meter.create_counter("a2e.client.outage", "s", "Time for which polls failed")
        self._coins = meter.create_up_down_counter("a2e.client.coins", "{coin}", "Coins charged and not given back")
        self._per_job = meter.create_gauge(
            "a2e.client.requests_per_job", "{request}", "Requests per job that has ended"
        )
        self._starting = _seconds(meter, "start.duration", "From the call to the service's answer")
        self._duration = _seconds(meter, "job.duration", "From the call to the end of the job")
        self._delay = _seconds(meter, "job.delay", "From the end of the last task to the end of the job")

    async def listen(self, events: EventStream) -> None:
        """Hear events until there are no more."""
        try:
            async for event in events:
                self.hear(event)
        finally:
            events.close()
            self._count()
            for spans in self._spans.values():  # the end of their jobs was not heard
                spans.part.end()
                spans.job.end()

    @singledispatchmethod
    def hear(self, event: Event) -> None:
        """Note one event; a kind that is not known says nothing."""

    @hear.register
    def _started(self, event: Started) -> None:
        job = event.job
        around = event.context.run(contexts.get_current)
        span = self._tracer.start_span(
            f"a2e {job.family.name}",
            around,
            trace.SpanKind.CLIENT,
            {"a2e.family": job.family.name, "a2e.attached": job.request is None, **self._server},
            start_time=_ns(event.at),
        )
        if job.key is not None:
            span.set_attribute("a2e.key", job.key)
        inside = trace.set_span_in_context(span, around)
        part = self._tracer.start_span("a2e start", inside, start_time=_ns(event.at))
        self._spans[job.number] = _Spans(span, inside, part, event.at)

    @hear.register
    def _recovered(self, event: Recovered) -> None:
        if spans := self._spans.get(event.job.number):
            spans.part.add_event("a2e.recovered", timestamp=_ns(event.at))

    @hear.register
    def _accepted(self, event: Accepted) -> None:
        job = event.job
        spans = self._spans.get(job.number)
        if spans is None:
            return
        spans.job.set_attribute("a2e.task_ids", job.task_ids)
        if job.coins is not None:
            spans.job.set_attribute("a2e.coins", job.coins)
        spans.part.end(_ns(event.at))
        spans.part = self._tracer.start_span("a2e watch", spans.context, start_time=_ns(event.at))
        if job.request is not None:
            self._starting.record(event.at - spans.began, {"a2e.family": job.family.name, **self._server})

    @hear.register
    def _changed(self, event: Changed) -> None:
        if spans := self._spans.get(event.job.number):
            facts = {"a2e.task_id": event.record.id, "a2e.status": event.record.status.value}
            spans.part.add_event("a2e.changed", facts, _ns(event.at))

    @hear.register
    def _finished(self, event: Finished) -> None:
        job = event.job
        spans = self._spans.pop(job.number, None)
        self._count()
        if spans is None:
            return
        spans.job.set_attribute("a2e.state", "done" if job.error is None else "failed")
        for span in (spans.part, spans.job):
            _fail(span, job.error)
            span.end(_ns(event.at))
        for task_id in job.task_ids:
            self._ended[task_id] = spans.context
        while len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)
        facts = {"a2e.family": job.family.name, **self._server, **_error_type(job.error)}
        self._duration.record(event.at - spans.began, facts)
        if event.delay is not None:
            self._delay.record(event.delay, facts)

    @hear.register
    def _downloaded(self, event: Downloaded) -> None:
        around = next((self._ended[task_id] for task_id in event.task_ids if task_id in self._ended), None)
        facts = {"a2e.files": len(event.paths)}
        span = self._tracer.start_span("a2e download", around, attributes=facts, start_time=_ns(event.began))
        _fail(span, event.error)
        span.end(_ns(event.at))

    @hear.register
    def _health(self, event: HealthChanged) -> None:
        self._count()
        if event.well:
            self._outage.add(event.outage, self._server)

    @hear.register
    def _retried(self, event: Retried) -> None:
        self._retries.add(1, {**self._server, **_error_type(event.error)})

    def _count(self) -> None:
        """Pass on what the client has counted since the last time."""
        before, now = self._counted, self._a2e.stats()
        self._counted = now
        self._requests.add(now.requests - before.requests, self._server)
        self._coins.add(now.spent - before.spent, self._server)
        if now.finished:
            self._per_job.set(now.requests / now.finished, self._server)


def _seconds(meter: metrics.Meter, name: str, words: str) -> metrics.Histogram:
    return meter.create_histogram(f"a2e.client.{name}", "s", words, explicit_bucket_boundaries_advisory=_BUCKETS)


def _ns(seconds: float) -> int:
    return int(seconds * 1_000_000_000)


def _error_type(error: BaseException | None) -> dict[str, str]:
    return {"error.type": type(error).__name__} if error else {}


def _fail(span: trace.Span, error: BaseException | None) -> None:
    if error is not None:
        span.set_attributes(_error_type(error))
        span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
