"""A start that was refused, or surely not received: what may follow it and what never does."""

from __future__ import annotations

import pytest
from virtual_time import IMAGE, VIDEO, caught, client, now, virtual

from a2e_async import (
    ModerationError,
    RejectedRequestError,
    Retry,
    TransportError,
)
from a2e_async.simulator.virtual import DirectTransport


@pytest.mark.parametrize("key", ["msg", "message", "error", "data"])
@virtual()
async def test_a_start_that_was_blocked_for_its_content_is_sent_once(a2e, sim, key):
    """A 200 that says NSFW and holds no task is a refusal: it is not looked for and not sent again."""
    sim.faults.add("text_to_image.start", "code", hits=None, code=0, key=key, message="NSFW content detected")
    error = await caught(a2e.start(IMAGE).wait())
    assert type(error) is ModerationError
    assert error.message == "NSFW content detected"
    assert dict(sim.counters) == {"text_to_image.start": 1}
    assert (sim.world.book.starts, a2e.stats().recovered) == ([], 0)
    assert now() < 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@virtual()
async def test_a_start_follows_no_redirect(a2e, sim, status):
    """A redirect is a refusal: the start goes to no second place."""
    sim.faults.add("text_to_image.start", "redirect", status=status, location="/api/v1/userText2Image/start")
    assert isinstance(await caught(a2e.start(IMAGE).wait()), RejectedRequestError)
    assert dict(sim.counters) == {"text_to_image.start": 1}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 451])
@pytest.mark.parametrize("body", ["json", "html"])
@virtual()
async def test_a_refused_start_is_never_repeated(a2e, sim, status, body):
    """A 4xx is raised at once, whatever its body; the service's own 403 is first checked against another call."""
    sim.faults.add("image_to_video.start", "status", status=status, body=body, hits=None)
    error = await caught(a2e.start(VIDEO).wait())
    assert error.status == status
    asked = {"balance": 1} if (status, body) == (403, "json") else {}
    assert sim.counters == {"image_to_video.start": 1, **asked}
    assert now() < 1


@pytest.mark.parametrize("code", [400, 1001, 1003, 1010, -1])
@virtual()
async def test_a_code_that_names_a_reason_is_never_repeated(a2e, sim, code):
    """A 200 whose code is a refusal is raised at once."""
    sim.faults.add("image_to_video.start", "code", code=code, message="no", hits=None)
    assert (await caught(a2e.start(VIDEO).wait())).code == code
    assert sim.counters == {"image_to_video.start": 1}


class Unreachable(DirectTransport):
    """A service that cannot be connected to at first."""

    def __init__(self, app, failures):
        super().__init__(app, 0.05)
        self.failures = failures

    async def send(self, request, headers):
        """Fail to connect, as often as it was told to."""
        if self.failures:
            self.failures -= 1
            raise TransportError("could not connect", sent=False)
        return await super().send(request, headers)


@pytest.mark.parametrize("failures", [1, 5])
@virtual(opened=False)
async def test_a_failure_to_connect_is_retried(sim, failures):
    """What surely did not arrive is sent again after a wait, without any look at the list."""
    async with client(sim, http=Unreachable(sim, failures)) as a2e:
        await a2e.start(IMAGE).accepted()
        assert len(sim.world.book.starts) == 1
        assert sim.counters["text_to_image.list"] == 0


@virtual(opened=False)
async def test_failures_to_connect_are_retried_a_bounded_number_of_times(sim):
    """After Retry.attempts failures the error is raised, and nothing was sent."""
    transport = Unreachable(sim, 1_000)
    async with client(sim, http=transport, retry=Retry(attempts=4)) as a2e:
        error = await caught(a2e.start(IMAGE).wait())
        assert isinstance(error, TransportError)
        assert not error.sent
        assert transport.failures == 996


@virtual(opened=False)
async def test_a_busy_service_is_asked_again_a_bounded_number_of_times(sim):
    """After Retry.attempts answers 429 the error is raised."""
    sim.faults.add("text_to_image.start", "status", status=429, retry_after=2, hits=None)
    async with client(sim, retry=Retry(attempts=3)) as a2e:
        assert (await caught(a2e.start(IMAGE).wait())).retry_after == 2
        assert sim.counters["text_to_image.start"] == 3
        assert 4 <= now() < 6
