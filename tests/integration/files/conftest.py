"""A file host with one video, and a client for which nobody listens but file hosts."""

from __future__ import annotations

import pytest
from file_host import file_host
from given import PNG
from videos import QUICK, VIDEO

from a2e_async import A2EClient


@pytest.fixture
async def host():
    """Run a file host with one video."""
    async with file_host(VIDEO) as host:
        yield host


@pytest.fixture
async def a2e():
    """Open a client for which nobody listens but file hosts."""
    async with A2EClient("sk_secret", base_url="http://127.0.0.1:1", retry=QUICK) as a2e:
        yield a2e


@pytest.fixture
def photo(tmp_path):
    """Give the path of a photo."""
    path = tmp_path / "me and you.png"
    path.write_bytes(PNG)
    return path
