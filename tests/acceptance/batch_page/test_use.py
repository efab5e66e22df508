"""The page of a batch by keyboard, on a phone, in the dark, in large and as a timeline."""

from __future__ import annotations

import pytest
from batch_pages import FOCUSED, NEEDS_A_BROWSER, PHONE, WIDE

pytestmark = NEEDS_A_BROWSER


async def test_keyboard(browser, batch):
    """Everything is reached without a mouse, and the focus comes back."""
    page = await browser.open(batch)
    await page.select_option("#sort", "order")
    await page.evaluate("() => document.activeElement.blur()")
    steps = [("j", "kite"), ("j", "video-0"), ("ArrowRight", "video-1"), ("k", "video-0"), ("ArrowLeft", "kite")]
    steps += [
        ("ArrowDown", "video-2"),
        ("ArrowDown", "other"),
        ("ArrowUp", "video-2"),
        ("End", "waits"),
        ("Home", "kite"),
    ]
    for key, name in steps:
        await page.keyboard.press(key)
        assert await page.evaluate(FOCUSED) == name, key
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_function("() => document.querySelector('dialog[open] video')?.currentTime > 0")
    await page.keyboard.press(" ")
    assert await page.evaluate("() => document.querySelector('dialog video').paused")
    await page.keyboard.press(" ")
    assert not await page.evaluate("() => document.querySelector('dialog video').paused")
    await page.keyboard.press("j")
    assert await page.inner_text("#dialog-title") == "video-1"
    await page.keyboard.press("Escape")
    assert not await page.evaluate("() => document.querySelector('dialog').open")
    assert await page.evaluate(FOCUSED) == "video-1"
    await page.keyboard.press("/")
    await page.keyboard.type("j2/1")  # in the search these are letters
    assert await page.evaluate("() => document.activeElement.value") == "j2/1"
    await page.keyboard.press("Escape")
    assert await page.input_value("#search") == ""


async def test_keyboard_among_errors(browser, batch):
    """Up and down go by the eye where the low cards of bad rows end."""
    page = await browser.open(batch)
    for key, name in (("j", "bad"), ("j", "worse"), ("ArrowDown", "video-0"), ("ArrowUp", "worse"), ("k", "bad")):
        await page.keyboard.press(key)
        assert await page.evaluate(FOCUSED) == name, key


async def test_dialog(browser, batch):
    """The large view has all files and all that is known of the row."""
    page = await browser.open(batch)
    await page.click("[data-row='4']")
    await page.wait_for_function("() => document.querySelector('.now img')?.naturalWidth > 0")
    await page.click("[aria-label='two-1.png']")
    assert await page.get_attribute(".now img", "src") == "./two-1.png"
    await page.click("#close")
    await page.click("[data-row='1']")
    told = await page.inner_text("#about")
    for words in ("video 0", "blurry", "image_to_video", "task-video-0", "30", "queue 2.0 s", "run 18.0 s"):
        assert words in told
    link = await page.get_attribute(".files a", "href")
    assert link == "./videos/video%200%20%23100%25.mp4"
    await page.click(".link >> text=kite")
    assert await page.inner_text("#dialog-title") == "kite"
    await page.keyboard.press("Escape")


async def test_timeline(browser, batch):
    """Each row's bars are drawn; they are reached by mouse and keyboard, and can be enlarged."""
    page = await browser.open(batch)
    await page.keyboard.press("t")
    inked = """() => {
      const canvas = document.getElementById("canvas"), seen = new Set();
      const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      for (let at = 0; at < dots.length; at += 4) seen.add(dots.slice(at, at + 4).join());
      return ["227,155,74,255", "60,134,184,255", "179,18,29,255"].filter((colour) => seen.has(colour)).length;
    }"""
    assert await page.evaluate(inked) == 3
    await page.hover("#plot", position={"x": 400, "y": 38})
    assert "bad" in await page.inner_text("#tip")
    await page.click("#plot", position={"x": 400, "y": 38})
    assert await page.inner_text("#dialog-title") == "bad"
    await page.keyboard.press("Escape")
    for key in "jj":
        await page.keyboard.press(key)
    assert (await page.inner_text("#said")) == "kite: done, queue 2.0 s, run 9.0 s, download 1.0 s"
    await page.keyboard.press("Enter")
    assert await page.inner_text("#dialog-title") == "kite"
    await page.keyboard.press("Escape")
    await page.keyboard.press("+")
    assert await page.evaluate("() => document.getElementById('plot').scrollWidth > 1500")
    await page.keyboard.press("3")  # the filter holds here, too
    assert "1 row" in await page.inner_text("#scale")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_colours(browser, batch, scheme):
    """The page follows the system; its text can be read in both."""
    page = await browser.open(batch, color_scheme=scheme)
    contrasts = await page.evaluate(
        """() => {
          const part = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          const light = (hex) => [1, 3, 5].map((at) => part(parseInt(hex.slice(at, at + 2), 16)))
            .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
          const style = getComputedStyle(document.documentElement);
          const of = (name) => light(style.getPropertyValue(name).trim());
          return ["--ink", "--soft", "--accent", "--done", "--wait", "--planned", "--failed", "--refused", "--unknown"]
            .map((name) => [of(name), of("--paper")].sort((a, b) => b - a)).map(([a, b]) => (a + 0.05) / (b + 0.05));
        }"""
    )
    assert min(contrasts) >= 4.5
    ground = await page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 244, 239)", "dark": "rgb(18, 19, 21)"}[scheme]


async def test_phone(browser, batch):
    """Nothing is wider than a phone, whatever is shown."""
    page = await browser.open(batch, **PHONE)
    assert not await page.evaluate(WIDE)
    for name in ("Small", "Timeline", "Large"):
        await page.click(f".views >> text={name}")
        assert not await page.evaluate(WIDE), name
    await page.click("[data-row='8']")
    assert await page.evaluate("() => document.querySelector('dialog').scrollWidth <= innerWidth")
    await page.click("#close")
    assert await page.evaluate("() => document.querySelector('.card').getBoundingClientRect().width > 300")


async def test_names(browser, batch):
    """Everything that can be pressed has a name, and each card says which of how many it is."""
    page = await browser.open(batch)
    nameless = """() => [...document.querySelectorAll("button, a, select, input")].filter((one) =>
      !(one.ariaLabel || one.textContent || one.labels[0].textContent).trim()).length"""
    assert await page.evaluate(nameless) == 0
    assert await page.get_attribute(".cell:first-child", "aria-setsize") == "12"
    assert await page.get_attribute(".cell:first-child", "aria-posinset") == "1"
    assert "bad, failed: moderation says no" in await page.get_attribute(".cell:first-child .card", "aria-label")
    assert (
        await page.evaluate(
            "() => [...document.querySelectorAll('.card')].filter((card) => card.tabIndex === 0).length"
        )
        == 1
    )
