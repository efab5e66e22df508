"""`a2e demo`: a whole batch in a folder of its own, whose page plays every video; again and again."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import pty
import re
import select
import shutil
import signal
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import av
import pytest

CHROMIUM = shutil.which("chromium")
TINY = ("--speed", "20", "--media", "tiny")
SHOWN = """
() => {
  const seen = [...document.querySelectorAll(".card :is(img, video):not(.taken)")];
  return seen.length === 12 && seen.every((one) => one.tagName === "IMG" ? one.naturalWidth > 0 : one.readyState >= 2);
}
"""
PLAYS = """async (video) => {
  video.scrollIntoView({block: "center", behavior: "instant"});
  const end = performance.now() + 20000;
  while (performance.now() < end && !video.error) {
    if (video.currentTime > 0 && !video.paused) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}"""


class Data(HTMLParser):
    """Reads the rows that a page shows."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self._reading, self._text = False, ""
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        """Begin to read where the data are."""
        self._reading = dict(attrs).get("id") == "data"

    def handle_data(self, data):
        """Read the data."""
        self._text += data if self._reading else ""

    @property
    def files(self) -> set[str]:
        """Give the files of all rows."""
        return {name for row in json.loads(self._text)["rows"] for name in row[5][::2]}


def kinds(folder: Path) -> Counter[str]:
    """Count the files of a folder by their ending."""
    return Counter(path.suffix for path in folder.iterdir() if not path.name.startswith((".", "ledger")))


def test_demo(lonely):
    """Without an account: six images and six videos made from them, all of which decode and are on the one page."""
    began = time.monotonic()
    end = lonely("demo")
    assert end.code == 0, end.err
    assert time.monotonic() - began < 30  # about 8 s where nothing else runs
    folder = lonely.folder / "a2e-demo"
    assert end.lines == [str(Path("a2e-demo", "index.html"))]
    assert kinds(folder) == {".png": 6, ".mp4": 6, ".html": 1, ".csv": 1, ".jsonl": 1}
    media = {path.name for path in folder.iterdir() if path.suffix in {".png", ".mp4"}}
    assert Data(folder / "index.html").files == media
    for name in media:
        with av.open(str(folder / name)) as opened:
            assert next(opened.decode(video=0)).width > 0
    assert "12 of 12 done · 240 coins spent" in end.err


def test_programs(lonely):
    """With --json each change of a row is a line, and the last line says where the page is and what it took."""
    end = lonely("demo", "--count", "2", *TINY, "--json", "--out", "here")
    assert end.code == 0, end.err
    *changes, last = end.data
    done = {change["row"]: change["paths"] for change in changes if change["status"] == "done"}
    assert set(done) == {"red-kite", "red-kite-video", "last-light", "last-light-video"}
    assert all(Path(lonely.folder, path).is_file() for paths in done.values() for path in paths)
    assert (last["jobs"], last["coins"], last["page"]) == (4, 80, str(Path("here", "index.html")))
    assert 0 < last["status_requests"] < 100
    assert 0 < last["seconds"] < 60


@pytest.mark.slow
def test_again(lonely):
    """Run again it starts nothing and says why; more rows, and files that were removed, are made; nothing doubles."""
    assert lonely("demo", "--count", "2", *TINY).code == 0
    folder = lonely.folder / "a2e-demo"
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.[mp][pn][4g]")}
    end = lonely("demo", "--count", "2", *TINY)
    assert (end.code, end.lines) == (0, [str(Path("a2e-demo", "index.html"))])
    assert "is complete" in end.err
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.[mp][pn][4g]")} == before
    (folder / "last-light-video.mp4").unlink()
    end = lonely("demo", "--count", "3", *TINY)
    assert end.code == 0, end.err
    assert kinds(folder) == {".png": 3, ".mp4": 3, ".html": 1, ".csv": 1, ".jsonl": 1}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_left_and_run_again(lonely, how):
    """However it was left, the same command makes the whole demo: a new simulator knows nothing of the old tasks."""
    with lonely.start("demo", "--count", "3", "--media", "tiny", "--json", stdout=-1, stderr=-1) as child:
        for line in child.stdout:
            if json.loads(line)["row"].endswith("video") and json.loads(line)["status"] == "accepted":
                break
        child.send_signal(signal.SIGKILL if how == "killed" else signal.SIGTERM)
        _out, err = child.communicate(timeout=60)
    if how == "stopped":
        assert child.returncode == 130
        assert err.splitlines()[-2:] == ["a2e: interrupted; to resume:", "a2e demo --count 3 --media tiny --json"]
    end = lonely("demo", "--count", "3", *TINY)
    assert end.code == 0, end.err
    assert kinds(lonely.folder / "a2e-demo") == {".png": 3, ".mp4": 3, ".html": 1, ".csv": 1, ".jsonl": 1}


@pytest.mark.slow
def test_what_is_not_ours(lonely):
    """Files of somebody else stay as they are, and a folder with another batch is refused."""
    mine = lonely.folder / "mine"
    mine.mkdir()
    for name in ("index.html", "red-kite.png"):
        (mine / name).write_text("mine")
    end = lonely("demo", "--count", "1", *TINY, "--out", "mine")
    assert (end.code, end.lines) == (0, [str(Path("mine", "index-2.html"))])
    assert [(mine / name).read_text() for name in ("index.html", "red-kite.png")] == ["mine", "mine"]
    (lonely.folder / "rows.csv").write_text("id,prompt\nkite,a kite\n")
    run = ("--simulate", "batch", "run", "rows.csv", "--family", "text_to_image", "--out", "other")
    assert lonely(*run).code == 0
    before = (lonely.folder / "other" / "manifest.jsonl").read_bytes()
    end = lonely("demo", "--count", "1", *TINY, "--out", "other")
    assert (end.code, len(end.err.splitlines())) == (2, 1)
    assert "other holds another batch (with row 'kite'): choose another --out" in end.err
    assert (lonely.folder / "other" / "manifest.jsonl").read_bytes() == before


@pytest.mark.skipif(not hasattr(pty, "openpty"), reason="needs a pseudo terminal")
def test_live_display(lonely):
    """On a terminal the display is live: it redraws, with a bar per state and a total; the page comes after it."""
    ours, theirs = pty.openpty()
    with lonely.start("demo", "--count", "2", *TINY, stdin=theirs, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        seen = read_all(ours)
        assert child.wait(30) == 0, seen
    os.close(ours)
    assert "\x1b[" in seen
    last = re.split(r"\x1b\[\d*A", seen)[-1]
    assert "4 of 4 done" in last
    assert "80 coins spent" in last
    assert "failed" not in last  # a bad state is shown only when a row is in it
    assert str(Path("a2e-demo", "index.html")) in last


def read_all(terminal: int) -> str:
    """Read what is written on a terminal until everybody has left it."""
    seen, limit = b"", time.monotonic() + 60
    while time.monotonic() < limit and select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody is left
            break
        if not part:
            break
        seen += part
    return seen.decode()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed")
async def test_page(lonely):
    """In a browser without a network every image shows, every video plays, and nothing is complained of."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - may be missing, see above

    end = await asyncio.to_thread(lonely, "demo", "--speed", "20", "--out", "here")
    assert end.code == 0, end.err
    async with async_playwright() as tools:
        browser = await tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1440, "height": 2400})
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        await page.context.set_offline(True)
        await page.goto((lonely.folder / "here" / "index.html").as_uri())
        await page.wait_for_function(SHOWN, timeout=30_000)
        videos = await page.query_selector_all("video")
        playing = [await page.evaluate(PLAYS, video) for video in videos]
        await browser.close()
    assert playing == [True] * 6
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
