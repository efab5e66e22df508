"""Ctrl-C and SIGTERM: the first asks to finish, the second leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from a2e_async.cli.signals import Signals


async def test_signals():
    """The first signal stops, the second cancels, and the handlers are as before then."""
    before = signal.getsignal(signal.SIGTERM)
    stops = []
    with Signals() as signals:
        signals.stop = lambda: stops.append(1)
        await signals.guard(sleep_through(signal.SIGINT))
        assert (signals.count, stops) == (1, [1])
        tell(signal.SIGTERM)
        await signals.guard(asyncio.sleep(60, None))
        assert (signals.count, stops) == (2, [1])
        assert signal.getsignal(signal.SIGTERM) is before


async def sleep_through(number: signal.Signals) -> None:
    """Get a signal and go on."""
    tell(number)
    await asyncio.sleep(0.1)


def tell(number: signal.Signals) -> None:
    """Send this process a signal."""
    os.kill(os.getpid(), number)


async def test_signals_before_there_is_anything_to_stop():
    """Then the first one cancels."""
    with Signals() as signals:
        tell(signal.SIGINT)
        await signals.guard(asyncio.sleep(60, None))
        assert signals.count == 1


async def test_signals_without_the_loop(monkeypatch):
    """Where loops have no signal handlers the signals arrive all the same."""

    def refuse(*_args: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    before = signal.getsignal(signal.SIGINT)
    with Signals() as signals:
        tell(signal.SIGINT)
        await signals.guard(asyncio.sleep(60, None))
        assert signals.count == 1
    assert signal.getsignal(signal.SIGINT) is before


async def test_a_cancellation_of_somebody_else_goes_on():
    """Only what the signals have cancelled is caught."""
    with Signals() as signals:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await signals.guard(asyncio.sleep(60, None))
        task.uncancel()
