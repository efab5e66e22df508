"""The command `a2e mcp`."""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import click

from a2e_async.cli.codes import DONE
from a2e_async.cli.run import Run, command
from a2e_async.cli.settings import Number
from a2e_async.core.transfers import Transfers
from a2e_async.engine.files.names import require_writable
from a2e_async.errors import UsageError
from a2e_async.store.opening import STORE_VARIABLE

_MISSING = "a2e mcp needs the package mcp: pip install 'a2e-async[mcp]'"
_FOLDER = "a2e-media"
_STORE = "jobs.sqlite"


@command(
    "mcp",
    uses=("out", "max_starts"),
    examples=("a2e mcp --max-coins 500 --out media", "a2e mcp --max-coins 500 --simulate     # no network, no coins"),
)
@click.option(
    "--max-coins",
    type=Number(min=0, min_open=True),
    required=True,
    metavar="COINS",
    help="Most coins that may be spent while the server runs; single starts count over all runs with this folder.",
)
@click.option(
    "--unknown-price",
    type=click.Choice(["refuse", "alone"]),
    default="refuse",
    show_default=True,
    help="What to do with a start whose price is unknown: refuse it, or send it alone, which may exceed the limit.",
)
@click.option(
    "--upload-price",
    type=Number(min=0),
    default=0,
    metavar="COINS",
    help="What each upload of a file costs, which the service does not tell beforehand: --max-coins counts it.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    metavar="DIR",
    help="Also let inputs be files below this folder, not only below --out; may be repeated.",
)
async def mcp(run: Run, max_coins: float, unknown_price: str, upload_price: float, files: tuple[Path, ...]) -> None:
    """Serve the Model Context Protocol on stdin and stdout, for an agent.

    Its tools start, follow, batch, price and download, all under one budget and each start under a key, so that a
    repeated call never pays twice, also with the next server. Files and the store of keys go below --out, by default
    the folder a2e-media; A2E_STORE names another store. `a2e guide agent` tells more.
    """
    if find_spec("mcp") is None:
        raise UsageError(_MISSING)
    from a2e_async.cli.mcp.server import serve  # noqa: PLC0415 - the extra, which takes a second to import
    from a2e_async.cli.mcp.tools import Tools  # noqa: PLC0415 - as above

    folder = (run.settings.out or Path(_FOLDER)).absolute()
    await asyncio.to_thread(require_writable, folder)
    stopped = asyncio.Event()
    run.signals.stop = stopped.set
    store = None if os.environ.get(STORE_VARIABLE) else f"sqlite:///{quote(str(folder / _STORE))}"
    if run.settings.simulate:
        store = "memory:"  # another simulator is another service
    options = {"budget": max_coins, "on_unknown_price": unknown_price, "store": store}
    options |= {"transfers": Transfers(upload_price=upload_price)}
    async with run.client(options=options) as a2e, Tools(a2e, folder, max_coins, files) as tools:
        await serve(tools, stopped)
    if stopped.is_set():
        # A thread still reads stdin, which nobody can interrupt. The client has closed: nothing is lost.
        os._exit(DONE)
