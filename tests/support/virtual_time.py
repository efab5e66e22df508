"""Tests of a client in virtual time, with the simulated service behind it and no socket.

    @virtual(task_seconds=5)
    async def test_something(a2e, sim): ...

makes a test without arguments of its own that runs the coroutine with an open client and its simulated service. More
parameters are fixtures. A test fails when it leaves a task behind, or when nothing happens for a week.
"""

from __future__ import annotations

import asyncio
import functools
import inspect

from a2e_async import A2EClient, ImageToVideo, TextToImage
from a2e_async.simulator.virtual import DirectTransport, run_virtually, virtual_app

LATENCY = 0.05
IMAGE = TextToImage("a red kite")
VIDEO = ImageToVideo("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry")

_WEEK = 7 * 86_400
_TURNS_TO_END = 5  # what was cancelled needs a turn of the loop to end, and a generator that was left needs some more


def client(sim, *, latency=LATENCY, **options):
    """Make a client of this simulated service."""
    given = {"token": "sk_simulator", "http": DirectTransport(sim, latency), **options}
    return A2EClient(base_url="http://127.0.0.1:1", **given)


def virtual(*, opened=True, options=None, latency=LATENCY, **switches):
    """Make a test of a coroutine that takes an open client, its simulated service, and fixtures.

    Args:
        opened: Whether there is an open client, which is closed at the end; otherwise the service comes alone.
        options: Arguments of the client.
        latency: Seconds from a request to its reply.
        **switches: Those of the simulated service.
    """

    def decorate(story):
        async def play(fixtures):
            sim = virtual_app(**{"coins": 10_000_000, **switches})
            if opened:
                async with client(sim, latency=latency, **(options or {})) as a2e:
                    await story(a2e, sim, **fixtures)
            else:
                await story(sim, **fixtures)

        def test(**fixtures):
            play_out(play(fixtures))

        functools.update_wrapper(test, story)
        del test.__wrapped__  # pytest must not see the coroutine behind it
        signature = inspect.signature(story)
        ours = 2 if opened else 1
        test.__signature__ = signature.replace(parameters=list(signature.parameters.values())[ours:])
        return test

    return decorate


def play_out(story):
    """Run a coroutine to its end in virtual time, as every test does; no task may be left, and no week may go by."""

    async def watched():
        async with asyncio.timeout(_WEEK):
            found = await story
        await no_task_is_left()
        return found

    return run_virtually(watched())


async def no_task_is_left():
    """Fail when a task but ours still runs."""
    for _ in range(_TURNS_TO_END):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks are still running: {left}"


def now():
    """Give the virtual time in seconds since the test began."""
    return asyncio.get_running_loop().time()


async def until(condition, step=0.1):
    """Let time pass until a condition holds."""
    while not condition():  # noqa: ASYNC110 - a condition of the simulated service wakes nobody
        await asyncio.sleep(step)


async def caught(awaitable):
    """Give the error with which an awaitable ends."""
    try:
        await awaitable
    except Exception as error:  # noqa: BLE001 - whatever comes is polled by the test
        return error
    raise AssertionError("no error came")
