"""What a batch starts again because its simulator has ended: what was under way, and the images that it takes."""

from __future__ import annotations

import hashlib

import pytest

from a2e_async.batch.rows import Row
from a2e_async.cli.batch.simulated import remove_files, to_restart
from a2e_async.store.entries import Entry, FileEntry, State

ROWS = (
    Row(id="kite", family="text_to_image", fields={"prompt": "a kite"}),
    Row(id="video", family="image_to_video", fields={"prompt": "up", "negative_prompt": "blur"}, image_from="kite"),
)


def known(folder, **states):
    """Give entries in these states; the files of those that are done are there."""
    entries = {}
    for name, state in states.items():
        body = name.encode()
        files = (FileEntry(path=f"{name}.png", bytes=len(body), sha256=hashlib.sha256(body).hexdigest()),)
        if state is State.DONE:
            (folder / files[0].path).write_bytes(body)
        made = files if state is State.DONE else ()
        entries[name] = Entry(id=name, family="text_to_image", fields={}, state=state, files=made)
    return entries


@pytest.mark.parametrize(
    ("states", "again"),
    [
        ({}, set()),
        ({"kite": State.DONE, "video": State.DONE}, set()),
        ({"kite": State.DONE}, {"kite"}),
        ({"kite": State.DONE, "video": State.PLANNED}, {"kite"}),
        ({"kite": State.DONE, "video": State.ACCEPTED}, {"kite", "video"}),
        ({"kite": State.INTENDED, "video": State.PLANNED}, {"kite"}),
        ({"kite": State.COMPLETED, "video": State.UNKNOWN}, {"kite", "video"}),
        ({"kite": State.FAILED, "video": State.REFUSED}, set()),
    ],
)
def test_what_starts_again(tmp_path, states, again):
    """Rows that were under way start again with the rows whose images they take; what failed waits for a retry."""
    assert to_restart(tmp_path, ROWS, known(tmp_path, **states)) == again


def test_a_file_that_is_gone(tmp_path):
    """A row whose file was removed is made again: the simulator that had it has ended."""
    entries = known(tmp_path, kite=State.DONE, video=State.DONE)
    (tmp_path / "video.png").unlink()
    assert to_restart(tmp_path, ROWS, entries) == {"kite", "video"}


def test_only_our_own_files_are_removed(tmp_path):
    """A file goes only while it holds what was downloaded; one that was changed, or is a link, stays."""
    entries = known(tmp_path, kite=State.DONE, video=State.DONE, sun=State.DONE)
    (tmp_path / "video.png").write_bytes(b"mine")
    (tmp_path / "other").write_bytes(b"sun")
    (tmp_path / "sun.png").unlink()
    (tmp_path / "sun.png").symlink_to(tmp_path / "other")
    remove_files(tmp_path, entries.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "sun.png", "video.png"]
