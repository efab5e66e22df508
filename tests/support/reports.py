"""Reports of batches for tests: a row that is done, and all three files as they are read."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser

from a2e_async.batch.report import write_report
from a2e_async.store.entries import Entry, FileEntry, State

NAMES = ["index.html", "manifest.csv", "manifest.jsonl"]
NOW = 1_795_230_608.25
EVIL = "</script><script>document.title='x'</script><!-- ' \" & \u2028 \u2029 \x00 \u202eabc 😀 $title ${x} \ud800"


def entry(name="a", **given):
    """Make a row that is done, with one file."""
    usual = {
        "family": "text_to_image",
        "fields": {"prompt": "a red kite", "negative_prompt": "blurry", "width": 512},
        "state": State.DONE,
        "task_ids": ("t1",),
        "coins": 40.0,
        "planned_at": NOW - 20,
        "intended_at": NOW - 19,
        "accepted_at": NOW - 18.5,
        "finished_at": NOW - 6.5,
        "done_at": NOW - 6,
        "files": (FileEntry(path=f"{name}.png", bytes=1234, sha256="ab" * 32),),
    }
    return Entry(id=name, **usual | given)


class Page(HTMLParser):
    """What a browser makes of a page: its tags, and the text of its scripts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.scripts, self._open = [], [], None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        """Keep the text of scripts."""
        if self._open == "script":
            self.scripts[-1] += data

    def handle_endtag(self, tag):
        """Leave a tag."""
        self._open = None

    @property
    def data(self):
        """The rows and what goes with them."""
        return json.loads(self.scripts[0])


def report(folder, *entries):
    """Write a report and read all of it."""
    path = write_report(folder, entries, now=NOW)
    assert path == folder / "index.html"
    assert sorted(file.name for file in folder.iterdir()) == NAMES
    lines = (folder / "manifest.jsonl").read_text("utf-8").split("\n")
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert lines.pop() == ""
    return [json.loads(line) for line in lines], rows, Page(path.read_text("utf-8"))
