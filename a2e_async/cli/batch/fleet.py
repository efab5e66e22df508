"""`a2e batch run --workers N` and `--store URL`: this process plans, watches and reports; others do the work.

Laws of this file. The store says what is done, so that nothing here can lose a paid row, and killing this process only
ends the workers that it has begun. What each worker must know of secrets stands in its environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.ledger_file import STORE_FILE
from a2e_async.batch.origin import Origin
from a2e_async.batch.own_columns import keep_names_in
from a2e_async.batch.spool import Spool
from a2e_async.cli.batch.endings import finish
from a2e_async.cli.batch.opened import opened_store
from a2e_async.cli.batch.options import BatchOptions
from a2e_async.cli.batch.reports import FleetReport
from a2e_async.cli.batch.where import refuse_own_ledger
from a2e_async.cli.batch.workers import FleetOptions, worker_environment, worker_words
from a2e_async.cli.display.board import BatchBoard
from a2e_async.cli.display.boards import batch_board_for
from a2e_async.cli.display.output import counted
from a2e_async.cli.display.progress import Progress
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.engine.files.names import require_writable
from a2e_async.errors import LedgerError, UsageError
from a2e_async.fleet.local import FENCED, LocalWorkers
from a2e_async.fleet.looking import Look, Looker, errors_of
from a2e_async.fleet.planning import BEGUN, attempt_anew, counts_of, plan
from a2e_async.fleet.terms import MARK, Terms, check_folder, mark_folder, read_terms, write_terms
from a2e_async.store.entries import State
from a2e_async.store.ports import Store

_SIMULATOR = "the simulator"  # in place of its address, which is another one each time
_COINS_A_ROW = 1_000
_LOOK_SECONDS = 1.0
_SHARE_OF_TIME = 0.05  # that looking at a large batch may take
_MORE_ROUNDS = 2
_ORDINARY = (0, 1, FENCED)
_KILLED_AT = 0.25  # of the rows, in the demonstration


class FleetRun:
    """One run of a batch by several processes.

    Args:
        run: The run of the command.
        folder: Where files and the report go.
        batch: How the batch is run.
        fleet: Who works on it.
    """

    def __init__(self, run: Run, folder: Path, batch: BatchOptions, fleet: FleetOptions) -> None:
        self.progress = Progress()
        self._run = run
        self._folder = folder
        self._batch = batch
        self._fleet = fleet
        self._workers: LocalWorkers | None = None
        self._board: BatchBoard | None = None
        self._stopping = False

    async def plan_and_run(self, spool: Spool, origin: Origin) -> int:
        """Write rows into the store, bring them to their files, write the report, and give the exit code.

        Args:
            spool: The rows.
            origin: Where they come from.
        """
        async with self._opened(spool.count) as (store, a2e):
            await self._plan(store, spool, self._terms(), origin)
            again = [State.FAILED, State.REFUSED] if self._batch.failed else []
            if self._run.settings.simulate:  # which has forgotten what an earlier one had begun
                again += BEGUN
            if again:
                await self._attempt_anew(store, again, None)
            return await self._work(store, a2e)

    async def retry(
        self, states: Sequence[State], ids: Sequence[str] | None, read: Callable[[Origin | None], Spool | None]
    ) -> int:
        """Let rows be attempted anew, work until nothing is left, write the report, and give the exit code.

        Args:
            states: Only rows that stand in one of these states.
            ids: Only these rows; None: all.
            read: Reads the rows again from where they came from; gives None where that is not wanted.
        """
        async with self._opened(1000) as (store, a2e):
            terms = self._changed(await read_terms(store, self._fleet.name))
            if ids is not None:
                await self._require(store, ids)
            spool = await asyncio.to_thread(read, Origin.load(await store.kept(f"origin of {self._fleet.name}")))
            if spool is not None:
                with contextlib.closing(spool):
                    await self._plan(store, spool, terms, None)
            await self._attempt_anew(store, states, ids)
            await write_terms(store, self._fleet.name, terms)
            return await self._work(store, a2e)

    @asynccontextmanager
    async def _opened(self, rows: int) -> AsyncIterator[tuple[Store, A2EClient]]:
        await asyncio.to_thread(require_writable, self._folder)
        if not (self._folder / STORE_FILE).exists():  # before there is one, which would make the folder a fleet's
            refuse_own_ledger(self._folder)
        simulated: dict[str, Any] = {"coins": _COINS_A_ROW * max(10, rows)}
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(opened_store(self._fleet.url))
            client = self._run.client(options=self._batch.client_options(), **simulated)
            yield store, await stack.enter_async_context(client)

    # What is to be done.

    async def _plan(self, store: Store, spool: Spool, terms: Terms, origin: Origin | None) -> None:
        name = self._fleet.name
        await check_folder(store, name, self._folder, shared=False)
        marked = (self._folder / MARK).exists()
        began, known = time.monotonic(), name in await store.batches()
        if known and not self._fleet.named and not marked and origin is not None:
            words = f"{store.place} has a batch {name!r:.120} already, and {self._folder} is not its folder"
            raise UsageError(f"{words}: give --name {name} to go on with it, or --name with another name")
        await mark_folder(store, name, self._folder)
        new = await plan(store, name, spool, terms)
        if known and not spool.bad_count:  # else what is invalid now would be taken for what is in the file no more
            await store.list_only(name, await asyncio.to_thread(lambda: list(spool.ids())))
        await keep_names_in(store, name, spool.columns)
        if origin is not None:
            await store.keep(f"origin of {name}", origin.dump())
        if new:
            words = f"{counted(spool.count, 'row')} in {counted(new, 'new shard')}"
            self._run.output.note(f"planned {name}: {words}, {time.monotonic() - began:.1f} s")

    async def _require(self, store: Store, ids: Sequence[str]) -> None:
        known = {entry.id async for entry in store.entries(self._fleet.name) if entry.id in ids}
        for row_id in ids:
            if row_id not in known:
                raise UsageError(f"batch {self._fleet.name} has no row {row_id!r:.120}")

    def _terms(self) -> Terms:
        given, batch = self._run.settings, self._batch
        return Terms(
            max_running=batch.max_running,
            max_coins=batch.max_coins,
            rate=batch.rate,
            price=batch.price,
            upload_price=batch.upload_price,
            timeout=given.timeout,
            unknown_window=batch.unknown_window,
            service=_SIMULATOR if given.simulate else None,
            same_account=batch.same_account,
            shared=self._fleet.shared,
        )

    def _changed(self, terms: Terms) -> Terms:
        """Give the terms of a batch with what this command says otherwise; a limit is only lifted by a new one."""
        usual, now = Terms(), self._terms()
        told = {name: value for name, value in attrs.asdict(now).items() if value != getattr(usual, name)}
        return self._anew(attrs.evolve(terms, **told))

    @staticmethod
    def _anew(terms: Terms) -> Terms:
        return attrs.evolve(terms, run=secrets.token_hex(8))

    async def _attempt_anew(self, store: Store, states: Sequence[State], ids: Sequence[str] | None) -> None:
        lease = await store.lease(self._fleet.lease, worker="a2e batch retry")
        try:
            anew, held = await attempt_anew(store, lease, self._fleet.name, states, ids)
        finally:
            await lease.aclose()
        if anew and not self._run.settings.simulate:
            self._run.output.note(f"{counted(len(anew), 'row')} to be started anew")
        for row_id in set(ids or ()) - {*anew, *held}:
            self._run.print_error(f"row {row_id} has not come to an end: it goes on, which is free")
        if held:
            words = f"{counted(len(held), 'row')} left alone: a process works on their shards at this moment"
            self._run.print_error(f"{words}; run the same again when it has ended")

    # How it is done.

    async def _work(self, store: Store, a2e: A2EClient) -> int:
        run, name = self._run, self._fleet.name
        run.signals.stop = self._on_first_signal
        looker = Looker(store, name)
        report = FleetReport(run, self._folder, store, name)
        codes: list[int] = []

        async def work() -> None:
            codes[:] = await self._watched(looker, report, a2e)
            for _round in range(_MORE_ROUNDS):
                counts = await counts_of(store, name)
                if not counts.get(State.INTENDED) or self._stopping or any(code not in _ORDINARY for code in codes):
                    break  # else a start that was lost is looked for once more, which is free
                await write_terms(store, name, self._anew(await read_terms(store, name)))
                codes[:] = await self._watched(looker, report, a2e)

        await run.signals.guard(work())
        run.output.release()
        look = await looker.look()
        self._see(look)
        await run.signals.guard(report.write(look))
        self._tell_bills(look)
        return finish(run, self._fleet, self.progress, codes, await errors_of(store, name))

    async def _watched(self, looker: Looker, report: FleetReport, a2e: A2EClient) -> list[int]:
        """Let processes work until all of them have left; gives how each has ended."""
        workers = self._workers = LocalWorkers(
            self._fleet.workers,
            worker_words(self._run, self._folder, self._fleet),
            worker_environment(self._run, self._fleet, a2e),
            on_line=self._print,
            on_words=self._on_words,
            on_news=self._tell,
            progress=lambda: self.progress.total - self.progress.open,
        )
        self._see(await looker.look())
        self._board = board = batch_board_for(self.progress, a2e, quiet=self._run.settings.quiet)
        if board.live:
            self._run.output.hold()
        async with board:
            tasks = [asyncio.create_task(self._watch(looker, report), name="a2e watch")]
            if self._fleet.kill_one:
                tasks.append(asyncio.create_task(self._kill_one(), name="a2e kill"))
            try:
                return await workers.run()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, looker: Looker, report: FleetReport) -> None:
        while True:
            began = time.monotonic()
            try:
                look = await looker.look()
                self._see(look)
                await report.write_now_and_then(look)
            except LedgerError as error:
                self._tell(f"the store cannot be asked how far the batch is: {error.message}")
            await asyncio.sleep(max(_LOOK_SECONDS, (time.monotonic() - began) / _SHARE_OF_TIME))

    async def _kill_one(self) -> None:
        """Kill the first worker when some rows are done, as the demonstration promises."""
        assert self._workers is not None  # noqa: S101 - made before
        while self.progress.total - self.progress.open < self.progress.total * _KILLED_AT:  # noqa: ASYNC110 - looked up
            await asyncio.sleep(0.05)
        if (number := self._workers.kill(1)) is not None:
            words = f"killed worker 1 (process {number}) with SIGKILL"
            self._tell(f"{words}; its rows are taken over when its lease of {self._fleet.lease:g} s has run out")

    def _see(self, look: Look) -> None:
        self.progress.look(look.counts, look.coins, sum(bool(one.shards) for one in look.holders))

    def _on_first_signal(self) -> None:
        self._stopping = True
        if self._workers is not None:
            self._workers.stop()
        self._tell("stopping: nothing more is started, running rows finish (Ctrl-C again: leave at once)")

    def _print(self, line: str) -> None:
        with contextlib.suppress(ValueError):  # it prints JSON lines or nothing
            self._run.output.result("", _data_of(line))

    def _on_words(self, number: int, line: str) -> None:
        if line.strip():
            self._tell(f"worker {number}: {line.removeprefix('a2e: ')}")

    def _tell(self, words: str) -> None:
        if self._board is not None:
            self._board.notice(words)
        else:
            self._run.print_error(words)

    def _tell_bills(self, look: Look) -> None:
        sim = self._run.sim
        if sim is None:
            return
        bills = sim.book.bills_by_tag()
        twice = sum(count > 1 for count in bills.values())
        words = f"{counted(len(sim.book.starts), 'bill')} for {counted(sum(look.counts.values()), 'row')}"
        self._run.output.note(f"{words}, {twice or 'none'} twice; coins and tasks are simulated")


def _data_of(line: str) -> dict[str, Any]:
    found = json.loads(line)
    return found if isinstance(found, dict) else {}
