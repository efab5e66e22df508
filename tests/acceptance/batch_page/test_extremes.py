"""The page of a batch with very many rows, with none, and with rows that mean harm."""

from __future__ import annotations

import time

from batch_pages import EVIL, FOCUSED, NEEDS_A_BROWSER, PHONE, WIDE, entry

from a2e_async.batch.report import write_report
from a2e_async.store.entries import FileEntry, State

pytestmark = NEEDS_A_BROWSER


async def test_many_rows(browser, many):
    """5,000 rows open at once, hold few elements, and their end is reached in no time."""
    began = time.monotonic()
    page = await browser.open(many)
    assert time.monotonic() - began < 10
    size = "() => document.querySelectorAll('*').length"
    assert await page.evaluate(size) < 700
    began = time.monotonic()
    await page.evaluate("() => scrollTo(0, 1e9)")
    await page.wait_for_selector("[data-row='4999']")
    await page.wait_for_function("() => document.querySelector(\"[data-row='4999'] :is(img, video)\")")
    assert time.monotonic() - began < 5
    for _ in range(40):
        await page.mouse.wheel(0, -700)
        await page.wait_for_timeout(15)
    assert await page.evaluate(size) < 700
    assert await page.evaluate("() => document.querySelectorAll('video').length") < 40
    await page.click(".views >> text=Small")
    assert await page.evaluate(size) < 1500


async def test_huge(browser, tmp_path):
    """100,000 rows can be used, even where they are higher than a browser lets an element be."""
    given = (entry(f"row-{n:06d}", State.FAILED if n == 70_000 else State.DONE, at=n / 9) for n in range(100_000))
    page = await browser.open(write_report(tmp_path, given), **PHONE)
    await page.evaluate("() => scrollTo(0, 1e9)")
    await page.wait_for_selector("[data-row='99999']")
    await page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight / 2)")
    await page.wait_for_function("() => Math.abs(+document.querySelector('.card').dataset.row - 50000) < 500")
    await page.focus(".card[tabindex='0']")
    for key, name in (("End", "row-099999"), ("k", "row-099998"), ("Home", "row-070000"), ("j", "row-000000")):
        await page.keyboard.press(key)
        assert await page.evaluate(FOCUSED) == name
        box = await page.evaluate("() => document.activeElement.getBoundingClientRect().toJSON()")
        assert 0 < box["top"] < 740
    assert await page.evaluate("() => document.querySelectorAll('*').length") < 700
    await page.fill("#search", "row-0555")
    await page.wait_for_function("() => document.getElementById('said').textContent === '100 rows shown'")


async def test_hostile(browser, tmp_path):
    """Prompts, ids, paths and settings do nothing, wherever they are shown."""
    long = EVIL * (10_000 // len(EVIL))
    link = "javascript:window.pwned=4"
    files = tuple(FileEntry(path=path, bytes=1, sha256="") for path in ("//evil.example/x.png", f"{link}//x", EVIL))
    fields = {"prompt": long, "negative_prompt": long, "image_url": link, EVIL: EVIL, "__proto__": "x"}
    given = [
        entry(EVIL, State.FAILED, fields=fields, error=long, family=EVIL, task_ids=(EVIL,)),
        entry("files", fields=fields, files=files, family="__proto__"),
    ]
    page = await browser.open(write_report(tmp_path, given))
    for key in ("t", "t", "j", "Enter", "j"):
        await page.keyboard.press(key)
    assert (await page.text_content("#about section:nth-child(1) p")) == long
    for button in range(3):
        await page.click(f".strip button >> nth={button}")
    links = await page.evaluate("() => [...document.querySelectorAll('dialog a')].map((link) => link.href)")
    assert len(links) > 2
    assert all(link.startswith(tmp_path.as_uri()) for link in links)
    assert await page.evaluate("() => window.pwned") is None
    assert await page.evaluate("() => document.querySelectorAll('script').length") == 1
    assert not await page.evaluate(WIDE)


async def test_no_rows(browser, tmp_path):
    """A batch without rows says so."""
    page = await browser.open(write_report(tmp_path, [entry("one")]))
    assert not await page.is_visible("#errors")
    await page.goto(write_report(tmp_path, []).as_uri())
    assert await page.inner_text("#empty p") == "This batch has no rows yet."
