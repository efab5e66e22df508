"""Files that nothing can be made of: missing, closed, of the wrong kind, no files at all."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from given import PNG


def place(name, content=None):
    """Give what makes a file of this name and content, and then its path."""

    def make(folder):
        if content is not None:
            (folder / name).write_bytes(content)
        return folder / name

    return make


def fifo(folder):
    """Make a pipe without a writer."""
    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


def bound(folder):
    """Make a socket in a folder of a short name."""
    path = Path(tempfile.mkdtemp()) / "s.png"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
    return path


def loop_of_links(folder):
    """Make a link that leads to itself."""
    (folder / "loop.png").symlink_to(folder / "loop.png")
    return folder / "loop.png"


def hidden(folder):
    """Make a file below a file."""
    (folder / "a.png").write_bytes(PNG)
    return folder / "a.png" / "b.png"


def closed(folder):
    """Open a file and close it."""
    with place("closed.png", PNG)(folder).open("rb") as file:
        pass
    return file


def for_writing(folder):
    """Open a file that cannot be read."""
    return (folder / "out.png").open("wb")


def as_text(folder):
    """Open a file as text."""
    return place("text.png", PNG)(folder).open(encoding="latin-1")


def at_its_end(folder):
    """Open a file and read it."""
    file = place("read.png", PNG)(folder).open("rb")
    file.read()
    return file


class Awaited:
    """A file of a web framework, which is read with await."""

    async def read(self):
        """Give its bytes."""
        return PNG


class Broken(os.PathLike):
    """A path whose maker has left a fault in it."""

    def __fspath__(self):
        """Fail."""
        raise RuntimeError("no such luck")
