"""The report of a batch: its manifests and its page, written beside its files."""

from __future__ import annotations

import errno
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from a2e_async.batch.atomic import AtomicFile
from a2e_async.batch.gallery import Gallery
from a2e_async.batch.manifest import Manifests
from a2e_async.engine.files import disk
from a2e_async.store.entries import Entry

PAGE_MARK: Final = '<meta name="generator" content="a2e">'
"""What every page of ours begins with, so that it is never taken for somebody's own."""

_OURS = {"manifest.jsonl": b'{"row":', "manifest.csv": b"row,family,status,", "index.html": PAGE_MARK.encode()}
_HEAD = 1024
_MOST_NUMBERS = 99


def write_report(
    folder: Path,
    entries: Iterable[Entry],
    *,
    now: float | None = None,
    fleet: Mapping[str, Any] | None = None,
    hosts: bool = False,
    columns: Sequence[str] = (),
) -> Path:
    """Write `manifest.jsonl`, `manifest.csv` and `index.html` and give the path of the page.

    The entries are read once and never held together. All three files are written beside their places and put there
    when the last one is on the disk, so an error on the way leaves the older ones alone. What is not ours is never
    replaced: where somebody's own `index.html` lies, ours is `index-2.html`.

    Args:
        folder: The batch's folder, which is there; the page's title is its name.
        entries: The rows, in the order in which to show them.
        now: What the page takes for now, in seconds since 1970; by default the clock's.
        fleet: Who works on the batch, where several processes do; see `Gallery`.
        hosts: Whether the manifests say which machine has each row's files.
        columns: Names of own columns for the manifest's table.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    files: list[AtomicFile] = []
    try:
        for place in report_places(folder).values():
            files.append(AtomicFile(place))  # noqa: PERF401 - what is open by then has to be discarded
        lines, table, page = (file.text for file in files)
        moment = time.time() if now is None else now
        gallery = Gallery(page, title=folder.resolve().name, now=moment, fleet=fleet, folder=folder)
        _fill(Manifests(lines, table, hosts=hosts, columns=columns), gallery, entries)
        _put(files)
    finally:
        for file in files:
            file.discard()
    disk.sync_folder(folder)
    return files[-1].path


def _put(files: Iterable[AtomicFile]) -> None:
    for file in files:
        file.finish()
    for file in files:
        file.put()


def report_places(folder: Path) -> dict[str, Path]:
    """Give where each file of a report lies, or would be written: `manifest.jsonl`, `manifest.csv`, `index.html`."""
    return {name: place_for(folder, name) for name in _OURS}


def place_for(folder: Path, name: str) -> Path:
    """Give a name that is free or holds an older file of ours, never one with something of somebody else.

    Raises:
        FileExistsError: All numbers are taken.
    """
    path = folder / name
    for place in (path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, _MOST_NUMBERS + 1))):
        try:
            found = place.lstat()
        except FileNotFoundError:
            return place
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and _is_ours(place, _OURS[name]):
            return place
    raise FileExistsError(errno.EEXIST, "a hundred files of this name are there already", str(path))


def _is_ours(path: Path, mark: bytes) -> bool:
    with path.open("rb") as source:
        head = source.read(_HEAD)
    return mark in head if path.suffix == ".html" else head.startswith(mark) or not head


def _fill(manifests: Manifests, gallery: Gallery, entries: Iterable[Entry]) -> None:
    for entry in entries:
        manifests.add(entry)
        gallery.add(entry)
    gallery.end()
