"""What OpenTelemetry sees of a client."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from a2e_async import A2EClient, Cadence, JobFailedError, otel, simulator


@pytest.fixture
def spans():
    """Give an exporter that keeps spans, and the provider that feeds it."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter, provider
    provider.shutdown()


@pytest.fixture
def meters():
    """Give a reader of metrics, and the provider that feeds it."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    yield reader, provider
    provider.shutdown()


@pytest.fixture
async def sim():
    """Give a simulator whose tasks are short and whose clock is right."""
    async with simulator.serve(task_seconds=0.3, media="tiny") as sim:
        yield sim


def client(sim):
    """Make a client that polls often."""
    return A2EClient(sim.token, base_url=sim.url, cadence=Cadence(delay=0.05))


def numbers(reader):
    """Give the sum, or the number of values, of each metric."""
    (resource,) = reader.get_metrics_data().resource_metrics
    (scope,) = resource.scope_metrics
    return {
        metric.name: sum(getattr(point, "value", getattr(point, "count", 0)) for point in metric.data.data_points)
        for metric in scope.metrics
    }


async def test_span_tree_of_one_job(sim, spans, meters, tmp_path):
    """A job is a span under its caller's, with its start, its watch and its download; the metrics count it."""
    exporter, provider = spans
    sim.faults.add("text_to_image.start", "status", status=429, retry_after=0)
    sim.faults.add("*.batch", "status", status=503)
    async with client(sim) as a2e:
        task = otel.instrument(a2e, tracer_provider=provider, meter_provider=meters[1])
        with provider.get_tracer("mine").start_as_current_span("request"):
            job = a2e.text_to_image("a secret kite")
        await a2e.download(await job, tmp_path)
    await task
    by_name = {span.name: span for span in exporter.get_finished_spans()}
    assert set(by_name) == {"request", "a2e text_to_image", "a2e start", "a2e watch", "a2e download"}
    whole = by_name["a2e text_to_image"]
    assert whole.parent.span_id == by_name["request"].context.span_id
    for part in ("a2e start", "a2e watch", "a2e download"):
        assert by_name[part].parent.span_id == whole.context.span_id
    start, watch, download = by_name["a2e start"], by_name["a2e watch"], by_name["a2e download"]
    assert whole.start_time == start.start_time < start.end_time == watch.start_time < watch.end_time == whole.end_time
    assert download.start_time >= whole.end_time
    assert dict(whole.attributes) == {
        "a2e.family": "text_to_image",
        "a2e.attached": False,
        "a2e.state": "done",
        "a2e.task_ids": job.task_ids,
        "a2e.coins": 10,
        "server.address": "127.0.0.1",
        "server.port": int(sim.url.rpartition(":")[2]),
    }
    assert watch.events[-1].attributes["a2e.status"] == "completed"
    assert "secret" not in "".join(span.to_json() for span in by_name.values())
    told = numbers(meters[0])
    asked = sum(count for route, count in sim.counters.items() if route != "file")
    assert told.pop("a2e.client.outage") > 0
    assert told == {
        "a2e.client.requests": asked,
        "a2e.client.retries": 1,
        "a2e.client.coins": 10,
        "a2e.client.requests_per_job": asked,
        "a2e.client.start.duration": 1,
        "a2e.client.job.duration": 1,
        "a2e.client.job.delay": 1,
    }


async def test_failed_job_and_failed_download(sim, spans, meters, tmp_path):
    """Errors show in the status and as `error.type`, in spans and in metrics."""
    exporter, provider = spans
    async with client(sim) as a2e:
        otel.instrument(a2e, tracer_provider=provider, meter_provider=meters[1])
        with pytest.raises(JobFailedError):
            await a2e.text_to_image("a kite [fail]")
        (tmp_path / "file").touch()
        await a2e.text_to_image("a kite")
        with pytest.raises(Exception, match="file"):
            await a2e.download(await a2e.text_to_image("a kite"), tmp_path / "file")
    by_name = {span.name: span for span in exporter.get_finished_spans() if span.status.status_code is StatusCode.ERROR}
    assert set(by_name) == {"a2e text_to_image", "a2e watch", "a2e download"}
    assert by_name["a2e text_to_image"].attributes["error.type"] == "JobFailedError"
    assert by_name["a2e download"].attributes["error.type"] == "DownloadError"


async def test_jobs_that_are_left_and_cancelled_observer(sim, spans, meters):
    """Jobs that a closing client lets go of end their spans; so does an observer that is stopped."""
    exporter, provider = spans
    async with client(sim) as a2e:
        task = otel.instrument(a2e, tracer_provider=provider, meter_provider=meters[1])
        await a2e.text_to_image("a kite [stuck]").accepted()
        a2e.text_to_image("a kite [stuck]")
    await task
    whole = [span for span in exporter.get_finished_spans() if span.name == "a2e text_to_image"]
    assert [span.attributes["error.type"] for span in whole] == ["JobDetachedError", "JobDetachedError"]
    exporter.clear()
    async with client(sim) as a2e:
        task = otel.instrument(a2e, tracer_provider=provider, meter_provider=meters[1])
        job = a2e.text_to_image("a kite")
        await job.accepted()
        await asyncio.sleep(0.01)
        task.cancel()
        await job
        assert not a2e._shared.opened.engine.service.events.heard
    assert {span.name for span in exporter.get_finished_spans()} == {"a2e text_to_image", "a2e start", "a2e watch"}


def test_nothing_is_imported_unasked():
    """The package, its command line and its plugin import no OpenTelemetry; without it the module says what to do."""
    code = (
        "import sys, a2e_async, a2e_async.testing, a2e_async.cli.app\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "sys.modules['opentelemetry'] = None\n"
        "try:\n    import a2e_async.otel\n"
        "except ImportError as error:\n    assert 'a2e-async[otel]' in str(error)\n"
        "else:\n    raise SystemExit('imported')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
