"""The lines that go on with what an interrupted run, or a batch, leaves behind."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from typing import Any

import click

from a2e_async.cli import settings
from a2e_async.cli.settings import Settings
from a2e_async.core.family import Family
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import ClientClosedError

_LEFT_OUT = frozenset({"token", "dry_run"})


def lines(jobs: Iterable[Job[Any]], settings: Settings) -> list[str]:
    """Give one line per family, ready to be pasted, and one for the starts that have no ids.

    The token is left to the environment: it must not end up in a shell's history.
    """
    jobs = list(jobs)
    if settings.simulate:
        return ["the simulator has ended, and its tasks with it"] if jobs else []
    by_family: dict[str, list[str]] = {}
    for job in jobs:
        by_family.setdefault(job.family.name, []).extend(job.task_ids)
    known = [_watch(family, task_ids, settings) for family, task_ids in by_family.items() if task_ids]
    return [*known, *_nameless([job for job in jobs if not job.task_ids])]


def _watch(family: str, task_ids: Iterable[str], settings: Settings) -> str:
    words = ["a2e", "watch", family, *task_ids]
    if settings.base_url:
        words += ["--base-url", settings.base_url]
    if settings.out:
        words += ["--out", str(settings.out)]
    return shlex.join(words)


def _nameless(jobs: list[Job[Any]]) -> list[str]:
    unsent = sum(isinstance(job.error, ClientClosedError) for job in jobs)
    lost = [f"{job.family.name} {job.tag}" for job in jobs if not isinstance(job.error, ClientClosedError)]
    words = [f"{unsent} starts were not sent"] if unsent else []
    if lost:
        words.append(f"no answer to {len(lost)} starts; a2e list FAMILY shows those that were taken: {', '.join(lost)}")
    return words


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
