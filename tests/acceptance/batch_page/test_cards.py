"""What the page of a batch shows of its rows, opened from disk and without a network."""

from __future__ import annotations

from batch_pages import CARDS, NEEDS_A_BROWSER, PLAYS

pytestmark = NEEDS_A_BROWSER


async def test_videos_and_images(browser, batch):
    """Every video plays by itself, muted and in a loop, and every image shows."""
    page = await browser.open(batch)
    videos = await page.query_selector_all(".card video")
    assert len(videos) == 3
    for video in videos:
        assert await page.evaluate(PLAYS, video)
        assert await video.evaluate("(video) => video.muted && video.loop && video.preload === 'metadata'")
        assert await video.evaluate("(video) => video.poster.endsWith('/kite.png')")
    await page.wait_for_function(
        "() => [...document.images].filter((image) => image.naturalWidth > 0).length === 6"
    )  # three of them are inputs of the videos
    assert "gone.png cannot be shown" in await page.inner_text("[data-row='7']")


async def test_videos_out_of_view(browser, many):
    """A video that is out of view stands still; of 5,000 only a few are there at all."""
    page = await browser.open(many)
    await page.wait_for_function("() => [...document.querySelectorAll('video')].some((video) => !video.paused)")
    video = await page.query_selector("video")
    await page.evaluate("() => scrollBy({top: 2600, behavior: 'instant'})")
    await page.wait_for_function("(video) => video.paused", arg=video)


async def test_less_motion(browser, batch):
    """Whoever asks for less motion sees no video play, until a button says so."""
    page = await browser.open(batch, reduced_motion="reduce")
    await page.wait_for_timeout(600)
    assert await page.evaluate("() => [...document.querySelectorAll('video')].every((video) => video.paused)")
    await page.click("text=Play videos")
    assert await page.evaluate(PLAYS, await page.query_selector("video"))


async def test_errors_first(browser, batch):
    """Rows that failed are told at the top, with their reasons, and are the first cards."""
    page = await browser.open(batch)
    told = await page.inner_text("#errors")
    for words in ("2 rows failed", "moderation says no (code 1003)", "nobody knows"):
        assert words in told
    assert (await page.evaluate(CARDS))[:3] == ["bad", "worse", "kite"]
    await page.click("#groups >> text=nobody knows")
    assert await page.evaluate(CARDS) == ["worse"]
    await page.click("#groups >> text=nobody knows")
    assert len(await page.evaluate(CARDS)) == 12


async def test_totals(browser, batch):
    """The totals are those of the rows."""
    page = await browser.open(batch)
    told = (await page.inner_text("#totals")).replace("\n", " ")
    for words in ("8 / 12", "102", "9", "39.0 s"):
        assert words in told
    chips = (await page.inner_text("#chips")).replace("\n", " ").lower()
    assert " ".join(chips.split()) == "all 12 planned 1 running 1 done 8 failed 1 unknown 1"


async def test_filter(browser, batch):
    """Chips and number keys filter by status."""
    page = await browser.open(batch)
    await page.click("[data-state=failed]")
    assert await page.evaluate(CARDS) == ["bad"]
    assert await page.get_attribute("[data-state=failed]", "aria-pressed") == "true"
    await page.keyboard.press("2")
    assert await page.evaluate(CARDS) == ["waits"]
    await page.keyboard.press("1")
    assert len(await page.evaluate(CARDS)) == 12


async def test_search(browser, batch):
    """Search looks at ids, prompts, errors, settings and paths; every word has to be there."""
    page = await browser.open(batch)
    for words, found in (
        ("VIDEO 2", "video-2"),
        ("moderation 1003", "bad"),
        ("task-two", "two"),
        ("zip", "other"),
        ("k7f3q9", "worse"),
    ):
        await page.fill("#search", words)
        await page.wait_for_function(f"() => ({CARDS})().join() === '{found}'")
    await page.fill("#search", "nothing like it")
    await page.wait_for_selector("text=No row matches.")
    await page.click("text=Show all rows")
    assert len(await page.evaluate(CARDS)) == 12
    assert await page.input_value("#search") == ""


async def test_sort(browser, batch):
    """Sorted by what is asked for, both ways; rows without the value come last."""
    page = await browser.open(batch)
    await page.select_option("#sort", "coins")
    assert (await page.evaluate(CARDS))[:5] == ["bad", "kite", "two", "video-2", "video-1"]
    await page.click("#turn")
    assert (await page.evaluate(CARDS))[:4] == ["video-0", "video-1", "video-2", "two"]
    await page.select_option("#sort", "duration")
    assert (await page.evaluate(CARDS))[:2] == ["video-2", "video-1"]
    assert set((await page.evaluate(CARDS))[-3:]) == {"worse", "runs", "waits"}
    await page.select_option("#sort", "order")
    assert (await page.evaluate(CARDS))[0] == "waits"
    await page.select_option("#sort", "status")
    await page.click("#turn")
    assert (await page.evaluate(CARDS))[:2] == ["waits", "runs"]


async def test_other_kinds(browser, batch):
    """Sound has a player, other files a link, rows without files a word."""
    page = await browser.open(batch)
    await page.click("[data-row='5']")
    await page.wait_for_function("() => document.querySelector('.now audio')?.duration > 0.4")
    await page.keyboard.press("j")
    assert await page.get_attribute(".now a", "href") == "./other.zip"
    await page.keyboard.press("Escape")
    assert "running" in await page.inner_text("[data-row='10']")
    assert "not started yet" in await page.inner_text("[data-row='11']")
    await page.click("[data-row='9']")
    assert "k7f3q9x2m4pda" in await page.inner_text("#about")
