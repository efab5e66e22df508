"""The tools of the server: what an agent can do, each as a function of plain JSON values."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import attrs
from mcp.server.mcpserver import Context
from pydantic import Field

from a2e_async.cli.commands import explain
from a2e_async.cli.commands.guide import pages
from a2e_async.cli.mcp.batches import Batches
from a2e_async.cli.mcp.inputs import GivenInputs
from a2e_async.cli.mcp.intents import as_data, job_of, next_step
from a2e_async.client import A2EClient
from a2e_async.core import family as registry
from a2e_async.core.family import family_of
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError, KeyConflictError, UsageError

_LONGEST_WAIT = 50  # clients give up after a minute
_TICK = 5.0

Key = Annotated[
    str, Field(description="Your own name for this intent. Repeat a call with the same key: it never pays twice.")
]
FamilyName = Annotated[str, Field(description="What to make, such as text_to_image; `families` lists them.")]
Fields = Annotated[
    dict[str, Any],
    Field(
        description="The fields of the request; `families` explains those of a family. Where it takes an image, a video"
        " or audio, give a URL, a file below the server's folder, or job:KEY, the output of another job."
    ),
]
Seconds = Annotated[float, Field(description="How long to wait for the end, at most 50 s.", ge=0, le=_LONGEST_WAIT)]


@attrs.define(eq=False)
class Tools:
    """What an agent can do, for the length of an `async with` block.

    Args:
        a2e: The open client, which has a budget and a store.
        folder: Where all files go.
        budget: Most coins that the client may spend.
        files: Further folders whose files may be inputs.
    """

    a2e: A2EClient
    folder: Path
    budget: float
    files: Sequence[Path] = ()
    _inputs: GivenInputs = attrs.field(
        default=attrs.Factory(lambda self: GivenInputs(self.a2e, (self.folder, *self.files)), takes_self=True)
    )
    _batches: Batches = attrs.field(
        default=attrs.Factory(lambda self: Batches(self.a2e, self.folder, self.budget), takes_self=True)
    )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._batches.aclose()

    async def families(
        self, name: Annotated[str, Field(description="A family to explain; empty: list all of them.")] = ""
    ) -> dict[str, Any]:
        """List what can be made, or explain one family: its fields, their limits and an example."""
        if not name:
            known = sorted(registry.families().values(), key=lambda one: one.name)
            return {"families": [{"family": one.name, "title": one.title, "makes": one.makes} for one in known]}
        family = family_of(name)
        facts = {"family": family.name, "title": family.title, "makes": family.makes, "price": family.price}
        fields = [
            {name: value for name, value in field.items() if name not in ("family", "option", "sent_as")}
            for field in explain.fields_as_data(family)
        ]
        return {**facts, "notes": list(family.notes), "fields": fields, "example": dict(family.example)}

    async def balance(self) -> dict[str, Any]:
        """Tell the coins of the account, and what is left of the budget of this server. It is free."""
        held = await self.a2e.balance()
        return {"account_coins": held.coins, **self._coins()}

    async def price(self, family: FamilyName, fields: Fields) -> dict[str, Any]:
        """Ask what a start would cost, in coins. It is free and starts nothing."""
        quote = await self.a2e.quote(await self._inputs.request(family, fields))
        return {"coins": quote.coins, **self._coins()}

    async def start(self, key: Key, family: FamilyName, fields: Fields) -> dict[str, Any]:
        """Start a task, which costs coins, and return as soon as the service has accepted it.

        Call it again with the same key when you are not sure whether it worked: you get the same job, and pay once.
        """
        job = self.a2e.start(await self._inputs.request(family, fields), key=key)
        with suppress(A2EError):  # what went wrong is told with the job
            await _within(_LONGEST_WAIT, job.accepted())
        if isinstance(job.error, KeyConflictError):
            raise job.error
        return self._told(key, job)

    async def follow(self, key: Key, ctx: Context, seconds: Seconds = 30) -> dict[str, Any]:
        """Wait until a job has ended, for so many seconds at most, and tell how it stands."""
        job = await job_of(self.a2e, key)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while not job.done() and (left := begun + seconds - loop.time()) > 0:
            with suppress(A2EError, TimeoutError):
                await job.wait(timeout=min(left, _TICK))
            status = job.status.value if job.status is not None else job.stage.value
            await _report(ctx, loop.time() - begun, seconds, status)
        return self._told(key, job)

    async def cancel(self, key: Key) -> dict[str, Any]:
        """Cancel a job whose task has not begun yet; its coins are refunded then."""
        job = await job_of(self.a2e, key)
        cancelled = await job.cancel()
        return {"cancelled": cancelled, **self._told(key, job)}

    async def download(
        self,
        key: Key,
        folder: Annotated[str, Field(description="A folder below the one of this server; empty: that one.")] = "",
    ) -> dict[str, Any]:
        """Save the files of a completed job, each whole or not at all, and tell their paths."""
        where = below(self.folder, folder)
        job = await job_of(self.a2e, key)
        if not job.done():
            raise UsageError(f"the job {key!r} is {job.stage.value}: call `follow` first")
        paths = await self.a2e.download(await job, where)
        return {"key": key, "paths": [str(path) for path in paths]}

    async def batch(
        self,
        key: Key,
        ctx: Context,
        rows: Annotated[
            list[dict[str, Any]] | None,
            Field(description="One object a task: id, family and its fields. Leave it out to follow a batch."),
        ] = None,
        seconds: Seconds = 30,
    ) -> dict[str, Any]:
        """Run many tasks and save all files; wait so many seconds, and tell how the batch stands.

        It goes on behind your back: call it again with the same key, with or without the rows, until nothing is left.
        An input may be `row:ID`, the output of another row. No row is paid for twice, whatever happens.
        """
        told = await self._batches.run(key, rows, seconds, functools.partial(_report, ctx))
        return {**told, **self._coins()}

    async def guide(
        self, topic: Annotated[str, Field(description="A topic; empty: list all of them.")] = ""
    ) -> dict[str, Any]:
        """Read a page of the guide of this package."""
        known = pages()
        if topic in known:
            return {"topic": topic, "text": known[topic]}
        if topic:
            raise UsageError(f"the guide has no topic {topic!r}; it has {', '.join(known)}")
        return {"topics": list(known)}

    def _told(self, key: str, job: Job[Any]) -> dict[str, Any]:
        told = as_data(key, job)
        return {**told, "next": next_step(told), **self._coins()}

    def _coins(self) -> dict[str, Any]:
        left = self.budget - self.a2e.spent - self.a2e.reserved
        return {"spent": self.a2e.spent, "budget": self.budget, "budget_left": max(0.0, left)}


async def _within(seconds: float, work: Awaitable[None]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await work


def below(root: Path, folder: str) -> Path:
    """Give a folder below another one.

    Raises:
        UsageError: It is not below it.
    """
    where = (root / folder).resolve()
    if not where.is_relative_to(root.resolve()):
        raise UsageError(f"folder: must be below {root}, not {folder!r}")
    return where


async def _report(ctx: Context, done: float, total: float, words: str) -> None:
    with suppress(Exception):  # a client that does not listen must not end a job
        await ctx.report_progress(done, total, words)
