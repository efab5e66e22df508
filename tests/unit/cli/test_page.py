"""The demo's page: whole, self-contained, and closed to what is written into it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from a2e_async.cli.commands.page import Card, Totals, render

EVIL = "<script>alert('x')</script> & \"quotes\" $title ${style}"
CARD = Card(
    title="A kite",
    image_prompt="a red kite",
    video_prompt="it climbs",
    negative_prompt="blurry",
    image="a kite.png",
    video="kite#1.mp4",
    coins=40,
    seconds=12.34,
)
TOTALS = Totals(jobs=2, status_requests=7, coins=40, seconds=15.5)
VOID = {"meta", "link", "source", "img", "br"}


class Reader(HTMLParser):
    """Keeps the tags and checks that they close."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close a tag."""
        assert self.open.pop() == tag


def read(html: str) -> Reader:
    """Read a page, which must be closed to the last tag."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_media():
    """Media are linked beside the page and nothing comes from a network."""
    html = render([CARD], TOTALS)
    tags = read(html).tags
    videos = [given for tag, given in tags if tag == "video"]
    assert [sorted(given) for given in videos] == [
        ["aria-label", "autoplay", "controls", "loop", "muted", "playsinline", "poster", "preload"]
    ]
    assert videos[0]["poster"] == "a%20kite.png"
    assert [given["src"] for tag, given in tags if tag == "source"] == ["kite%231.mp4"]
    assert [given["src"] for tag, given in tags if tag == "img"] == ["a%20kite.png"]
    assert not re.search(r"https?://|url\(|@import|base64", html)


def test_words():
    """Totals and prompts are there."""
    html = render([CARD], TOTALS)
    for words in ("A kite", "a red kite", "it climbs", "blurry", ">2<", ">7<", ">40<", ">15.5<", "40 coins · 12.3 s"):
        assert words in html


def test_access():
    """Dark and light and a way past the head by keyboard."""
    html = render([CARD], TOTALS)
    assert "prefers-color-scheme: dark" in html
    assert ":focus-visible" in html
    assert 'href="#videos"' in html


@pytest.mark.parametrize("field", ["title", "image_prompt", "video_prompt", "negative_prompt", "image", "video"])
def test_escaping(field):
    """Nothing breaks out of its place."""
    plain = [tag for tag, _ in read(render([CARD], TOTALS)).tags]
    values = {name: getattr(CARD, name) for name in CARD.__slots__ if name != "__weakref__"}
    html = render([Card(**values | {field: EVIL})], TOTALS)
    assert [tag for tag, _ in read(html).tags] == plain
    assert "alert('x')" not in html


def test_labels():
    """A page of many has a label for each."""
    labels = [given["id"] for tag, given in read(render([CARD] * 3, TOTALS)).tags if tag == "h2"]
    assert labels == ["video-1", "video-2", "video-3"]
