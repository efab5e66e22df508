"""How jobs, results and records show themselves."""

from __future__ import annotations

import io

import attrs
import pytest
from rich.console import Console
from virtual_time import IMAGE, virtual

from a2e_async import Record, Result, Status

VIDEO = Record(
    id="65f0",
    family="image_to_video",
    name="a <b>kite</b>",
    status=Status.COMPLETED,
    coins=30.0,
    urls=("https://files.example/a.mp4?s=1&e='2'",),
)


def rich(thing):
    """Give what rich prints."""
    console = Console(file=io.StringIO(), width=200)
    console.print(thing)
    return console.file.getvalue()


def test_record_in_a_notebook():
    """A record is a table with its video, all of it escaped."""
    html = VIDEO._repr_html_()
    assert "<video src='https://files.example/a.mp4?s=1&amp;e=&#x27;2&#x27;'" in html
    assert "a &lt;b&gt;kite&lt;/b&gt;" in html
    assert "<td>30</td>" in html
    assert "<td>completed</td>" in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example/a.png", "<img src='https://x.example/a.png'"),
        ("https://x.example/a", "<a href='https://x.example/a'"),
        ("https://x.example/a.webm", "<video src="),
        ("https://x.example/a.mp3", "<audio src="),
        ("javascript:alert(1)//.png", "<p>javascript:alert(1)//.png</p>"),
        ("https://[broken.png", "<p>https://[broken.png</p>"),
    ],
)
def test_files_are_shown_by_their_kind(url, shown):
    """Each kind of file has its element; what is no web address is text."""
    assert shown in attrs.evolve(VIDEO, urls=(url,))._repr_html_()


def test_result_shows_all_but_not_too_many():
    """A result shows the files of all its records, as many as a page bears."""
    result = Result((VIDEO,) * 20)
    html = result._repr_html_()
    assert html.count("<video") == 12
    assert "and 8 more" in html
    assert "urls=(" in rich(result)


@virtual()
async def test_job_from_queued_to_done(a2e, sim):
    """A job shows where it stands at any moment."""
    job = a2e.start(IMAGE)
    assert not sim.world.book.starts
    assert "<td>queued</td>" in job._repr_html_()
    image = await job
    assert image.urls[0].partition("?")[0] in job._repr_html_()
    assert "Job(" in rich(job)
    assert "stage='done'" in rich(job)


@virtual()
async def test_failed_job_shows_its_error(a2e, sim):
    """A failed job shows why."""
    job = a2e.text_to_image("a kite [fail]")
    await a2e.drain()
    sim.world.book.expect(starts=1, refunded=10)
    assert "JobFailedError: " in job._repr_html_()
    assert "JobFailedError(" in rich(job)
    assert job.error is not None
    a2e._shared.opened.engine.live.seen(job)


def test_rich_is_short():
    """In rich a record shows what it knows and leaves out what is empty."""
    shown = rich(VIDEO)
    assert shown.startswith("Record(")
    assert "status='completed'" in shown
    assert "failed_code" not in shown
