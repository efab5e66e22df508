"""How a batch is run, the same for everybody who works on it, and whether it was stopped; both lie in the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import attrs

from a2e_async._version import __version__
from a2e_async.batch.atomic import AtomicFile
from a2e_async.core.retry import Retry
from a2e_async.core.transfers import Transfers
from a2e_async.engine.jobs.options import DEFAULT, Options
from a2e_async.errors import LedgerError, UsageError
from a2e_async.store.ports import Store

MARK: Final = ".a2e-batch"
"""The file that says in a folder whose files go there."""

_LONGEST_MARK = 1000


@attrs.frozen(kw_only=True)
class Terms:
    """How a batch is run.

    Attributes:
        max_running: Most rows between start and files at once, over all processes.
        max_coins: Most coins to be spent in all, or None.
        rate: Most requests a second over all processes, or None.
        price: What each start costs in coins, or None to ask the service.
        upload_price: What each upload costs in coins, 0 where nobody knows.
        timeout: Seconds after which a row is left, None: its family's.
        unknown_window: For how many seconds a lost start is looked for, None: the client's default.
        service: What stands for the service, in the place of its address; for a simulator.
        same_account: Whether somebody vouches that another token is one of the same account.
        shared: Whether all processes write into one folder that all of them see.
        run: A random word for each time that the batch was planned or rows of it were attempted anew.
        version: Which version of this program planned it.
    """

    max_running: int = 200
    max_coins: float | None = None
    rate: float | None = None
    price: float | None = None
    upload_price: float = 0
    timeout: float | None = None
    unknown_window: float | None = None
    service: str | None = None
    same_account: bool = False
    shared: bool = False
    run: str = ""
    version: str = __version__

    def client_options(self) -> dict[str, Any]:
        """Give the arguments of a client that works on the batch; its rate is told by the store."""
        retry = {} if self.unknown_window is None else {"retry": Retry(unknown_window=self.unknown_window)}
        transfers = {"transfers": Transfers(upload_price=self.upload_price)} if self.upload_price else {}
        return {"rate": self.rate, **retry, **transfers}

    def start_options(self) -> Options:
        """Give how its starts are sent and watched."""
        return Options(timeout=DEFAULT if self.timeout is None else self.timeout, price=self.price)


async def write_terms(store: Store, batch: str, terms: Terms) -> None:
    """Write down how a batch is run, and that it may run; whoever works on it hears of it within some seconds."""
    await store.keep(f"terms of {batch}", json.dumps(attrs.asdict(terms)))
    await store.keep(f"stop of {batch}", "")


async def read_terms(store: Store, batch: str) -> Terms:
    """Read how a batch is run.

    Raises:
        UsageError: There is no such batch, or another version of this program has planned it.
        LedgerError: What stands there was not written by this program.
    """
    words = await store.kept(f"terms of {batch}")
    if words is None:
        raise UsageError(f"there is no batch {batch!r:.120} in {store.place}")
    try:
        found = json.loads(words)
        version = found["version"]
        if version == __version__:
            return Terms(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise LedgerError(f"{store.place}: how batch {batch:.120} is run cannot be read") from error
    raise UsageError(
        f"batch {batch:.120} was planned by version {version!s:.40} of a2e-async, and this is {__version__}: "
        "install the same version on every machine, or plan it again with this one"
    )


async def stop(store: Store, batch: str, why: str) -> None:
    """Let everybody stop who works on a batch: nothing more is started, and what runs goes on to its end.

    Raises:
        UsageError: There is no such batch.
    """
    await read_terms(store, batch)
    await store.keep(f"stop of {batch}", why)


async def stopped(store: Store, batch: str) -> str:
    """Give why a batch was stopped, "" when it was not."""
    return await store.kept(f"stop of {batch}") or ""


async def mark_folder(store: Store, batch: str, folder: Path) -> None:
    """Say in a folder that the files of this batch go there.

    Raises:
        UsageError: Another batch's go there.
    """
    await check_folder(store, batch, folder, shared=False)
    words = await _mark(store, batch)
    if read_mark(folder) == words:
        return
    file = AtomicFile(folder / MARK)  # never through what lies in its place
    try:
        file.text.write(words)
        file.finish()
        file.put()
    except BaseException:
        file.discard()
        raise


def read_mark(folder: Path) -> str:
    """Read what says in a folder whose files go there, "" where nothing does.

    Raises:
        UsageError: What lies in its place is a link, a pipe or a folder.
    """
    path = folder / MARK
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(f"{path} is a link, or no plain file: it was not made by a2e; remove it")
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST_MARK)
    except FileNotFoundError:
        return ""


async def check_folder(store: Store, batch: str, folder: Path, *, shared: bool) -> None:
    """Refuse a folder that is not the batch's.

    Args:
        store: The open store.
        batch: The batch's name.
        folder: Where this process would put files.
        shared: Whether it must be the folder that the others see.

    Raises:
        UsageError: It is that of another batch, or not the one that the others see.
    """
    found = read_mark(folder)
    if found and found != await _mark(store, batch):
        raise UsageError(f"{folder} belongs to another batch, as {MARK} in it says: choose another --out")
    if shared and not found:
        raise UsageError(
            f"{folder} is not the folder that the other machines see: there is no {MARK} in it. "
            "Mount the shared folder, or plan the batch without --shared"
        )


async def _mark(store: Store, batch: str) -> str:
    return json.dumps({"batch": batch, "store": await store.kept("store_id") or ""}) + "\n"
