"""One process at a time in the folder of a batch."""

from __future__ import annotations

import os

import pytest
from ledgers import HOLD, entry, opened, refused, running

from a2e_async.batch import filelock
from a2e_async.errors import LedgerError


async def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path):
    """The message names the process, and its SIGKILL frees the folder at once."""
    with running(HOLD, tmp_path) as process:
        assert process.stdout.readline() == "held\n"
        words = await refused(tmp_path)
        assert words == f"another process ({process.pid}) is running the batch in {tmp_path}"
        process.kill()
        process.wait()
        async with opened(tmp_path) as book:
            await book.plan([entry()])


async def test_a_second_opening_in_the_same_process_is_refused(tmp_path):
    """The message does not send anybody looking for another process."""
    async with opened(tmp_path):
        assert await refused(tmp_path) == f"this very process ({os.getpid()}) is running the batch in {tmp_path}"
    async with opened(tmp_path):
        pass


def test_a_lock_without_a_number_names_no_process(tmp_path):
    """What the lock file holds is read with care."""
    held = filelock.FileLock.take(tmp_path / "lock")
    (tmp_path / "lock").write_bytes(b"\xff nonsense")
    with pytest.raises(LedgerError, match=r"^another process is running"):
        filelock.FileLock.take(tmp_path / "lock")
    held.release()


def test_a_file_system_without_locks_is_no_other_process(tmp_path, monkeypatch):
    """An error of another kind is told as what it is."""

    def no_locks(_file):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(filelock, "_lock", no_locks)
    with pytest.raises(OSError, match="No locks available"):
        filelock.FileLock.take(tmp_path / "lock")
