"""Commands with one command per family below them, each with the family's fields as its options."""

from __future__ import annotations

import json
import shlex
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import attrs
import click
from click.shell_completion import CompletionItem

import a2e_async.families  # noqa: F401 - importing it makes all families known
from a2e_async.cli.base import Command, CommandGroup, did_you_mean
from a2e_async.cli.fields import MediaType, build, option_name, options_of
from a2e_async.cli.run import Run, command
from a2e_async.core import media
from a2e_async.core.family import Family, Request, families, family_of
from a2e_async.core.records import Result
from a2e_async.core.requests import fields_of
from a2e_async.errors import UsageError

Action = Callable[..., Awaitable[int]]

_FIRST = "first_"  # no field has such a name


class FamilyName(click.ParamType[Family]):
    """A family's name on the command line, with dashes or underscores."""

    name = "family"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Family:  # noqa: ANN401 - click's signature
        """Give the family of a name."""
        try:
            return family_of(value.lower() if isinstance(value, str) else value)
        except UsageError:
            likely = did_you_mean(str(value), families())
            self.fail(f"there is no family {value!r}.{likely} `a2e families` lists them", param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - as above
        incomplete: str,
    ) -> list[CompletionItem]:
        """Give the families whose name begins so."""
        return completions(incomplete)


def completions(begun: str) -> list[CompletionItem]:
    """Give the families whose name begins so, spelled with dashes or underscores as the beginning is."""
    return [
        CompletionItem(spelt, help=family.title)
        for name, family in sorted(families().items())
        if (spelt := name.replace("_", "-") if "-" in begun else name).startswith(begun)
    ]


class FamilyGroup(CommandGroup):
    """A command that has one command per family.

    Args:
        action: What such a command does with a `Run`, the request that its options describe, and further values.
        extra: Options of it besides the family's fields.
        uses: Which of the shared options in `settings.LIMITED` it uses.
        **how: click's own arguments.
    """

    def __init__(
        self,
        *,
        action: Action,
        extra: tuple[click.Option, ...] = (),
        uses: Collection[str] = (),
        **how: Any,  # noqa: ANN401 - click's own arguments
    ) -> None:
        super().__init__(uses=uses, **how)
        self._action, self._extra = action, extra

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the families' names."""
        return sorted(families())

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Give the families whose name begins so, and options."""
        found = [] if incomplete.startswith("-") else completions(incomplete)
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - click's signature
        """Make the command of one family."""
        family = families().get(cmd_name.replace("-", "_").lower())
        return self._command(family) if family else None

    def _command(self, family: Family) -> Command:
        names = [option.name for option in self._extra]
        leading = leading_field(family)

        async def act(run: Run, **values: Any) -> int:  # noqa: ANN401 - one per field
            extra = {name: values.pop(name) for name in names}
            first = values.pop(_FIRST, None) or None  # of a list, () is nothing
            if first is not None and values.get(leading):
                shown = first if isinstance(first, str) else " ".join(first)
                raise click.UsageError(f"{option_name(leading)} is given twice: {shown!r} stands for it, too")
            _check_first(family, leading, first)
            given = values if first is None else {**values, leading: first}
            request: Request[Result] = build(family.request, given)
            return await self._action(run, request, **extra)

        act.__doc__ = family.title
        params = [*self._extra, *options_of(family.request)]
        if leading:
            params = [_argument(family, leading), *params]
        example = shlex.join(["a2e", str(self.name), family.name, *example_of(family)])
        return command(family.name, params=params, uses=self.uses, examples=[example])(act)


def _check_first(family: Family, leading: str, first: object) -> None:
    """Refuse a file of images or videos as a prompt: it was meant for the option before it, and would be paid for."""
    if not isinstance(first, str) or not media.is_media_suffix(Path(first).suffix) or not Path(first).is_file():
        return
    known = {field.name: field for field in fields_of(family.request)}
    takes = next((name for name, field in known.items() if field.media and not field.inherited), None)
    if takes is not None and not known[leading].media:
        option = option_name(takes)
        words = (
            f"{first!r} is a file, and would be the {leading}: an option takes one value, so give each after its own"
        )
        raise click.UsageError(f"{words}, as {option} A {option} B; {option_name(leading)} takes it as it is")


def _argument(family: Family, leading: str) -> click.Argument:
    """Make the argument that stands for a field; of a list, as many as there are."""
    field = next(field for field in fields_of(family.request) if field.name == leading)
    kind = MediaType() if field.media else None
    name = leading.upper()
    if field.kind is list:
        return click.Argument([_FIRST], required=False, nargs=-1, type=kind, metavar=f"[{name}]...")
    return click.Argument([_FIRST], required=False, type=kind, metavar=f"[{name}]")


def leading_field(family: Family) -> str:
    """Give the field of a family that is given by its place, as in Python; an empty text where it holds no texts."""
    fields = {field.name: field for field in fields_of(family.request)}
    kind: Any = family.request  # mypy does not know it as a class of attrs
    first = next((field.name for field in attrs.fields(kind) if not field.kw_only), "")
    if first not in fields:
        return ""
    return first if fields[first].kind is str or (fields[first].kind is list and fields[first].item is str) else ""


def example_of(family: Family) -> list[str]:
    """Give a family's example as words for the shell."""
    words = []
    for name, value in family.example.items():
        option = option_name(name)
        if isinstance(value, bool):
            words.append(option if value else f"--no-{option[2:]}")
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option, one if isinstance(one, str) else json.dumps(one)]
    return words
