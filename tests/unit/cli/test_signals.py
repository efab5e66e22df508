"""Ctrl-C, SIGTERM and SIGHUP: the first asks to finish, the next one leaves, one more ends what hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from a2e_async.cli import signals as module
from a2e_async.cli.signals import Signals

EVERY = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class _LeftError(BaseException):
    """The process would have ended here."""


def leave() -> None:
    """Stand in for the end of the process."""
    raise _LeftError


@pytest.fixture
def told():
    """Give open signals, bound to the test's task; the handlers are as before afterwards."""
    before = [signal.getsignal(number) for number in EVERY]
    with Signals(leave) as signals:
        yield signals
    assert [signal.getsignal(number) for number in EVERY] == before


def tell(signals: Signals, number: signal.Signals) -> None:
    """Send this process a signal that is no echo of the one before."""
    signals._last = (0, float("-inf"))
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", EVERY)
async def test_the_first_cancels(told, number):
    """Where there is nothing to stop, the first one cancels the task, and what unwinds may take its time."""
    told.bind()
    tell(told, number)
    await told.guard(asyncio.sleep(60, None))
    assert told.count == 1


@pytest.mark.parametrize("number", EVERY)
async def test_the_first_stops(told, number):
    """Where there is something to stop, the first one does it, the second cancels, the third leaves at once."""
    told.bind()
    stops = []
    told.stop = lambda: stops.append(1)
    tell(told, number)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (told.count, stops) == (1, [1])
    tell(told, number)
    await told.guard(asyncio.sleep(60, None))
    assert (told.count, stops) == (2, [1])
    with pytest.raises(_LeftError):
        tell(told, number)


async def test_who_was_cancelled_and_is_asked_again_leaves(told):
    """Closing may take seconds; whoever presses Ctrl-C once more does not want to wait for it."""
    told.bind()
    tell(told, signal.SIGINT)
    await told.guard(asyncio.sleep(60, None))
    with pytest.raises(_LeftError):
        tell(told, signal.SIGTERM)


def test_a_loop_that_has_not_begun_or_hangs(told):
    """Before there is a task to cancel, and when it is never cancelled, the process leaves all the same."""
    with pytest.raises(_LeftError):
        tell(told, signal.SIGTERM)

    async def hang() -> None:
        told.count = 0
        told.bind()
        tell(told, signal.SIGINT)
        tell(told, signal.SIGINT)
        with pytest.raises(_LeftError):
            tell(told, signal.SIGINT)

    asyncio.run(hang())


async def test_the_same_signal_at_once_is_no_second_one(told, monkeypatch):
    """`timeout` and wrappers send each signal twice."""
    monkeypatch.setattr(module, "_DUPLICATE_SECONDS", 60)
    told.bind()
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGTERM):
        os.kill(os.getpid(), number)
    await told.guard(asyncio.sleep(60, None))
    assert told.count == 1


def test_nohup():
    """A command that was started to outlive its terminal does so."""
    kept = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals(leave):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, kept)


def test_another_thread():
    """Signals belong to the main thread; elsewhere nothing is heard and nothing breaks."""
    counts = []

    def listen() -> None:
        with Signals(leave) as signals:
            counts.append(signals.count)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert counts == [0]


async def test_a_cancellation_of_somebody_else_goes_on(told):
    """Only what the signals have cancelled is caught."""
    told.bind()
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await told.guard(asyncio.sleep(60, None))
    task.uncancel()
