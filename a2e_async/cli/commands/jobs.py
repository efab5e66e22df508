"""`a2e jobs`: the jobs of applications that share a store, whichever process has them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import click

from a2e_async.batch.report import report_places, write_report
from a2e_async.cli.base import CommandGroup
from a2e_async.cli.codes import DONE, FAILED
from a2e_async.cli.display.output import counted, one_line, plain
from a2e_async.cli.fields import label_of
from a2e_async.cli.jobs import run_jobs
from a2e_async.cli.run import Run, command
from a2e_async.engine.durable.kept import OPTIONS
from a2e_async.engine.durable.making import stored
from a2e_async.engine.files.names import require_writable
from a2e_async.engine.jobs.stored import StoredJob
from a2e_async.engine.settings import STORE_VARIABLE
from a2e_async.errors import UsageError
from a2e_async.store.entries import Entry, State
from a2e_async.store.opening import file_of, open_store
from a2e_async.store.ports import JOBS, Store

_store = click.option(
    "--store", metavar="URL", help="Address of the store, such as sqlite:///jobs.sqlite (default: A2E_STORE)."
)
_key = click.argument("key", metavar="KEY")


def _address(given: str | None) -> str:
    found = given or os.environ.get(STORE_VARIABLE, "").strip()
    if not found:
        words = "or give --store with an address such as sqlite:///jobs.sqlite"
        raise UsageError(f"no store: set {STORE_VARIABLE}, {words}")
    file = file_of(found)
    if file is not None and not file.exists():  # a new one would hide that the address has a slip in it
        raise UsageError(f"there is no store in {file}")
    return found


@contextlib.asynccontextmanager
async def _opened(given: str | None) -> AsyncIterator[Store]:
    """Open the store for reading: nothing is taken over, and no token is needed."""
    store = open_store(_address(given))
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


def _words(job: StoredJob) -> str:
    state = State(job.state)
    coins = "" if job.coins is None else f"{job.coins:g}"
    ids = ", ".join(job.task_ids)
    error = "" if job.error is None else job.error.message
    return plain(f"{job.key:<28}  {state.word:<11}  {coins:>6}  {job.family}  {ids}  {error}".rstrip()).replace(
        "\n", " "
    )


@command("list", examples=("a2e jobs list --state failed",))
@_store
@click.option(
    "--state", "states", multiple=True, type=click.Choice([state.value for state in State]), help="Only these states."
)
async def list_(run: Run, store: str | None, states: tuple[str, ...]) -> None:
    """List the jobs of a store, and how many are in each state.

    It needs no token, takes nothing over, and works while the jobs run.
    """
    counts: Counter[State] = Counter()
    async with _opened(store) as opened:
        async for entry in opened.entries(JOBS, states=tuple(map(State, states)) or tuple(State)):
            counts[entry.state] += 1
            job = stored(entry)
            run.output.result(_words(job), job.to_dict())
            if run.output.unread is not None:
                break
    told = ", ".join(f"{counts[state]} {state.word}" for state in State if counts[state])
    run.output.note(f"{counted(counts.total(), 'job')}{f': {told}' if told else ''}")


@command("show")
@_key
@_store
async def show(run: Run, key: str, store: str | None) -> None:
    """Print what the store has of the job KEY."""
    async with _opened(store) as opened:
        job = _found(await opened.find(key), key)
    facts = {**job.to_dict(), "error": job.error.message if job.error else None}
    lines = [f"{name + ':':9}{one_line(str(value))}" for name, value in facts.items() if value not in (None, [], "")]
    run.output.result("\n".join(lines), job.to_dict())


def _found(entry: Entry | None, key: str) -> StoredJob:
    if entry is None:
        raise UsageError(f"the store has no job of key {key!r}")
    return stored(entry)


@command("cancel")
@_key
@_store
async def cancel(run: Run, key: str, store: str | None) -> int:
    """Cancel the job KEY: one that was not sent, or whose task has not begun; its coins are refunded.

    What a living process has is that process's to cancel. What a dead one has left is taken over, as by `resume`.
    """
    async with run.client(options={"store": _address(store)}) as a2e:
        job = await a2e.job_with(key)
        if job is None:
            raise UsageError(f"the store has no job of key {key!r}")
        gone = not job.done() and await job.cancel()
    words = "cancelled" if gone else "not cancelled: it has begun or ended, or a living process has it"
    run.output.result(f"{plain(key)}: {words}", {"key": key, "cancelled": gone})
    return DONE if gone else FAILED


@command("resume", uses=("out", "max_starts"), examples=("a2e jobs resume --store sqlite:///jobs.sqlite --out videos",))
@_store
async def resume(run: Run, store: str | None) -> int:
    """Take over what dead processes have left in a store, and wait until it is done; --out downloads the files."""
    out = run.settings.out
    if out is not None:
        require_writable(out)
    async with run.client(options={"store": _address(store)}) as a2e:
        jobs = [(job, label_of(job.request) or job.key or "") for job in a2e.jobs()]
        run.output.note(f"{counted(len(jobs), 'job')} taken over")
        return await run_jobs(run, a2e, jobs, out)


@command("report", uses=("out",))
@_store
async def report(run: Run, store: str | None) -> None:
    """Write the manifests and the page of a store's jobs into the folder --out (default: a2e-jobs)."""
    folder = run.settings.out or Path("a2e-jobs")
    folder.mkdir(parents=True, exist_ok=True)
    async with _opened(store) as opened:
        entries = [_shown(entry) async for entry in opened.entries(JOBS)]
    page = await asyncio.to_thread(write_report, folder, entries)
    places = report_places(folder)
    names: dict[str, Any] = {"page": page, "manifest": places["manifest.jsonl"], "table": places["manifest.csv"]}
    run.output.result(str(page), {name: str(path) for name, path in names.items()})
    run.output.note(f"open {page} in a browser")


def _shown(entry: Entry) -> Entry:
    return attrs.evolve(entry, fields={name: held for name, held in entry.fields.items() if name != OPTIONS})


class _Jobs(CommandGroup):
    """Lists where no command is named, and takes the options of its commands before them, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the command first."""
        if not args or (args[0].startswith("-") and "--help" not in args):
            at = next((place for place, word in enumerate(args) if word in self.commands), None)
            args = ["list", *args] if at is None else [args[at], *args[:at], *args[at + 1 :]]
        return super().parse_args(ctx, args)


jobs = _Jobs(
    name="jobs",
    help="List, show, cancel and resume the jobs of a store, and write their page; without a COMMAND it lists them.",
)
for _one in (list_, show, cancel, resume, report):
    jobs.add_command(_one)
