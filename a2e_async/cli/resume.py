"""The command lines that resume what an interrupted run, or a batch, leaves behind."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import click

from a2e_async.cli import settings
from a2e_async.cli.display.board import shorten
from a2e_async.cli.display.output import counted
from a2e_async.cli.fields import label_of
from a2e_async.cli.settings import Settings
from a2e_async.core.family import Family
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import ClientClosedError

_MOST_NAMED = 10
_LEFT_OUT = frozenset({"token", "dry_run"})


def lines(jobs: Iterable[Job[Any]], settings: Settings, out: Path | None = None) -> list[str]:
    """Give one line per family, ready to paste, and messages about the starts that have no ids.

    The token is left out: it must not end up in a shell's history.

    Args:
        jobs: The jobs whose results nobody has.
        settings: What the options of every command say.
        out: Where their files were to be saved, which may be a default folder; None if nowhere.
    """
    jobs = list(jobs)
    if settings.simulate:
        return ["the simulator has ended and took its tasks with it: nothing to resume"] if jobs else []
    by_family: dict[str, list[str]] = {}
    for job in jobs:
        by_family.setdefault(job.family.name, []).extend(job.task_ids)
    known = [task_line("watch", family, ids, settings, out) for family, ids in by_family.items() if ids]
    return [*known, *_nameless([job for job in jobs if not job.task_ids])]


def task_line(what: str, family: str, task_ids: Iterable[str], settings: Settings, out: Path | None = None) -> str:
    """Give the command line for tasks; an id, which the service chose, is never taken for an option."""
    words = ["a2e", what, family]
    if settings.base_url:
        words += ["--base-url", settings.base_url]
    if out is not None:
        words += ["--out", str(out)]
    return shlex.join([*words, "--", *task_ids])


def _nameless(jobs: list[Job[Any]]) -> list[str]:
    unsent = [job for job in jobs if isinstance(job.error, ClientClosedError)]
    lost = [f"{job.family.name} {job.tag}" for job in jobs if not isinstance(job.error, ClientClosedError)]
    words = []
    if unsent:
        named = ", ".join(f'"{shorten(label_of(job.request))}"' for job in unsent[:_MOST_NAMED])
        more = f" and {len(unsent) - _MOST_NAMED} more" if len(unsent) > _MOST_NAMED else ""
        words.append(f"{counted(len(unsent), 'start')} not sent: {named}{more}")
    if lost:
        words.append(
            f"{counted(len(lost), 'start')} without an answer; a2e list FAMILY shows which exist: {', '.join(lost)}"
        )
    return words


def batch_line(command: str, folder: Path, *options: str, ids: Collection[str] = (), simulate: bool = False) -> str:
    """Give the line that retries or redoes rows of a batch; a folder or an id is never taken for an option.

    Args:
        command: Which command of `a2e batch`.
        folder: The batch's folder.
        *options: Options of the command.
        ids: Ids of rows.
        simulate: Whether the batch belongs to a simulator.
    """
    path, words = str(folder), ["a2e", *(["--simulate"] if simulate else []), "batch", command]
    if path.startswith("-"):
        return shlex.join([*words, *options, "--", path, *ids])
    return shlex.join([*words, path, *options, *(["--", *ids] if ids else [])])


def same_command(given: Settings, *, without: Collection[str] = ()) -> str:
    """Give the running command as a line, ready to paste.

    The token is left out: it must not end up in a shell's history.

    Args:
        given: What the options of every command say.
        without: Names of parameters to leave out, because what they ask for is done.
    """
    context = click.get_current_context()
    words, last = context.command_path.split(), list[str]()
    for param in context.command.params:
        if param in settings.OPTIONS or not param.name or param.name in without:
            continue
        found = _words(param, context.params.get(param.name))
        risky = isinstance(param, click.Argument) and any(word.startswith("-") for word in found)
        (last if risky else words).extend(found)
    for option in settings.OPTIONS:
        if option.name and option.name not in _LEFT_OUT:
            words += _words(option, getattr(given, option.name))
    return shlex.join([*words, *(["--", *last] if last else [])])


def _words(param: click.Parameter, value: Any) -> list[str]:  # noqa: ANN401 - whatever a parameter holds
    if isinstance(param, click.Argument):
        several = value if isinstance(value, tuple | list) else () if value is None else (value,)
        return [_text(one) for one in several]
    assert isinstance(param, click.Option)  # noqa: S101 - click knows no third kind
    if param.count:
        return [param.opts[0]] * int(value)
    if param.secondary_opts:  # a pair of flags, of which the negative one counts, too
        return [] if value is None else [(param.opts if value else param.secondary_opts)[-1]]
    if param.is_flag:
        return [param.opts[-1]] if value else []
    given = value if param.multiple else () if value in (None, param.default) else (value,)
    return [word for one in given for word in (param.opts[-1], _text(one))]


def _text(value: object) -> str:
    if isinstance(value, Family):
        return value.name
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
