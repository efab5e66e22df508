"""Ledgers for tests: opened for a block, polled from outside, and written by processes of their own."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from a2e_async.batch import ledger as its_module
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.errors import LedgerError
from a2e_async.store.entries import Entry, FileEntry

# A process that only writes a ledger imports nothing else: the whole package takes longer than its life.
_ALONE = """
import sys, types
sys.path.insert(0, {support!r})
for name, path in {packages!r}:
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
"""
_ROOT = Path(its_module.__file__).parents[1]
_PACKAGES = [("a2e_async", str(_ROOT)), ("a2e_async.batch", str(_ROOT / "batch"))]


@contextlib.asynccontextmanager
async def opened(folder):
    """Open the ledger of a folder for a block."""
    ledger = await FolderLedger.open(folder)
    try:
        yield ledger
    finally:
        await ledger.aclose()


def entry(row_id="a", **changes):
    """Make an entry of a row."""
    return Entry(
        **{"id": row_id, "family": "text_to_image", "fields": {"prompt": "a kite"}, "planned_at": 1.0} | changes
    )


def seen(folder, sql, *values):
    """Ask the ledger of a folder by a connection of our own, which only reads."""
    path = (folder / FILE_NAME).absolute()
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(sql, values).fetchall()


def value(folder, column, row_id="a"):
    """Give one column of a row as it is on the disk."""
    return seen(folder, f"SELECT {column} FROM rows WHERE id = ?", row_id)[0][0]


def child(code, *arguments, **options):
    """Run Python in a process of its own, which can import what helps with ledgers."""
    alone = _ALONE.format(support=str(Path(__file__).parent), packages=_PACKAGES)
    command = [sys.executable, "-c", alone + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@contextlib.contextmanager
def running(code, *arguments, **options):
    """Run Python in a process of its own, which is killed at the end of the block."""
    process = child(code, *arguments, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


FILE = FileEntry(path="a.png", bytes=3, sha256="00")


async def refused(folder):
    """Give the words with which the ledger of a folder is refused."""
    with pytest.raises(LedgerError) as caught:
        await FolderLedger.open(folder)
    return caught.value.message


async def filled(folder, rows=200):
    """Make a ledger of many rows and close it."""
    async with opened(folder) as open_ledger:
        await open_ledger.plan([entry(f"row-{n}", fields={"prompt": "a kite " * 30}) for n in range(rows)])


HOLD = """
import asyncio, pathlib
from ledgers import opened
async def hold():
    async with opened(pathlib.Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


def overwrite(path, at, length):
    """Write nonsense into the middle of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(random.Random(at).randbytes(length))
