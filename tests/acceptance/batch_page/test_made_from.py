"""What a row was made from stands beside what it made."""

from __future__ import annotations

import hashlib

import pytest
from batch_pages import NEEDS_A_BROWSER, NOW, entry, put
from photos import photo

from a2e_async.batch.report import write_report
from a2e_async.simulator.media.specs import ImageSpec, VideoSpec
from a2e_async.simulator.media.studio import Studio

pytestmark = NEEDS_A_BROWSER


def taken(path):
    """Give a file as the ledger keeps it."""
    content = path.read_bytes() if path.exists() else b""
    digest = hashlib.sha256(content).hexdigest()
    return {"file": path.name, "sha256": digest, "bytes": 1, "kind": "image/png", "suffix": ".png", "at": str(path)}


@pytest.fixture
def page(tmp_path):
    """Give the page of rows that took a file, outputs of other rows, and a file that is gone since."""
    folder = tmp_path / "out"
    folder.mkdir()
    image = Studio().render_now(ImageSpec("kite", 320, 240))
    video = Studio().render_now(VideoSpec(ImageSpec("kite", 320, 240), None, 2))
    me, gone = photo(tmp_path / "photos/me & you.png"), tmp_path / "photos/gone.png"
    photo_fields = {"image_url": taken(me), "columns": {"customer": "<b>Ann</b>"}}
    rows = [
        entry("kite", files=(put(folder, "kite.png", image.body),)),
        entry("photo", fields=photo_fields, files=(put(folder, "photo.mp4", video.body),)),
        entry("gone", fields={"image_url": taken(gone)}, files=(put(folder, "gone.mp4", video.body),)),
        entry("worn", fields={"image_urls": [taken(me), "row:kite"]}, files=(put(folder, "worn.png", image.body),)),
    ]
    return write_report(folder, rows, now=NOW + 60)


async def test_inputs_stand_beside_outputs(browser, page):
    """On the card and large; a file that is gone since leaves nothing broken; own columns are told as text."""
    seen = await browser.open(page)
    await seen.wait_for_function("() => document.querySelectorAll('.card .taken').length === 2")
    places = await seen.evaluate(
        "() => [...document.querySelectorAll('.card .taken')].map((one) => one.getAttribute('src'))"
    )
    assert places == ["./../photos/me%20%26%20you.png"] * 2
    assert await seen.evaluate("() => document.querySelector('[data-row=\"1\"] video').poster.endsWith('you.png')")
    await seen.click("[data-row='3']")
    await seen.wait_for_function(
        "() => [...document.querySelectorAll('.from img')].filter((one) => one.naturalWidth).length === 2"
    )
    await seen.keyboard.press("Escape")
    await seen.click("[data-row='1']")
    told = await seen.inner_text("#about")
    assert "me & you.png" in told
    assert "<b>Ann</b>" in told
