"""What every command is: a click command that also takes the options of every command, and lists them apart."""

from __future__ import annotations

from typing import Any

import click

from a2e_async.cli import settings


class _Everywhere(click.Command):
    """A command that also takes the options of every command, and lists them apart."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's own arguments
        super().__init__(*args, **kwargs)
        self.params.extend(settings.OPTIONS)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write this command's own options, then the shared ones."""
        own = [param for param in self.get_params(ctx) if param not in settings.OPTIONS]
        for title, params in (("Options", own), ("Options of every command", settings.OPTIONS)):
            records = [record for record in (param.get_help_record(ctx) for param in params) if record]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Command(_Everywhere):
    """One command."""


class Group(_Everywhere, click.Group):
    """A command with commands below it."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first: they are what one looks for."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)
