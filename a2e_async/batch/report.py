"""What is left of a batch to look at: its manifests and its page, beside its files."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from a2e_async.batch.drafts import Draft, sync_folder
from a2e_async.batch.entries import Entry
from a2e_async.batch.gallery import Gallery
from a2e_async.batch.manifest import Manifests

_NAMES = ("manifest.jsonl", "manifest.csv", "index.html")


def write_report(folder: Path, entries: Iterable[Entry], *, now: float | None = None) -> Path:
    """Write `manifest.jsonl`, `manifest.csv` and `index.html` and give the path of the page.

    The entries are read once and never held together. Each file is whole or not there: all three are written beside
    their places and put there when the last one is on the disk, so an error on the way leaves the older ones alone.

    Args:
        folder: The batch's folder, which is there; the page's title is its name.
        entries: The rows, in the order in which they shall stand.
        now: What the page takes for now, in seconds since 1970; by default the clock's.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    drafts: list[Draft] = []
    try:
        for name in _NAMES:
            drafts.append(Draft(folder / name))  # noqa: PERF401 - what is open by then has to be discarded
        _fill(drafts, entries, folder.resolve().name, time.time() if now is None else now)
        for draft in drafts:
            draft.finish()
        for draft in drafts:
            draft.put()
    finally:
        for draft in drafts:
            draft.discard()
    sync_folder(folder)
    return folder / _NAMES[-1]


def _fill(drafts: list[Draft], entries: Iterable[Entry], title: str, now: float) -> None:
    lines, table, page = (draft.text for draft in drafts)
    manifests, gallery = Manifests(lines, table), Gallery(page, title=title, now=now)
    for entry in entries:
        manifests.add(entry)
        gallery.add(entry)
    gallery.end()
