"""`a2e batch` as people run it: in a process, or in a thread of this one, and what it has left."""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path

import attrs

FAMILY = ("--family", "text-to-image")
QUICK = ("--unknown-window", "1")


@attrs.frozen
class Told:
    """How a command ended."""

    code: int | None
    out: str
    err: str

    @property
    def data(self) -> list[dict[str, object]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def last(self) -> list[str]:
        """The words of its last line on stderr, which is a command."""
        return shlex.split(self.err.splitlines()[-1])[1:]


async def told(child: asyncio.subprocess.Process) -> Told:
    """Wait for a command and say how it ended."""
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    assert b"Traceback" not in err, err.decode()
    return Told(child.returncode, out.decode(), err.decode())


async def says(child: asyncio.subprocess.Process, words: bytes) -> None:
    """Wait for a line of a command that has these words."""
    assert child.stderr is not None
    async with asyncio.timeout(60):
        while line := await child.stderr.readline():
            if words in line:
                return
    raise AssertionError(f"it ended without a word of {words!r}")


def write(folder: Path, *prompts: str, name: str = "rows.jsonl") -> str:
    """Write a row file and give its name."""
    lines = [json.dumps({"id": f"row-{number}", "prompt": prompt}) for number, prompt in enumerate(prompts)]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return name


def kites(count: int) -> list[str]:
    """Give so many prompts."""
    return [f"a kite, number {number}" for number in range(count)]


async def until(condition) -> None:
    """Wait for something that a child does."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the child does not tell this process
            await asyncio.sleep(0.02)


def statuses(folder: Path) -> list[str]:
    """Give the status of each row of the manifest."""
    lines = (folder / "manifest.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["status"] for line in lines]
