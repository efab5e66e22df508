"""The real command line as a child process, and `a2e simulator` as one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from a2e_async.simulator import Simulator

A2E = (sys.executable, "-m", "a2e_async")
_PATIENCE = 60


@attrs.frozen
class Service:
    """A simulator in a process of its own."""

    url: str
    token: str

    @property
    def env(self) -> dict[str, str]:
        """What to export, as the simulator says itself."""
        return {"A2E_BASE_URL": self.url, "A2E_API_KEY": self.token}


@attrs.frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Its results, one per line."""
        return self.out.splitlines()

    @property
    def data(self) -> list[dict[str, object]]:
        """Its results as JSON lines."""
        return [json.loads(line) for line in self.lines]


class CommandLine:
    """Runs `a2e` in a folder of its own, without the developer's environment.

    Args:
        folder: Where it runs.
        env: What its environment has besides the usual.
    """

    A2E = A2E

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.env = environment(env or {})

    def start(self, *words: str, **how) -> subprocess.Popen[str]:
        """Start a command and give its process."""
        return subprocess.Popen([*A2E, *words], text=True, cwd=self.folder, env=self.env, **how)

    def together(self, *commands: Sequence[str]) -> list[Ended]:
        """Run several commands at once."""
        children = [self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for words in commands]
        return [ended(child) for child in children]

    async def start_beside(self, sim: Simulator, *words: str, **how) -> asyncio.subprocess.Process:
        """Start a command in front of a simulator of this process, whose loop has to go on."""
        env = self.env | {"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token}
        return await asyncio.create_subprocess_exec(
            *A2E, *words, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how
        )

    def __call__(self, *words: str) -> Ended:
        """Run a command to its end."""
        with self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            return ended(child)


def ended(child: subprocess.Popen[str]) -> Ended:
    """Wait for a command and say how it ended."""
    out, err = child.communicate(timeout=_PATIENCE)
    return Ended(child.returncode, out, err)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Give an environment without tokens and proxies."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith("A2E_") and not k.upper().endswith("_PROXY")}
    return usual | {"PYTHONWARNINGS": "error", "COLUMNS": "100"} | dict(more)


@contextmanager
def serving(alone: CommandLine, *words: str) -> Iterator[Service]:
    """Run `a2e simulator` with these options, and end it as people do."""
    given = ("simulator", "--port", "0", "--media", "tiny", "--json", *words)
    with alone.start(*given, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        told = json.loads(child.stdout.readline())
        yield Service(told["url"], told["token"])
        child.send_signal(signal.SIGINT)
        how = ended(child)
    assert (how.code, how.out) == (0, "")
