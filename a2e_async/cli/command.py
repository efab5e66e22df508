"""From an async function to a command: asyncio below it, exit codes in front of it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import click

from a2e_async.cli.base import Command
from a2e_async.cli.run import Run, run

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
