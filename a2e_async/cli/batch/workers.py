"""How processes of this machine are begun that work on a batch: their words, and what their environment has."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.engine.settings import BASE_URL_VARIABLE, STORE_VARIABLE, TOKEN_VARIABLES


@attrs.frozen(kw_only=True)
class FleetOptions:
    """Who works on a batch, and where it is kept.

    Attributes:
        url: The store's address.
        name: The batch's name.
        workers: How many processes of this machine work on it.
        lease: Seconds after which others take over the rows of a process that gives no sign of life.
        shared: Whether all machines must see the same folder.
        named: Whether somebody has given the name, and it is not just that of the folder.
        kill_one: Whether one worker is killed in the middle, to show what becomes of it.
        without: Parameters that the line which resumes leaves out.
    """

    url: str
    name: str
    workers: int
    lease: float
    shared: bool = False
    named: bool = False
    kill_one: bool = False
    without: Sequence[str] = ()


def worker_words(run: Run, folder: Path, fleet: FleetOptions) -> list[str]:
    """Give the command of a worker; it names no secret, for others can see a command line.

    Args:
        run: The run of the command.
        folder: Where files go.
        fleet: Who works on the batch.
    """
    given = run.settings
    words = [sys.executable, "-m", "a2e_async", "work", "--with-parent", "--quiet", "--out", str(folder)]
    words += ["--batch", fleet.name, "--lease", repr(fleet.lease)]
    words += ["--json"] if given.json else []
    words += ["--max-starts", str(given.max_starts)] if given.max_starts else []
    return words + ["-v"] * given.verbose


def worker_environment(run: Run, fleet: FleetOptions, a2e: A2EClient) -> Mapping[str, str]:
    """Give what the environment of a worker has besides that of this process."""
    token = run.sim.token if run.sim is not None else run.settings.token
    told = {STORE_VARIABLE: fleet.url, BASE_URL_VARIABLE: a2e.base_url}
    return told | ({TOKEN_VARIABLES[0]: token} if token else {})
