"""`a2e simulator`: a simulator of the API, for any client."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import click

from a2e_async.cli.run import Run, command
from a2e_async.cli.simulating import simulator as opened
from a2e_async.cli.switches import switch_option, switches_of
from a2e_async.errors import UsageError
from a2e_async.simulator import Simulator

media_option = click.option(
    "--media",
    type=click.Choice(["auto", "pretty", "plain", "tiny"]),
    default="auto",
    show_default=True,
    help="What the files look like; pretty ones need the extra [sim].",
)


@command("simulator", params=[switch_option()])
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port; 0 chooses a free one."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.1),
    default=1.0,
    show_default=True,
    help="How many times faster than real time it runs.",
)
@click.option("--coins", type=click.IntRange(min=0), default=10_000, show_default=True, help="Coins in the account.")
@media_option
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same behavior.")
async def simulator(run: Run, **options: Any) -> None:  # noqa: ANN401 - the options above, by name
    """Run a simulator of the API until Ctrl-C.

    It accepts the token of --token, by default sk_simulator.
    """
    token = {"token": run.settings.token} if run.settings.token else {}
    async with _opened(options | switches_of(options.pop("switches")), token) as sim:
        lines = f"export A2E_BASE_URL={sim.url}\nexport A2E_API_KEY={sim.token}"
        run.output.note(f"simulator at {sim.url}; Ctrl-C ends it")
        told = asyncio.Event()
        run.signals.stop = told.set  # Ctrl-C and SIGTERM are how a server normally ends, not a failure
        run.output.result(lines, {"url": sim.url, "token": sim.token})
        await told.wait()


@asynccontextmanager
async def _opened(options: dict[str, Any], token: dict[str, str]) -> AsyncIterator[Simulator]:
    async with AsyncExitStack() as stack:
        try:
            sim = await stack.enter_async_context(opened(**options, **token))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                words = f"port {options['port']} of {options['host']} is in use; --port 0 chooses a free one"
            else:
                words = f"cannot listen on {options['host']}:{options['port']}: {error.strerror or error}"
            raise UsageError(words) from error
        yield sim
