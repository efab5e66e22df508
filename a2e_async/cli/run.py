"""One run of one command: its client, its messages, its exit code, and what it says when it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
import textwrap
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, Protocol

import attrs
import click

from a2e_async.cli import resume
from a2e_async.cli.base import Command
from a2e_async.cli.codes import DONE, INTERRUPTED, exit_code
from a2e_async.cli.display import log
from a2e_async.cli.display.board import Board
from a2e_async.cli.display.boards import board_for
from a2e_async.cli.display.output import VARIABLES, Output, counted, plain, print_error, tell
from a2e_async.cli.fields import doc_of
from a2e_async.cli.settings import Settings
from a2e_async.cli.signals import Signals
from a2e_async.client import A2EClient
from a2e_async.core.retry import Retry
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.settings import DEFAULT_BASE_URL
from a2e_async.errors import A2EError, ClientClosedError, MissingTokenError

AsyncCommand = Callable[..., Awaitable[int | None]]

SIMULATED_SPEED = 4.0
_QUICK_ATTEMPTS = 4  # about 3 s in front of a wrong address


class Simulated(Protocol):
    """What a command asks of its simulator, which is loaded when it is used."""

    @property
    def token(self) -> str:
        """The token that it takes."""
        ...

    @property
    def book(self) -> Any:  # noqa: ANN401 - the simulator's own
        """What was billed."""
        ...

    @property
    def counters(self) -> Any:  # noqa: ANN401 - the simulator's own
        """How often each route was asked."""
        ...


@attrs.define(eq=False)
class Run:
    """What a command works with.

    Attributes:
        settings: What the options of every command say.
        output: Where its results go.
        board: Where its jobs are shown.
        jobs: Jobs whose results nobody has yet, in the order of their starts.
        started: How many jobs it has had: the same command once more would pay for them once more.
        saves_to: Where the files of its jobs go, or None while nothing is saved.
        signals: Ctrl-C and its like.
        sim: The simulator that the client talks to, or None.
    """

    settings: Settings
    output: Output = attrs.field(default=attrs.Factory(lambda self: _output(self.settings), takes_self=True))
    board: Board = attrs.field(
        default=attrs.Factory(lambda self: board_for(quiet=self.settings.quiet), takes_self=True)
    )
    jobs: dict[Job[Any], None] = attrs.field(factory=dict)
    started: int = 0
    saves_to: Path | None = None
    signals: Signals = attrs.field(default=attrs.Factory(lambda self: Signals(self.exit_now), takes_self=True))
    sim: Simulated | None = None

    @asynccontextmanager
    async def client(
        self,
        *,
        quick: bool = False,
        options: Mapping[str, Any] | None = None,
        simulate: bool = False,
        **simulated: Any,  # noqa: ANN401 - the simulator's own arguments
    ) -> AsyncIterator[A2EClient]:
        """Open the client that the command's options ask for, with a simulator if they ask for one.

        Args:
            quick: Give up after few attempts: somebody waits for an answer, and no task depends on it.
            options: Further arguments of the client.
            simulate: Use a simulator, whatever the command's options say.
            **simulated: Arguments of the simulator.
        """
        given = self.settings
        token, base_url = given.token, given.base_url
        arguments: dict[str, Any] = {"store": ""}  # a command takes nothing over from applications, but for `a2e jobs`
        arguments |= {"max_starts": given.max_starts} if given.max_starts else {}
        arguments |= {"retry": Retry(attempts=_QUICK_ATTEMPTS)} if quick else {}
        arguments |= options or {}
        async with AsyncExitStack() as stack:
            if simulate or given.simulate:
                from a2e_async.cli.simulating import simulator  # noqa: PLC0415 - commands that need none wait for none

                sim = await stack.enter_async_context(simulator(**{"speed": SIMULATED_SPEED, **simulated}))
                self.sim, token, base_url = sim, sim.token, sim.url
            yield await stack.enter_async_context(A2EClient(token, base_url=base_url, **arguments))

    def print_error(self, text: str) -> None:
        """Print one line on stderr that says what went wrong."""
        print_error(text, self.settings.token)

    def fail(self, error: BaseException, more: str = "") -> int:
        """Print what went wrong, and give the exit code for it."""
        self.print_error(_message_of(error) + more)
        if self.settings.verbose:
            # Indented: the text of a foreign error must not look like a line of ours.
            tell(textwrap.indent("".join(traceback.format_exception(error)), "  "), self.settings.token)
        return exit_code(error)

    def track(self, jobs: Iterable[Job[Any]]) -> None:
        """Remember jobs whose results nobody has yet."""
        for job in jobs:
            self.started += job not in self.jobs
            self.jobs[job] = None

    def interrupted(self) -> int:
        """Print how to resume after Ctrl-C."""
        self.print_error("interrupted")
        for line in self._resume_lines():
            self.output.say(line)
        return INTERRUPTED

    def print_resume(self) -> None:
        """Print the lines that watch, and download if that was asked for, what this run leaves behind."""
        for line in resume.lines(self.jobs, self.settings, self.saves_to):
            self.output.say(line)

    def explain_wait(self) -> None:
        """Print why the command has not ended yet."""
        waiting = sum(not job.task_ids and job.error is None for job in self.jobs)
        if waiting:
            self.print_error(
                f"waiting for the answer to {counted(waiting, 'start')}, so that no id is lost (Ctrl-C: leave at once)"
            )

    def exit_now(self) -> NoReturn:
        """Print what is left and end the process at once, even if something in it hangs.

        It runs inside a signal handler, perhaps in the middle of another line, so it writes past all buffers.
        """
        lines = "".join(f"{plain(line)}\n" for line in ("a2e: interrupted", *self._resume_lines()))
        with contextlib.suppress(
            OSError, ValueError, AttributeError
        ):  # number 2 may be a ledger where stderr is closed
            cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
            os.write(sys.stderr.fileno(), f"{cursor}\n{lines}".encode(errors="backslashreplace"))
        os._exit(INTERRUPTED)

    def _resume_lines(self) -> list[str]:
        lines = resume.lines(self.jobs, self.settings, self.saves_to)
        unsent = sum(isinstance(job.error, ClientClosedError) for job in self.jobs)
        # Only where nothing was sent may the whole command be run again; else it would pay for something twice.
        if self.started == unsent and click.get_current_context(silent=True) is not None:
            lines.append(resume.same_command(self.settings))
        return lines


def run(command: Callable[[Run], Awaitable[int | None]], this: Run) -> int:
    """Run an async command to its end and give its exit code."""
    log.set_up(this.settings.verbose, this.settings.token)

    async def main() -> int | None:
        this.signals.bind()
        this.signals.slow = this.explain_wait
        return await command(this)

    try:
        with this.signals:
            code = asyncio.run(main()) or DONE
    except KeyboardInterrupt:  # where signals belong to somebody else
        return this.interrupted()
    except asyncio.CancelledError as error:
        return this.interrupted() if this.signals.count else this.fail(error)
    except click.ClickException:
        raise  # click knows the command and its usage
    except Exception as error:  # noqa: BLE001 - the last line of defence: one line, never a traceback
        return this.fail(error)
    finally:
        this.output.release()
    if this.output.lost is not None:
        return code or this.fail(this.output.lost, ": results could not be printed")
    return code


def _output(given: Settings) -> Output:
    return Output(as_json=given.json, quiet=given.quiet)


def _message_of(error: BaseException) -> str:
    if isinstance(error, MissingTokenError):
        return f"no token: set {VARIABLES[0]} or give --token; create one on the account page of {DEFAULT_BASE_URL}"
    if isinstance(error, A2EError | OSError):
        return str(error) or type(error).__name__
    return f"internal error (please report), {type(error).__name__}: {error} (-v shows where)"


def command(
    name: str,
    *,
    params: Sequence[click.Parameter] = (),
    uses: Collection[str] = (),
    examples: Sequence[str] = (),
) -> Callable[[AsyncCommand], Command]:
    """Turn an async function that takes a `Run` and its parameters, and returns an exit code, into a command.

    Args:
        name: Its name on the command line.
        params: Parameters besides those that click's decorators add.
        uses: Which of the shared options in `settings.LIMITED` it uses.
        examples: Example lines for its help.
    """

    def decorate(function: AsyncCommand) -> Command:
        @functools.wraps(function)
        def invoke(**values: Any) -> int:  # noqa: ANN401 - click hands over each parameter by name
            given = click.get_current_context().obj
            if given.dry_run and "dry_run" not in uses:
                raise click.UsageError("--dry-run only works with commands that start tasks")
            return run(functools.partial(function, **values), Run(given))

        arguments: dict[str, Any] = {"uses": uses, "examples": examples, "help": doc_of(function)}
        made = click.command(name, cls=Command, params=list(params), **arguments)(invoke)
        # functools.wraps would let `inspect` see the coroutine function behind this plain one.
        del invoke.__wrapped__
        return made

    return decorate
