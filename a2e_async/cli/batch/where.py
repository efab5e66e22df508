"""Where the batch of a command is kept, found out without loading anything that one process alone does not need."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from a2e_async.batch.ledger_file import FILE_NAME, STORE_FILE
from a2e_async.cli.settings import Number
from a2e_async.engine.files import disk
from a2e_async.engine.settings import STORE_VARIABLE
from a2e_async.errors import UsageError

LOCAL_TTL: Final = 10.0
"""Seconds of a lease where one machine does all: its processes do not lose sight of each other."""

STORE_OPTION = click.Option(
    ["--store"],
    metavar="URL",
    help="Address of the store that several machines share; A2E_STORE is safer: others can see a command line.",
)
LEASE_OPTION = click.Option(
    ["--lease"],
    type=Number(min=0.5, max=3600),
    metavar="SECONDS",
    help="How long a process may show no sign of life before others take over its rows (default: 30, or "
    f"{LOCAL_TTL:g} on one machine).",
)
WORKERS_OPTION = click.Option(
    ["--workers"],
    type=click.IntRange(1, 256),
    metavar="N",
    help="Work with N processes of this machine; those that die are replaced.",
)
WORKER_OPTIONS = (
    WORKERS_OPTION,
    STORE_OPTION,
    LEASE_OPTION,
    click.Option(["--name"], metavar="NAME", help="The batch's name in the store (default: the name of --out)."),
    click.Option(["--shared"], is_flag=True, help="Refuse machines whose --out is not the very folder of this one."),
    click.Option(["--kill-one"], is_flag=True, help="Kill one of the workers halfway, as a demonstration."),
)
"""Options of `a2e batch run` for several processes."""

FAR_OPTIONS = (WORKERS_OPTION, STORE_OPTION, LEASE_OPTION)
"""Options of `a2e batch retry` and `redo` for a batch in a store."""

FAR_NAMES: Final = ("store", "workers", "lease")
"""The names of these options."""

FLEET_NAMES: Final = ("store", "workers", "lease", "name", "shared", "kill_one")
"""The names of the options of `a2e batch run`."""


def store_url(given: str | None) -> str | None:
    """Give the address that was given, or that of the environment, from which it is taken away.

    What this process begins, and what it prints about itself, does not have it then; whoever needs it is told.
    """
    found = os.environ.pop(STORE_VARIABLE, "").strip()
    return given or found or None


def url_of(folder: Path, store: str | None, *, several: bool = False) -> str | None:
    """Give the address of the store in which the batch of a command is kept, None for a folder's own ledger.

    Args:
        folder: The folder that was given, or the name of a batch in a store.
        store: The address that was given.
        several: Whether several processes of this machine work on it, for which a folder has a store of its own.
    """
    url = store_url(store)
    return file_url(folder) if url is None and (several or (folder / STORE_FILE).is_file()) else url


def file_url(folder: Path) -> str:
    """Give the address of a folder's own store.

    Raises:
        UsageError: What lies in its place is a link, through which a file of somebody else would be written.
    """
    try:
        disk.require_plain(folder / STORE_FILE)
    except disk.ForeignFileError as error:
        raise UsageError(str(error)) from None
    return f"sqlite:///{folder / STORE_FILE}"


def shown_url(url: str) -> str | None:
    """Give an address that may be printed, None for one with a password in it."""
    try:
        secret = urlsplit(url).password is not None or "password" in urlsplit(url).query
    except ValueError:
        secret = True
    return None if secret else url


def refuse_own_ledger(folder: Path) -> None:
    """Refuse a folder whose batch is run by one process: its rows are not in the store, and would be paid for again.

    Raises:
        UsageError: It is one.
    """
    if (folder / FILE_NAME).is_file():
        raise UsageError(
            f"{folder} holds a batch that one process runs ({FILE_NAME}), whose rows no store knows: "
            "run it without --store and --workers, or choose another --out"
        )
