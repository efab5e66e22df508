"""The demo's page in a real browser: every video plays and every image shows, without a network."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]

_PLAYS = """
() => {
  const videos = [...document.querySelectorAll("video")];
  return videos.length === 2 && videos.every((video) => video.readyState >= 2 && video.currentTime > 0 && !video.error);
}
"""
_WIDTHS = "() => [...document.images].map((image) => image.naturalWidth)"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, command_line):
    """Give the page of a small demo with the media that people get."""
    folder = tmp_path_factory.mktemp("demo")
    end = command_line(folder)("demo", "--count", "2", "--speed", "20", "--out", "here")
    assert end.code == 0, end.err
    return folder / "here" / "index.html"


async def test_page(page_file):
    """Videos play by themselves, images have a size, and nothing is asked of the network."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - may be missing, see above

    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.context.set_offline(True)
        await page.goto(page_file.as_uri())
        await page.wait_for_function(_PLAYS, timeout=30_000)
        before = await page.evaluate("() => document.querySelector('video').currentTime")
        await page.wait_for_function(f"() => document.querySelector('video').currentTime !== {before}")
        widths = await page.evaluate(_WIDTHS)
        await browser.close()
    assert len(widths) == 2
    assert min(widths) > 0
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
