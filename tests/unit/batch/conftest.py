"""The ledgers over which the one suite of their rules runs."""

from __future__ import annotations

import contextlib

import pytest

from a2e_async.batch import MemoryLedger
from a2e_async.batch.ledger import FolderLedger


@pytest.fixture(params=["in a file", "in memory"])
async def book(request, tmp_path):
    """Give an open ledger of each kind."""
    place = MemoryLedger() if request.param == "in memory" else None
    async with contextlib.aclosing(await FolderLedger.open(tmp_path, place)) as ledger:
        yield ledger
