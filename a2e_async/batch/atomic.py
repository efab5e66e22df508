"""Text files that appear whole or not at all: written beside their place, and put there when the disk has them."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path

from a2e_async.engine.files import disk

_READABLE = 0o666  # what the user allows by default
_ABANDONED = 3600  # seconds after which one is taken for what a killed process left behind


class AtomicFile:
    """A file that is being written, under a hidden name of its own, so that two writers never share one.

    Lone surrogates, which UTF-8 has no bytes for, are written as backslash escapes.

    Args:
        path: Where it is put in the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _sweep(path)
        self._part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        # Not a tempfile: those are for their owner only, and a report is as readable as what is beside it.
        handle = disk.open_plain(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _READABLE)
        self.text = os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="")

    def finish(self) -> None:
        """Write everything through to the disk."""
        self.text.flush()
        os.fsync(self.text.fileno())
        self.text.close()

    def put(self) -> None:
        """Give a finished file its name, in place of an older one."""
        self._part.replace(self.path)

    def discard(self) -> None:
        """Remove what was not put in place; quiet, as it comes after another error."""
        with contextlib.suppress(OSError):
            self.text.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    for part in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED:
                part.unlink()
