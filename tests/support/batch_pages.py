"""The page of a batch for tests in a real browser: rows of each kind with real media, and what opens pages."""

from __future__ import annotations

import importlib.util
import shutil
import wave

import pytest

from a2e_async.simulator.media.specs import ImageSpec, VideoSpec
from a2e_async.simulator.media.studio import Studio
from a2e_async.store.entries import Entry, FileEntry, State

CHROMIUM = shutil.which("chromium")

NEEDS_A_BROWSER = [
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
