"""The page of a batch in a real browser, opened from disk and without a network."""

from __future__ import annotations

import importlib.util
import shutil
import time
import wave

import pytest

from a2e_async.batch.entries import Entry, FileEntry, State
from a2e_async.batch.report import write_report
from a2e_async.simulator.media.specs import ImageSpec, VideoSpec
from a2e_async.simulator.media.studio import Studio

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]

NOW = 1_795_230_608.0
EVIL = (
    "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'></script>\"'`</style>${window.pwned = 3}"
    "\u2028\u2029\u202eright to left\u202c مرحبا 😀👩‍👩‍👧 \x00 &amp; javascript:alert(1) "
)
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}

# What is at the top of the cards: their order by the eye.
CARDS = "() => [...document.querySelectorAll('.card')].map((card) => card.querySelector('b').textContent)"
FOCUSED = "() => document.activeElement.querySelector?.('b')?.textContent ?? document.activeElement.id"
PLAYS = """async (video) => {
  video.scrollIntoView({block: "center", behavior: "instant"});
  const end = performance.now() + 20000;
  while (performance.now() < end && !video.error) {
    const before = video.currentTime;
    await new Promise((done) => setTimeout(done, 150));
    if (video.currentTime !== before && video.videoWidth > 0) return true;
  }
  return false;
}"""
WIDE = "() => document.documentElement.scrollWidth > innerWidth"


def entry(name, state=State.DONE, *, at=0.0, **given):
    """Make a row that took 10 s."""
    times = {"planned_at": NOW, "intended_at": NOW + at + 1, "accepted_at": NOW + at + 2, "finished_at": NOW + at + 11}
    usual = {"family": "text_to_image", "fields": {"prompt": f"prompt of {name}"}, "task_ids": (f"task-{name}",)}
    return Entry(id=name, state=state, **usual | times | {"done_at": NOW + at + 12} | given)


def put(folder, path, body):
    """Put a file where the report expects it."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(body)
    return FileEntry(path=path, bytes=len(body), sha256="0" * 64)


def beep(folder, path):
    """Put half a second of silence there."""
    with wave.open(str(folder / path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(8000))
    return FileEntry(path=path, bytes=(folder / path).stat().st_size, sha256="0" * 64)


def rows(folder):
    """Make a row of each kind, with media that are real."""
    studio = Studio()
    images = [studio.render_now(ImageSpec(words, 320, 240)).body for words in ("kite", "boat", "fox")]
    videos = [
        studio.render_now(VideoSpec(ImageSpec(words, 320, 240), None, 2)).body for words in ("kite", "boat", "fox")
    ]
    yield entry("kite", coins=5, files=(put(folder, "kite.png", images[0]),))
    for n, video in enumerate(videos):
        path = f"videos/video {n} #100%.mp4"
        fields = {"prompt": f"video {n}", "negative_prompt": "blurry", "image_from": "kite", "video_time": 5}
        finished = NOW + 20 + 10 * n
        family = "image_to_video"
        yield entry(
            f"video-{n}",
            family=family,
            fields=fields,
            coins=30 - n,
            finished_at=finished,
            files=(put(folder, path, video),),
        )
    several = tuple(put(folder, f"two-{n}.png", body) for n, body in enumerate(images[1:]))
    yield entry("two", coins=10, files=several)
    yield entry("sound", files=(beep(folder, "sound.wav"),))
    yield entry("other", files=(put(folder, "other.zip", b"PK"),))
    yield entry("gone", files=(FileEntry(path="gone.png", bytes=1, sha256="0" * 64),))
    yield entry("bad", State.FAILED, error="moderation says no (code 1003)", done_at=None, coins=0)
    yield entry("worse", State.UNKNOWN, error="nobody knows", task_ids=(), tag="k7f3q9x2m4pda", finished_at=None)
    yield entry("runs", State.ACCEPTED, at=5, finished_at=None, done_at=None)
    yield Entry(id="waits", family="text_to_image", fields={"prompt": "later"}, planned_at=NOW)


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """Give the page of a batch with one row of each kind."""
    folder = tmp_path_factory.mktemp("first batch")
    return write_report(folder, list(rows(folder)), now=NOW + 60)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Give the page of 5,000 rows with images and videos."""
    folder = tmp_path_factory.mktemp("many")
    studio = Studio("plain")
    image = put(folder, "media/p.png", studio.render_now(ImageSpec("p", 64, 64)).body)
    video = put(folder, "media/f.mp4", studio.render_now(VideoSpec(ImageSpec("p", 64, 64), None, 2)).body)
    given = (entry(f"row-{n:04d}", at=n / 10, files=(video if n % 3 else image,)) for n in range(5000))
    return write_report(folder, given, now=NOW + 600)


class Browser:
    """Opens pages without a network, and keeps what they ask for and complain about."""

    def __init__(self, chromium):
        self._chromium = chromium
        self.asked, self.complaints = [], []

    async def open(self, path, **how):
        """Open a page and wait for its first card."""
        context = await self._chromium.new_context(**{"viewport": {"width": 1280, "height": 2000}} | how)
        await context.set_offline(True)
        page = await context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        await page.goto(path.as_uri())
        await page.wait_for_selector(".card", timeout=60_000)
        return page


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


async def test_videos_and_images(browser, batch):
    """Every video plays by itself, muted and in a loop, and every image shows."""
    page = await browser.open(batch)
    videos = await page.query_selector_all(".card video")
    assert len(videos) == 3
    for video in videos:
        assert await page.evaluate(PLAYS, video)
        assert await video.evaluate("(video) => video.muted && video.loop && video.preload === 'metadata'")
        assert await video.evaluate("(video) => video.poster.endsWith('/kite.png')")
    await page.wait_for_function("() => [...document.images].filter((image) => image.naturalWidth > 0).length === 3")
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
    """Rows that ended badly are told at the top, with their reasons, and are the first cards."""
    page = await browser.open(batch)
    told = await page.inner_text("#errors")
    for words in ("2 rows ended badly", "moderation says no (code 1003)", "nobody knows"):
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
    assert " ".join(chips.split()) == "all 12 planned 1 accepted 1 done 8 failed 1 unknown 1"


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
