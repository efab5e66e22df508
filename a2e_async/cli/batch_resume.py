"""The line that goes on with a batch: the same command once more."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from typing import Any

import click

from a2e_async.cli import settings
from a2e_async.cli.settings import Settings
from a2e_async.core.family import Family

_LEFT_OUT = frozenset({"token", "dry_run"})


def same_command(given: Settings, *, without: Collection[str] = ()) -> str:
    """Give the command that runs, ready to be pasted.

    The token is left to the environment: it must not end up in a shell's history.

    Args:
        given: What the options of every command say.
        without: Names of parameters to leave out, as what they ask for is done.
    """
    context = click.get_current_context()
    words = context.command_path.split()
    for param in context.command.params:
        if param not in settings.OPTIONS and param.name and param.name not in without:
            words += _words(param, context.params.get(param.name))
    for option in settings.OPTIONS:
        if option.name and option.name not in _LEFT_OUT:
            words += _words(option, getattr(given, option.name))
    return shlex.join(words)


def _words(param: click.Parameter, value: Any) -> list[str]:  # noqa: ANN401 - whatever a parameter holds
    if value is None or value is False or (isinstance(param, click.Option) and value in (0, param.default)):
        return []
    if isinstance(param, click.Option) and param.count:
        return [param.opts[0]] * int(value)
    if value is True:
        return [param.opts[-1]]
    return [_text(value)] if isinstance(param, click.Argument) else [param.opts[-1], _text(value)]


def _text(value: object) -> str:
    if isinstance(value, Family):
        return value.name
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
