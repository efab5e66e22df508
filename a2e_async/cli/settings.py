"""The options that every command takes, before or after its name."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import attrs
import click


@attrs.frozen(kw_only=True)
class Settings:
    """The options of every command.

    Attributes:
        token: The token, or None to take it from the environment.
        base_url: Where the service is, or None to take it from the environment.
        json: Print JSON lines on stdout.
        simulate: Run against a simulator in this process.
        dry_run: Print the requests of the starts, send nothing.
        timeout: Seconds after which a job times out, or None for the default of its family.
        max_starts: Most start requests in flight, or None for the client's default.
        out: Folder for the results, or None for the default of the command.
        quiet: Show no progress and no notes.
        verbose: How much to log: 0 warnings, 1 each request, 2 everything; from 1 on errors have a traceback.
    """

    token: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    json: bool = False
    simulate: bool = False
    dry_run: bool = False
    timeout: float | None = None
    max_starts: int | None = None
    out: Path | None = None
    quiet: bool = False
    verbose: int = 0


class Number(click.FloatRange):
    """A finite number in a range, shown as "number" in the help."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's signature
        """Give the number of a text."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    # A child context inherits `obj`, so an option given after the command overrides the same one before it.
    known = ctx.obj or Settings()
    ctx.obj = attrs.evolve(known, **{param.name: value}) if value and param.name else known


def _option(*names: str, **how: Any) -> click.Option:  # noqa: ANN401 - click's own arguments
    return click.Option(names, expose_value=False, callback=_remember, **how)


OPTIONS: tuple[click.Option, ...] = (
    _option(
        "--token",
        metavar="TOKEN",
        help="The token; A2E_API_KEY is safer: other users of this machine can see a command line.",
    ),
    _option("--base-url", metavar="URL", help="Address of the API (default: A2E_BASE_URL, or A2E's own)."),
    _option("--json", is_flag=True, help="Print one JSON object per line on stdout."),
    _option("--simulate", is_flag=True, help="Run against a simulator in this process: no network, no coins."),
    _option(
        "--dry-run",
        is_flag=True,
        help="Send nothing: print the start requests as curl commands, or the rows and the price of a batch.",
    ),
    _option(
        "--timeout",
        type=Number(min=0, min_open=True),
        metavar="SECONDS",
        help="Stop waiting for a job after this time; its task still runs on A2E (default: 1 to 24 hours, by family).",
    ),
    _option(
        "--max-starts", type=click.IntRange(min=1), metavar="N", help="Most start requests in flight (default: 32)."
    ),
    _option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Folder for the results."),
    _option("-q", "--quiet", is_flag=True, help="Show no progress; errors and the lines to resume are still printed."),
    _option("-v", "--verbose", count=True, help="Log each request; -vv logs everything."),
)
"""The same objects for all commands: click tells parameters apart by identity."""

LIMITED = frozenset({"dry_run", "timeout", "max_starts", "out"})
"""Options that not every command has; each command says which it `uses`."""

NAMES = frozenset(name for option in OPTIONS for name in option.opts)
