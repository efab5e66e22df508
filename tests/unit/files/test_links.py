"""Which links can be fetched, and how they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.core import urls

FAULTS = {
    "https://r.example/a.mp4?sig=1": "",
    "HTTP://r.example:8080": "",
    "http://bücher.example/ä b": "",
    "http://[2606:4700::1111]/x": "",
    "https://a..b/x.png": "names no host that can be asked",
    f"http://{'b' * 64}/x": "names no host that can be asked",
    f"http://{'b.' * 150}example/x": "names no host that can be asked",
    "http:///x": "names no host that can be asked",
    "http://a b/x": "names no host that can be asked",
    "http://a\\b/x": "names no host that can be asked",
    "http://h%41/x": "names no host that can be asked",
    "http://[bad/x": "cannot be read",
    "http://r.example:99999/": "cannot be read",
    "http://r.example/\r\nX: y": "cannot be read",
    "http://r.example/\0": "cannot be read",
    "ftp://r.example/x": "is no http or https URL",
    "file:///etc/passwd": "is no http or https URL",
    "data:image/png;base64,": "is no http or https URL",
    "//r.example/x": "is no http or https URL",
    "kite.png": "is no http or https URL",
    "": "is no http or https URL",
}


@pytest.mark.parametrize("link", FAULTS)
def test_what_keeps_a_link_from_being_fetched(link):
    """Each fault is said in words, before the link is handed to anything that would raise an error of its own."""
    assert urls.fault_of(link) == FAULTS[link]


@pytest.mark.parametrize("link", [None, 5, b"http://r.example/x"])
def test_what_is_no_text_is_no_link(link):
    """Whatever a service puts in the place of a link is judged, too."""
    assert urls.fault_of(link) == "is no text"


@given(st.text(), st.sampled_from(["", "http://", "https://r.example/", "http://[", "https://a@"]))
def test_no_text_trips_whoever_judges_it(text, begin):
    """Any text at all is judged, shown and searched for a suffix without an error."""
    link = begin + text
    fault = urls.fault_of(link)
    assert isinstance(fault, str)
    assert "?" not in urls.without_query(link)
    assert urls.suffix_of(link) == "" or urls.suffix_of(link).startswith(".")
    if not fault:
        assert "/" not in urls.name_in(link) or "%" in link


@pytest.mark.parametrize(
    ("url", "suffix"),
    [
        ("https://r.example/a/video.mp4", ".mp4"),
        ("https://r.example/video.MP4?sig=a.b", ".mp4"),
        ("https://r.example/video%2Emov", ".mov"),
        ("https://r.example/b2fb5131.image", ""),
        ("https://r.example/video", ""),
        ("https://r.example/v1.2.345/video", ""),
        ("https://r.example/video.mp4;drop", ""),
        ("https://r.example/a.toolong", ""),
        ("https://r.example", ""),
        ("http://[bad/video.mp4", ""),
    ],
)
def test_suffix_of_a_link(url, suffix):
    """A link's path gives a suffix when it has one that a media file could have."""
    assert urls.suffix_of(url) == suffix


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://r.example/a.mp4?X-Signature=secret#part", "https://r.example/a.mp4"),
        ("https://user:secret@r.example:8443/a.mp4", "https://r.example:8443/a.mp4"),
        ("http://[bad/a.mp4?secret", "an address that cannot be read"),
    ],
)
def test_a_link_without_its_secrets(url, shown):
    """The query and a login are left out of a link that is shown."""
    assert urls.without_query(url) == shown
