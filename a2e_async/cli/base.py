"""The base of every command: it accepts the shared options, and its help lists those that it uses."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import click
from click.core import ParameterSource

from a2e_async.cli import settings


class _SharedOptionsCommand(click.Command):
    """A command that takes the shared options, before or after its name.

    Args:
        uses: Which of the shared options in `settings.LIMITED` this command uses. The others are ignored before its
            name, where an alias may put them, and refused after it.
        examples: Lines that show how it is called.
        *args: click's own arguments.
        **kwargs: click's own arguments.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own arguments
        uses: Collection[str] = (),
        examples: Sequence[str] = (),
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> None:
        super().__init__(*args, **kwargs)
        self.uses, self.examples = frozenset(uses), tuple(examples)
        self.params.extend(settings.OPTIONS)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write this command's own options, then the shared ones, then examples."""
        own = [param for param in self.get_params(ctx) if param not in settings.OPTIONS]
        own[-1:-1] = [option for option in settings.OPTIONS if option.name in self.uses]  # before --help
        shared = [option for option in settings.OPTIONS if option.name not in settings.LIMITED]
        for title, params in (("Options", own), ("Options of every command", shared)):
            records = [record for record in map(_record, params, [ctx] * len(params)) if record]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; all that are missing are named at once."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as error:
            missing = self._missing(ctx, given)
            if len(missing) < 2:  # noqa: PLR2004 - click names a single one well
                raise
            raise click.UsageError(f"Missing {', '.join(missing)}.", ctx) from error
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            raise self._explained(error, ctx) from error

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever the command gives
        """Run the command, unless an option was given that it would ignore."""
        self._refuse_useless(ctx)
        return super().invoke(ctx)

    def _explained(self, error: click.UsageError, ctx: click.Context) -> click.UsageError:
        """Say how several values are given, where one more word than expected may have been one of them."""
        several = [
            param.opts[0] for param in self.get_params(ctx) if isinstance(param, click.Option) and param.multiple
        ]
        if not several or "extra argument" not in error.message:
            return error
        words = f"{error.message}; an option takes one value: give it once for each, as {several[0]} A {several[0]} B"
        return click.UsageError(words, ctx)

    def _missing(self, ctx: click.Context, args: list[str]) -> list[str]:
        values, _rest, _order = self.make_parser(ctx).parse_args(list(args))
        names = [param for param in self.get_params(ctx) if param.required]
        return [param.get_error_hint(ctx) for param in names if not _is_given(values.get(param.name or ""))]

    def _refuse_useless(self, ctx: click.Context) -> None:
        if isinstance(self, click.Group):
            return
        for name in sorted(settings.LIMITED - self.uses):
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                option = f"--{name.replace('_', '-')}"
                why = " (it only works with commands that start tasks)" if name == "dry_run" else ""
                raise click.UsageError(f"{option} has no use in {ctx.command_path}{why}", ctx)


def _record(param: click.Parameter, ctx: click.Context) -> tuple[str, str] | None:
    return param.get_help_record(ctx) if isinstance(param, click.Option) else None


def _is_given(value: object) -> bool:
    return isinstance(value, str | bool | int | float) or (isinstance(value, list | tuple) and bool(value))


class Command(_SharedOptionsCommand):
    """One command."""


class CommandGroup(_SharedOptionsCommand, click.Group):
    """A command with commands below it."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first: people come for them."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its whole first sentence, where click would cut it."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(1000)) for name, one in commands if one is not None])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of these arguments.

        Raises:
            UsageError: There is no such command; the text suggests similar names.
        """
        name = str(args[0])
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {name!r}.{did_you_mean(name, self.list_commands(ctx))}", ctx)
        return super().resolve_command(ctx, args)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest similar names, or give an empty text."""
    spelt = {one.replace("-", "_"): one for one in known}
    wanted = name.replace("-", "_").lower()
    near = difflib.get_close_matches(wanted, spelt, 3, 0.85) or difflib.get_close_matches(wanted, spelt, 3, 0.6)
    near += [one for one in spelt if len(wanted) > 2 and one.startswith(wanted) and one not in near]  # noqa: PLR2004 - "te" says nothing
    return f" Did you mean {' or '.join(repr(spelt[one]) for one in near[:3])}?" if near else ""
