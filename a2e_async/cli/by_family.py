"""Commands with one command per family below them, each with the family's fields as its options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

import a2e_async.families  # noqa: F401 - importing it makes all families known
from a2e_async.cli.base import Command, Group
from a2e_async.cli.fields import build, options_of
from a2e_async.cli.run import Run, command
from a2e_async.core.family import Family, Request, families, family_of
from a2e_async.core.records import Result
from a2e_async.errors import UsageError

Action = Callable[..., Awaitable[int]]


class FamilyName(click.ParamType[Family]):
    """A family's name on the command line, with dashes or underscores."""

    name = "family"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Family:  # noqa: ANN401 - click's signature
        """Give the family of a name."""
        try:
            return family_of(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - as above
        incomplete: str,
    ) -> list[CompletionItem]:
        """Give the families whose name begins so."""
        return completions(incomplete)


def completions(begun: str) -> list[CompletionItem]:
    """Give the families whose name begins so, with dashes or underscores as it was begun."""
    return [
        CompletionItem(spelt, help=family.title)
        for name, family in sorted(families().items())
        if (spelt := name.replace("_", "-") if "-" in begun else name).startswith(begun)
    ]


class FamilyGroup(Group):
    """A command that has one command per family.

    Args:
        action: What such a command does with a `Run`, the request that its options describe, and further values.
        extra: Options of it besides the family's fields.
        dry_run: Whether the action knows `--dry-run`.
        **how: click's own arguments.
    """

    def __init__(
        self,
        *,
        action: Action,
        extra: tuple[click.Option, ...] = (),
        dry_run: bool = False,
        **how: Any,  # noqa: ANN401 - click's own arguments
    ) -> None:
        super().__init__(**how)
        self._action, self._extra, self._dry_run = action, extra, dry_run

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the families' names."""
        return sorted(families())

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Give the families whose name begins so, and options."""
        found = [] if incomplete.startswith("-") else completions(incomplete)
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - click's signature
        """Make the command of one family."""
        family = families().get(cmd_name.replace("-", "_"))
        return self._command(family) if family else None

    def _command(self, family: Family) -> Command:
        names = [option.name for option in self._extra]

        async def act(run: Run, **values: Any) -> int:  # noqa: ANN401 - one per field
            extra = {name: values.pop(name) for name in names}
            request: Request[Result] = build(family.request, values)
            return await self._action(run, request, **extra)

        act.__doc__ = family.title
        return command(family.name, params=[*self._extra, *options_of(family.request)], dry_run=self._dry_run)(act)
