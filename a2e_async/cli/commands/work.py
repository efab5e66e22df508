"""`a2e work`: one process that works on the batches of a store, for as long as there is work and somebody wants it."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from a2e_async.cli.batch.errors import ErrorSummary
from a2e_async.cli.batch.loop import as_data
from a2e_async.cli.batch.opened import opened_store
from a2e_async.cli.batch.where import LEASE_OPTION, STORE_OPTION, shown_url, store_url
from a2e_async.cli.codes import DONE, FAILED, INTERRUPTED
from a2e_async.cli.display.output import counted
from a2e_async.cli.resume import same_command
from a2e_async.cli.run import Run, command
from a2e_async.client import A2EClient
from a2e_async.errors import A2EError, FencedError, LedgerError, UsageError
from a2e_async.fleet.local import FENCED
from a2e_async.fleet.rounds import Deliverer, Engine
from a2e_async.fleet.terms import Terms
from a2e_async.fleet.worker import OpenClient, Worker
from a2e_async.store.entries import Entry, State
from a2e_async.store.ports import TTL, Store

_CLOSE_SECONDS = 2.0


@command(
    "work",
    params=[STORE_OPTION, LEASE_OPTION],
    uses=("max_starts", "out"),
    examples=(
        "export A2E_STORE=postgresql://a2e@db/a2e",
        "a2e work --out /mnt/results            # on as many machines as you like; come and go, kill at will",
    ),
)
@click.option("--batch", metavar="NAME", help="Work on this batch only.")
@click.option(
    "--engine",
    type=click.Choice(["procrastinate"]),
    help="Let this engine, in the same PostgreSQL, hand out the work (default: each process asks the store).",
)
@click.option("--stay", is_flag=True, help="Wait for more work when none is left.")
@click.option("--with-parent", is_flag=True, hidden=True, help="Exit when standard input ends.")
async def work(run: Run, store: str | None, with_parent: bool, **how: Any) -> int:  # noqa: ANN401, FBT001 - click's
    """Work on the batches of a store, beside any number of other processes, and save the files in --out.

    A batch's limits and price were set when it was planned with `a2e batch run --store`. The process exits when nothing
    is left to do. Kill it at any moment: others take over its rows, and nothing is paid for twice. The first Ctrl-C or
    SIGTERM starts nothing more and lets running rows finish, the second exits at once.
    """
    folder = run.settings.out
    if folder is None:
        raise click.UsageError("--out DIR is required: files are saved there")
    if run.settings.simulate:
        raise click.UsageError("--simulate has no use in a2e work: each process would have a simulator of its own")

    url, workers, left = store_url(store), list[Worker](), ErrorSummary()
    try:
        async with opened_store(url) as open_store:
            engine = _engine(how, str(url), open_store) if how["engine"] else None
            workers.append(_worker(run, open_store, folder, {**how, "left": left}, engine=engine))
            await _work(run, workers[0], with_parent=with_parent)
    except LedgerError as error:
        if workers or not with_parent:
            raise
        run.fail(error)  # the parent has it open, so that it is away and comes back
        return FENCED
    left.print(run)
    return _finish(run, workers[0], hidden=url is not None and shown_url(url) is None)


def _engine(how: Mapping[str, Any], url: str, store: Store) -> Engine:
    if not url.startswith(("postgresql:", "postgres:")):
        raise UsageError(f"--engine {how['engine']}: needs a store in PostgreSQL, such as postgresql://db/a2e")
    try:
        module = importlib.import_module(f"a2e_async.fleet.{how['engine']}")
    except ImportError as error:
        words = f"--engine {how['engine']}: {error.name} is not installed: pip install 'a2e-async[fleet]'"
        raise UsageError(words) from error

    def made(batch: str, run_one: Callable[[int], Awaitable[None]]) -> Deliverer:
        delivery: Deliverer = module.Delivery(url, store, batch, run_one, how["lease"] or TTL)
        return delivery

    return made


def _worker(run: Run, store: Store, folder: Path, how: Mapping[str, Any], *, engine: Engine | None) -> Worker:
    def changed(entry: Entry) -> None:
        if run.settings.json:
            run.output.result("", as_data(folder, entry, entry.error))
        if entry.error and not entry.state.final:
            how["left"].add(A2EError(entry.error), entry.id)

    ttl, options = how["lease"] or TTL, {"batch": how["batch"], "stay": how["stay"]}
    return Worker(store, folder, _client_of(run), ttl=ttl, on_change=changed, engine=engine, **options)


async def _work(run: Run, worker: Worker, *, with_parent: bool) -> None:
    run.signals.stop = worker.stop
    watching = asyncio.create_task(_stop_with_parent(worker), name="a2e parent") if with_parent else None
    try:
        await worker.run()
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


def _client_of(run: Run) -> OpenClient:
    @asynccontextmanager
    async def opened(terms: Terms) -> AsyncIterator[A2EClient]:
        options = {"close_timeout": _CLOSE_SECONDS, **terms.client_options()}
        async with run.client(options=options) as a2e:
            yield a2e

    return opened


async def _stop_with_parent(worker: Worker) -> None:
    """Stop when whoever has begun this process is gone: its end of standard input ends with it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _protocol = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while await reader.read(1024):
            pass
        worker.stop()
    finally:
        transport.close()


def _finish(run: Run, worker: Worker, *, hidden: bool) -> int:
    done, bad = worker.ends[State.DONE], sum(count for state, count in worker.ends.items() if state.bad)
    left = worker.ends.total() - done - bad
    not_done = (f", {bad} not" if bad else "") + (f", {left} left for others or another run" if left else "")
    error = worker.stopped_by
    if error is None or worker.ends:  # who could not begin leaves with one sentence, which says why
        run.output.note(f"{counted(done, 'row')} done{not_done}")
    if error is not None:
        code = run.fail(error)
        return FENCED if isinstance(error, FencedError) else code
    if run.signals.count:
        run.print_error("interrupted; to go on:")
        run.output.say(same_command(run.settings, without=("store",) if hidden else ()))
        return INTERRUPTED
    return FAILED if bad or left else DONE
