"""One run of one command: its client, its messages, its exit code, and what to say when it is interrupted."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from typing import Any

import attrs
import click

from a2e_async.cli import resume
from a2e_async.cli.base import Command
from a2e_async.cli.codes import DONE, FAILED, INTERRUPTED, exit_code
from a2e_async.cli.display import log
from a2e_async.cli.display.board import Board
from a2e_async.cli.display.live import board_for
from a2e_async.cli.display.output import Output, complain, masked
from a2e_async.cli.settings import Settings
from a2e_async.client import A2EClient
from a2e_async.core.retry import Retry
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError
from a2e_async.simulator import Simulator, serve

SIMULATED_SPEED = 4.0
_QUICK_ATTEMPTS = 4  # about 3 s in front of a wrong address


@attrs.define(eq=False)
class Run:
    """What a command works with.

    Attributes:
        settings: What the options of every command say.
        output: Where its results go.
        board: Where its jobs are shown.
        jobs: Jobs whose results nobody has yet, in the order of their starts.
        sim: The simulator that the client talks to, or None.
    """

    settings: Settings
    output: Output = attrs.field(
        default=attrs.Factory(lambda self: Output(as_json=self.settings.json), takes_self=True)
    )
    board: Board = attrs.field(factory=board_for)
    jobs: dict[Job[Any], None] = attrs.field(factory=dict)
    sim: Simulator | None = None

    @asynccontextmanager
    async def client(
        self,
        *,
        quick: bool = False,
        how: Mapping[str, Any] | None = None,
        **simulated: Any,  # noqa: ANN401 - the simulator's own arguments
    ) -> AsyncIterator[A2EClient]:
        """Open the client that the options ask for, in front of a simulator if they ask for one.

        Args:
            quick: Give up after few attempts: somebody waits for an answer, and no task depends on it.
            how: Further arguments of the client.
            **simulated: How the simulator shall be.
        """
        given = self.settings
        token, base_url = given.token, given.base_url
        options: dict[str, Any] = {"max_starts": given.max_starts} if given.max_starts else {}
        options |= {"retry": Retry(attempts=_QUICK_ATTEMPTS)} if quick else {}
        options |= how or {}
        async with AsyncExitStack() as stack:
            if given.simulate:
                self.sim = await stack.enter_async_context(simulator(**{"speed": SIMULATED_SPEED, **simulated}))
                token, base_url = self.sim.token, self.sim.url
            yield await stack.enter_async_context(A2EClient(token, base_url=base_url, **options))

    def complain(self, text: str) -> None:
        """Say in one line on stderr what went wrong."""
        complain(text, self.settings.token)

    def fail(self, error: BaseException, more: str = "") -> int:
        """Say what went wrong, and give the exit code for it."""
        self.complain(_words(error) + more)
        if self.settings.verbose:
            click.echo(masked("".join(traceback.format_exception(error)), self.settings.token), err=True)
        return exit_code(error)

    def interrupted(self) -> int:
        """Say how to go on after Ctrl-C."""
        self.complain("interrupted")
        self.tell_resume()
        return INTERRUPTED

    def tell_resume(self) -> None:
        """Print the lines that watch, and if need be download, what this run leaves behind."""
        for line in resume.lines(self.jobs, self.settings):
            self.output.say(line)


@asynccontextmanager
async def simulator(**options: Any) -> AsyncIterator[Simulator]:  # noqa: ANN401 - the simulator's own arguments
    """Open a simulator in this process, and say so if it could make better media."""
    missing = [name for name, module in (("pillow", "PIL"), ("av", "av")) if find_spec(module) is None]
    if missing:
        words = "the simulator's media are small and plain without " + " and ".join(missing)
        click.echo(f"a2e: {words}; pip install 'a2e-async[sim]'", err=True)
    async with serve(**options) as simulated:
        yield simulated


def run(command: Callable[[Run], Awaitable[int | None]], this: Run) -> int:
    """Run an async command to its end and give its exit code."""
    log.set_up(this.settings.verbose)

    async def main() -> int | None:
        return await command(this)

    try:
        return asyncio.run(main()) or DONE
    except KeyboardInterrupt:
        return this.interrupted()
    except BrokenPipeError:  # whoever read the results has seen enough; the interpreter would complain at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except click.ClickException:
        raise  # click knows the command and its usage
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, never a traceback
        return this.fail(error)
    finally:
        this.output.release()


def _words(error: BaseException) -> str:
    if isinstance(error, A2EError | OSError):
        return str(error) or type(error).__name__
    return f"a mistake in a2e itself, {type(error).__name__}: {error} (-v shows where)"


AsyncCommand = Callable[..., Awaitable[int | None]]


def command(
    name: str, *, params: Sequence[click.Parameter] = (), dry_run: bool = False
) -> Callable[[AsyncCommand], Command]:
    """Make a command of an async function that takes a `Run` and its own parameters and returns an exit code.

    Args:
        name: Its name on the command line.
        params: Parameters besides those that click's decorators add.
        dry_run: Whether it knows how to do without sending anything; others refuse `--dry-run`.
    """

    def decorate(function: AsyncCommand) -> Command:
        @functools.wraps(function)
        def invoke(**values: Any) -> int:  # noqa: ANN401 - click hands over each parameter by name
            given = click.get_current_context().obj
            if given.dry_run and not dry_run:
                raise click.UsageError("--dry-run is for the commands that start tasks")
            return run(functools.partial(function, **values), Run(given))

        made = click.command(name, cls=Command, params=list(params))(invoke)
        # functools.wraps would let `inspect` see the coroutine function behind this plain one.
        del invoke.__wrapped__
        return made

    return decorate
