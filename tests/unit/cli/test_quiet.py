"""The moments in which the command line loads: who is quiet in them, and that the handlers are as before."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from a2e_async import _quiet

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize(
    ("argv", "called", "is_ours"),
    [
        (["/usr/bin/a2e", "balance"], ["python", "/usr/bin/a2e", "balance"], True),
        (["C:/x/a2e.exe"], ["python", "C:/x/a2e.exe"], True),
        (["-m", "balance"], ["python", "-m", "a2e_async", "balance"], True),
        (["-m"], ["python", "-X", "dev", "-m", "a2e_async"], True),
        (["-m"], ["python", "-m", "pytest", "-m", "a2e_async"], False),
        (["-m"], ["python", "-mpytest"], False),
        (["/home/me/a2e.py"], ["python", "a2e.py"], False),
        (["/home/me/a2e_async/app.py"], ["python", "app.py"], False),
        (["-c"], ["python", "-c", "import a2e_async"], False),
        ([""], ["python"], False),
        ([], [], False),
    ],
)
def test_who_is_the_command_line(argv, called, is_ours):
    """A program that imports the package for itself keeps its own handlers."""
    assert _quiet.is_command_line(argv, called) == is_ours


def test_quiet(monkeypatch):
    """Each signal ends the process at once and says nothing; afterwards all is as before."""
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    before = [signal.getsignal(number) for number in NUMBERS]
    with _quiet.quiet():
        for number in NUMBERS:
            os.kill(os.getpid(), number)
    assert codes == [130] * 3
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_what_is_ignored_stays_so():
    """A command in the background of a script, or under nohup, is left to it."""
    kept = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _quiet.quiet():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, kept)


def test_another_thread():
    """Signals belong to the main thread; another one changes nothing."""
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=_quiet.begin)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
