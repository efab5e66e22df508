"""A video to be fetched, and what a folder holds afterwards."""

from __future__ import annotations

from a2e_async import Retry

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 8_000
HALF = len(VIDEO) // 2
OTHER_VIDEO = VIDEO[:12] + VIDEO[::-1].replace(b"\x00", b"\x01")[12:]
QUICK = Retry(first_wait=0.01, longest_wait=0.05, stall_seconds=0.3, attempts=4)


def names(folder):
    """Give the names of all files in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def part_of(folder):
    """Give the hidden file of the one download that is under way in a folder."""
    return next((path for path in folder.iterdir() if path.name.endswith(".part")), folder / "none")


def is_whole(paths, folder, body=VIDEO):
    """Whether exactly one file came, whole, and nothing is left beside it."""
    return [path.read_bytes() for path in paths] == [body] and names(folder) == [path.name for path in paths]
