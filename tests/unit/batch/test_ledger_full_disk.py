"""A disk that is full loses nothing."""

from __future__ import annotations

import asyncio
import shutil
import subprocess

import pytest
from ledgers import child, entry, filled, opened, refused

from a2e_async.batch.ledger import FolderLedger

FILL = """
import asyncio, pathlib, resource
from ledgers import entry, opened
from a2e_async.errors import LedgerError
async def fill(folder, limit):
    async with opened(folder) as book:
        await book.plan([entry("first")])
        print("first", flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        n = 0
        try:
            while True:
                rows = [f"row-{n + i}" for i in range(20)]
                await asyncio.gather(*(book.plan([entry(row, fields={"prompt": "x" * 3000})]) for row in rows))
                print(*rows, flush=True)
                n += 20
        except LedgerError as error:
            print("refused", error.message, flush=True)
        try:
            await book.noted("first", "later")
        except LedgerError as error:
            print("refused", error.message, flush=True)
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
asyncio.run(fill(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.parametrize("limit", [150_000, 400_000, 2_000_000])
async def test_a_full_disk_loses_nothing_and_says_so(tmp_path, limit):
    """When a file may grow no more: a clear error, all that was acknowledged is there, and the ledger goes on later."""
    process = child(FILL, tmp_path, limit)
    out, errors = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 0, errors
    told = [line for line in out.splitlines() if line.startswith("refused")]
    assert len(told) == 2
    assert all("nothing is lost, make room and run the same again" in line for line in told)
    acknowledged = {row for line in out.splitlines() if not line.startswith("refused") for row in line.split()}
    async with opened(tmp_path) as book:
        assert await book._ask("PRAGMA integrity_check") == [("ok",)]
        assert set(await book.known(sorted(acknowledged))) == acknowledged
        await book.plan([entry("more")])


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of one megabyte, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def plan(book, row):
    """Plan a row, and tell nothing."""
    await book.plan([row])


async def test_a_small_disk_that_is_full_loses_nothing(small_disk):
    """On a real full disk: the same, and there is room again when somebody makes some."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    told = set()
    book = await FolderLedger.open(small_disk)
    error = None
    while error is None:
        row = entry(f"row-{len(told)}", fields={"prompt": "x" * 3000})
        (error,) = await asyncio.gather(plan(book, row), return_exceptions=True)
        told |= {row.id} if error is None else set()
    assert "make room" in error.message
    await book.aclose()
    ballast.write_bytes(b"")
    async with opened(small_disk) as book:
        assert set(await book.known(sorted(told))) == told
        await book.plan([entry("more")])


async def test_a_full_disk_begins_no_ledger(small_disk):
    """What was not begun for want of room is begun when there is some."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**20 - 3 * 4096))
    assert "full" in await refused(small_disk) or "space" in await refused(small_disk)
    ballast.unlink()
    await filled(small_disk, 3)
