"""The demo: files that decode, a page that links them."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import av
import pytest


class Links(HTMLParser):
    """Keeps what a page links to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        """Keep the links of a tag."""
        given = dict(attrs)
        self.found |= {unquote(given[key]) for key in ("src", "href", "poster") if given.get(key, "#")[0] not in "#d"}


def test_demo(lonely):
    """Two images become two videos; each decodes, and the page links exactly the four files beside it."""
    end = lonely("demo", "--count", "2", "--speed", "20", "--media", "tiny", "--json")
    assert end.code == 0, end.err
    folder = lonely.folder / "a2e-demo"
    made = {path.name for path in folder.iterdir()} - {"index.html"}
    assert Links(folder / "index.html").found == made
    assert sorted(Path(name).suffix for name in made) == [".mp4", ".mp4", ".png", ".png"]
    for name in made:
        with av.open(str(folder / name)) as media:
            assert next(media.decode(video=0)).width > 0
    *jobs, page = end.data
    assert {name for job in jobs for name in map(os.path.basename, job["paths"])} == made
    assert (page["jobs"], page["coins"], page["page"]) == (4, 80, str(Path("a2e-demo", "index.html")))
    assert 0 < page["status_requests"] < 100
    images = {job["request"]["name"]: job["urls"][0] for job in jobs if job["family"] == "text_to_image"}
    videos = {job["request"]["name"]: job["request"]["image_url"] for job in jobs if job["family"] == "image_to_video"}
    assert videos == images


@pytest.mark.skipif(not hasattr(pty, "openpty"), reason="needs a pseudo terminal")
def test_live_display(lonely):
    """On a terminal the display is live: it redraws, with one line per job and a total; results come after it."""
    ours, theirs = pty.openpty()
    words = ("demo", "--count", "2", "--speed", "20", "--media", "tiny")
    with lonely.start(*words, stdin=theirs, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        seen = read_all(ours)
        assert child.wait(30) == 0, seen
    os.close(ours)
    assert "\x1b[" in seen
    last = re.split(r"\x1b\[\d*A", seen)[-1]
    assert last.count("✓") == 4
    assert "4 of 4 done · 80 coins" in last
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
