"""The files of a report are whole or not there, whatever fails on the way."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from reports import NOW, entry

from a2e_async.batch import atomic
from a2e_async.batch.report import write_report


def test_streams(tmp_path):
    """Entries are read once and never held."""
    seen = []

    def entries():
        for n in range(3):
            seen.append(n)
            yield entry(f"r{n}")

    write_report(tmp_path, entries())
    assert seen == [0, 1, 2]


def _fails_at_the_end():
    yield entry("new")
    raise RuntimeError("the ledger is gone")


def test_failing_entries(tmp_path):
    """An error on the way leaves the older files and nothing else."""
    write_report(tmp_path, [entry("old")], now=NOW)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RuntimeError, match="the ledger is gone"):
        write_report(tmp_path, _fails_at_the_end())
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_disk_full(tmp_path, monkeypatch, nth):
    """A disk that is full when the nth file is written through leaves the older ones, too."""
    write_report(tmp_path, [entry("old")], now=NOW)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    calls = []

    def full(handle):
        calls.append(handle)
        if len(calls) == nth:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(tmp_path, [entry("new")])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_full_while_writing(tmp_path, monkeypatch):
    """The failing write itself, as the system makes it fail."""

    def full(handle, *_args, **_kwargs):
        os.close(handle)
        return open("/dev/full", "w", encoding="utf-8")  # noqa: PTH123 - the draft closes it

    monkeypatch.setattr(atomic.os, "fdopen", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(tmp_path, (entry(f"r{n}") for n in range(1000)))
    assert list(tmp_path.iterdir()) == []


def test_missing_folder(tmp_path):
    """A folder that is not there is an error, not made."""
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "none", [])


def test_order_on_disk(tmp_path, monkeypatch):
    """No file takes its place before all of them are on the disk."""
    events = []
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: events.append("fsync"))
    replace = atomic.Path.replace
    monkeypatch.setattr(atomic.Path, "replace", lambda path, to: events.append("put") or replace(path, to))
    write_report(tmp_path, [entry()])
    assert events[:6] == ["fsync"] * 3 + ["put"] * 3


def test_abandoned_drafts(tmp_path):
    """What a killed process left behind goes after an hour; what another one is writing now stays."""
    old, new = tmp_path / ".index.html.00000000.part", tmp_path / ".index.html.11111111.part"
    for part in (old, new):
        part.write_text("half")
    os.utime(old, (time.time() - 7200,) * 2)
    write_report(tmp_path, [entry()])
    assert not old.exists()
    assert new.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_mode(tmp_path):
    """The files are as readable as others that the user makes."""
    (tmp_path / "other").write_text("x")
    path = write_report(tmp_path, [entry()])
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode
