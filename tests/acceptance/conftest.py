"""The real command line as a child process, and a simulator process for it to talk to."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pytest
from batch_command import Told, told

from a2e_async import simulator
from a2e_async.cli.app import main
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


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Iterator[Service]:
    """Run `a2e simulator` for all tests, and end it as people do."""
    alone = CommandLine(tmp_path_factory.mktemp("simulator"))
    words = ("simulator", "--port", "0", "--speed", "20", "--media", "tiny", "--json")
    with alone.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        told = json.loads(child.stdout.readline())
        yield Service(told["url"], told["token"])
        child.send_signal(signal.SIGINT)
        how = ended(child)
    assert (how.code, how.out) == (0, "")


@pytest.fixture(scope="session")
def command_line() -> type[CommandLine]:
    """Give the class, for tests that want a folder of their own."""
    return CommandLine


@pytest.fixture
def a2e(service, tmp_path) -> CommandLine:
    """Give the command line in front of the simulator process."""
    return CommandLine(tmp_path, service.env)


@pytest.fixture
def lonely(tmp_path) -> CommandLine:
    """Give the command line without token and service."""
    return CommandLine(tmp_path)


@pytest.fixture
async def sim():
    """Give a simulator in this process, whose book can be read."""
    async with simulator.serve(task_seconds=0.1, media="tiny") as sim:
        yield sim


@pytest.fixture
def process(lonely, sim):
    """Give a function that runs `a2e batch` as a process in front of the simulator."""

    async def run(*words: str) -> Told:
        return await told(await lonely.start_beside(sim, "batch", *words))

    return run


@pytest.fixture
def batch(lonely, sim, monkeypatch, capfd):
    """Give the same in a thread of this process, which is quicker, for what does not need a process."""
    logger = logging.getLogger("a2e_async")
    monkeypatch.setattr(logger, "handlers", logger.handlers)
    monkeypatch.setattr(logger, "level", logger.level)
    monkeypatch.chdir(lonely.folder)
    monkeypatch.setenv("A2E_BASE_URL", sim.url)
    monkeypatch.setenv("A2E_API_KEY", sim.token)

    async def run(*words: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["a2e", "batch", *words])
        code = await asyncio.to_thread(main)
        seen = capfd.readouterr()
        assert "Traceback" not in seen.err
        return Told(code, seen.out, seen.err)

    return run
