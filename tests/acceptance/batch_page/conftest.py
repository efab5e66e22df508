"""Pages of batches, and a browser for them."""

from __future__ import annotations

import pytest
from batch_pages import CHROMIUM, NOW, Browser, entry, put, rows

from a2e_async.batch.report import write_report
from a2e_async.simulator.media.specs import ImageSpec, VideoSpec
from a2e_async.simulator.media.studio import Studio


@pytest.fixture(scope="session")
def batch(tmp_path_factory):
    """Give the page of a batch with one row of each kind."""
    folder = tmp_path_factory.mktemp("first batch")
    return write_report(folder, list(rows(folder)), now=NOW + 60)


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """Give the page of 5,000 rows with images and videos."""
    folder = tmp_path_factory.mktemp("many")
    studio = Studio("plain")
    image = put(folder, "media/p.png", studio.render_now(ImageSpec("p", 64, 64)).body)
    video = put(folder, "media/f.mp4", studio.render_now(VideoSpec(ImageSpec("p", 64, 64), None, 2)).body)
    given = (entry(f"row-{n:04d}", at=n / 10, files=(video if n % 3 else image,)) for n in range(5000))
    return write_report(folder, given, now=NOW + 600)


@pytest.fixture
async def browser():
    """Give a browser; in the end nothing may have been asked of the network or gone wrong in a page."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - may be missing, see above

    async with async_playwright() as tools:
        chromium = await tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        given = Browser(chromium)
        yield given
        await chromium.close()
    assert [url for url in given.asked if not url.startswith(("file://", "data:"))] == []
    assert [text for text in given.complaints if "ERR_FILE_NOT_FOUND" not in text] == []
