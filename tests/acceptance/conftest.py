"""The command line, and a simulator for it to talk to."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator

import pytest
from batch_command import Told, told
from command_line import CommandLine, Service, serving

from a2e_async import simulator
from a2e_async.cli.app import main


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Iterator[Service]:
    """Run one simulator for all tests."""
    with serving(CommandLine(tmp_path_factory.mktemp("simulator")), "--speed", "20") as found:
        yield found


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
