"""The client: the one object that users hold, and the place where all parts are put together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn, Self, TypeVar, overload

import attrs

from a2e_async.calls import Calls
from a2e_async.calls import credits as credit_calls
from a2e_async.calls.base import Line
from a2e_async.core import rules, tags
from a2e_async.core.family import Family, Request, family_of
from a2e_async.core.hooks import Webhook
from a2e_async.core.http import Transport
from a2e_async.core.polling.learned import Learned
from a2e_async.core.polling.schedule import Cadence
from a2e_async.core.records import Record, Result
from a2e_async.core.requests import require_public_links
from a2e_async.core.retry import Retry
from a2e_async.engine import fanout
from a2e_async.engine.files import transfers
from a2e_async.engine.files.downloads import Progress
from a2e_async.engine.http.service import Token
from a2e_async.engine.http.session import HttpSession
from a2e_async.engine.jobs.events import EventStream
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import DEFAULT, Default, Options
from a2e_async.engine.jobs.stats import Stats
from a2e_async.engine.lifetime import WITHOUT_LOOP, Config, Lifetime, Opened
from a2e_async.engine.settings import check_amount, find_base_url, find_token
from a2e_async.errors import UsageError
from a2e_async.short_forms import ShortForms

R = TypeVar("R", bound=Result)
Kind = str | Family | type[Request[Any]]
Requests = Iterable[Request[R]] | AsyncIterable[Request[R]]


class A2EClient(ShortForms):
    """A client of the A2E service: starts tasks, watches all of them with one poller, fetches what they made.

    Nothing is sent and no event loop is touched before `async with` (or `await open()`). A client belongs to the
    event loop in which it was opened. Leaving the block waits for no result, only for the answers of starts that are
    already on the wire; jobs that still run are let go of, and one warning on the logger `a2e_async` names their ids.

    Args:
        token: The API token, or a callable that gives it (also asynchronously; asked again after a refusal). By
            default A2E_API_KEY, A2E_API_TOKEN or A2E_TOKEN of the environment.
        base_url: Address of the service; by default A2E_BASE_URL of the environment, else https://video.a2e.ai.
        cadence: How often to look at running tasks.
        retry: What may be repeated, how often and how fast.
        max_starts: Most start requests in flight (default 32); running tasks are not bounded by it.
        rate: Most requests a second, starts and looks together, or None (default).
        budget: Most coins to spend in this client's life, or None (default).
        on_unknown_price: Under a budget, what happens to a start whose price neither you nor the service names.
            "alone" (default) sends one such start by itself, so that the budget can be passed by at most one unknown
            price; "refuse" sends none of them (BudgetExceededError).
        webhook: Where the service shall tell that a task has ended.
        http: The caller's own aiohttp session (never closed here; it must not carry a token of its own), or any
            `Transport`, such as a fake in a test.
        close_timeout: Seconds that closing waits for starts on the wire (default 10).

    Raises:
        MissingTokenError: There is no token.
        UsageError: Another argument is not what it must be.

    Example:
        async with A2EClient() as a2e:
            picture = await a2e.text_to_image("a red kite")
            film = await a2e.image_to_video(picture.url, prompt="it climbs", negative_prompt="blurry")
            paths = await a2e.download(film, "out/")
    """

    def __init__(
        self,
        token: Token | None = None,
        *,
        base_url: str | None = None,
        cadence: Cadence = Cadence(),  # noqa: B008 - a frozen value
        retry: Retry = Retry(),  # noqa: B008 - a frozen value
        max_starts: int = 32,
        rate: float | None = None,
        budget: float | None = None,
        on_unknown_price: Literal["alone", "refuse"] = "alone",
        webhook: Webhook | None = None,
        http: HttpSession | Transport | None = None,
        close_timeout: float = 10,
    ) -> None:
        _check_kind("max_starts", max_starts, int)
        _check_kind("close_timeout", close_timeout, int, float)
        _check_kind("cadence", cadence, Cadence)
        _check_kind("retry", retry, Retry)
        _check_kind("webhook", webhook, Webhook, type(None))
        if http is not None and not isinstance(http, HttpSession) and not callable(getattr(http, "send", None)):
            raise UsageError(f"http: must be an aiohttp.ClientSession or a Transport, not {rules.kind_of(http)}")
        check_amount("max_starts", max_starts, whole=True, least=1)
        check_amount("rate", rate, least=1e-6)
        check_amount("budget", budget)
        check_amount("close_timeout", close_timeout)
        if on_unknown_price not in ("alone", "refuse"):
            raise UsageError(f"on_unknown_price: must be 'alone' or 'refuse', not {rules.kind_of(on_unknown_price)}")
        address = find_base_url(base_url)
        if webhook is not None and not rules.is_local(address):
            rules.require_https("webhook.url", webhook.url)
        self._config = Config(
            base_url=address,
            local=rules.is_local(address),
            token=find_token(token),
            cadence=cadence,
            retry=retry,
            max_starts=max_starts,
            rate=rate,
            budget=budget,
            on_unknown_price=on_unknown_price,
            webhook=webhook,
            http=http,
            close_timeout=close_timeout,
        )
        self._options = Options()
        self._shared = Lifetime(self._config)

    # Opening and closing.

    async def open(self) -> Self:
        """Open the client on the running event loop; the same as entering `async with`."""
        self._shared.open()
        return self

    async def aclose(self) -> None:
        """Close the client; the same as leaving `async with`. Closing twice does nothing."""
        await self._shared.aclose()

    def __enter__(self) -> NoReturn:
        raise UsageError(f"use `async with A2EClient()` and `await`; {WITHOUT_LOOP}")

    def __exit__(self, *error: object) -> None:
        """Do nothing: a block of `with` never begins."""

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = "open" if self._shared.opened else "closed"
        return f"<A2EClient {self._config.base_url} {state}>"

    @property
    def base_url(self) -> str:
        """Scheme, host and port of the service."""
        return self._config.base_url

    @property
    def webhook(self) -> Webhook | None:
        """Where the service tells us that a task has ended, as this client was made."""
        return self._config.webhook

    # Starting.

    def start(
        self,
        request: Request[R],
        *,
        timeout: float | Default | None = DEFAULT,
        tag: str | None = None,
        on_unknown: Literal["resend", "raise"] | None = None,
        look_first: bool = False,
        price: float | None = None,
        options: Options | None = None,
    ) -> Job[R]:
        """Start a request; gives its job at once, before anything is sent.

        Args:
            request: What to start.
            timeout: Seconds since acceptance after which the job gives up; by default its family's (3 h), None: never.
            tag: The mark of this intent, 8 to 24 characters of a-z0-9, unique among this client's live jobs; by
                default a random one.
            on_unknown: What happens to a lost start that is not found: "resend" (the default) or "raise".
            look_first: Look for the tag before the first send, as a resume does. Tasks that are there are taken over;
                that none is there is certain only after `Retry.unknown_window`, as lists may lag.
            price: What the start costs in coins, if you know it; for the budget.
            options: All options at once, as a durable runner keeps them; the others go over them.

        Raises:
            UsageError: The client is not open, or an argument is not what it must be.
        """
        if not isinstance(request, Request):
            raise UsageError(f"start: a request such as TextToImage(...) is needed, not {rules.kind_of(request)}")
        engine = self._open_parts().engine
        family = family_of(request)
        if not self._config.local:
            require_public_links(request)
            rules.require_https("webhook_url", getattr(request, "webhook_url", None))
        options = options or self._options
        if timeout is not DEFAULT or on_unknown is not None or look_first or price is not None:
            options = _with(options, timeout=timeout, on_unknown=on_unknown, look_first=look_first or None, price=price)
        if tag is None and options.tagging:
            tag = tags.spell(os.urandom(tags.LETTERS_OF_A_TAG))
        elif tag is not None:
            tags.check(tag)
        return engine.start(family, request, options, tag)

    def with_options(
        self,
        *,
        timeout: float | Default | None = DEFAULT,
        on_unknown: Literal["resend", "raise"] | None = None,
        tagging: bool | None = None,
        price: float | None = None,
    ) -> Self:
        """Give a view of this client whose starts have these options; everything else is shared.

        Args:
            timeout: As in `start`.
            on_unknown: As in `start`.
            tagging: Whether names carry a tag; without one a lost start is neither found nor sent again.
            price: As in `start`.
        """
        view = type(self).__new__(type(self))
        view._config, view._shared = self._config, self._shared  # noqa: SLF001 - of the same class
        view._options = _with(  # noqa: SLF001 - of the same class
            self._options, timeout=timeout, on_unknown=on_unknown, tagging=tagging, price=price
        )
        return view

    def as_completed(self, requests: Requests[R], max_running: int = 200) -> AsyncIterator[Job[R]]:
        """Start many requests and give each job when it has ended, whichever way.

        Args:
            requests: An iterable or async iterable; it is read only as fast as jobs end.
            max_running: Most jobs that have not ended at once.
        """
        return fanout.as_completed(self.start, requests, max_running)

    @overload
    async def gather(
        self, requests: Requests[R], max_running: int = 200, *, return_exceptions: Literal[False] = False
    ) -> list[R]: ...
    @overload
    async def gather(
        self, requests: Requests[R], max_running: int = 200, *, return_exceptions: Literal[True]
    ) -> list[R | BaseException]: ...
    async def gather(
        self, requests: Requests[R], max_running: int = 200, *, return_exceptions: bool = False
    ) -> Sequence[R | BaseException]:
        """Start many requests and give their results in order; one failure cancels no other job.

        Args:
            requests: An iterable or async iterable.
            max_running: Most jobs that have not ended at once.
            return_exceptions: Give errors in their places. Otherwise a failure stops the taking of requests, the
                running jobs are waited for, and the first failure in order is raised.
        """
        return await fanout.gather(self.start, requests, max_running, return_exceptions=return_exceptions)

    # Tasks that are there already.

    def attach(
        self,
        family: Kind,
        *task_ids: str,
        timeout: float | Default | None = DEFAULT,
        tag: str | None = None,
        options: Options | None = None,
    ) -> Job[Any]:
        """Watch a task, or all tasks of one start, that somebody else has started.

        Args:
            family: A family's name, or its request class.
            *task_ids: The ids of all tasks of the start.
            timeout: Seconds from now after which the job gives up; by default the family's, None: never.
            tag: The mark in their names, if it is known.
            options: All options at once, as a durable runner keeps them; `timeout` goes over them.

        Raises:
            UsageError: There is no such family, or no id was given.
        """
        engine = self._open_parts().engine
        if not task_ids or not all(isinstance(task_id, str) and task_id.strip() for task_id in task_ids):
            raise UsageError("task_ids: at least one id is needed, each a str that is not blank")
        given = _with(options or self._options, timeout=timeout)
        return engine.attach(family_of(family), task_ids, given, None if tag is None else tags.check(tag))

    async def find(self, family: Kind, tag: str) -> Job[Any] | None:
        """Give a job for the tasks whose names carry this tag, or None when the list has none.

        Raises:
            UsageError: Tasks of this family have no names, so that none can be found.
        """
        return await self._open_parts().engine.find(family_of(family), tags.check(tag), self._options)

    async def look(self, family: Kind, task_id: str) -> Record:
        """Ask for one task now.

        Raises:
            NotFoundError: The service does not know it.
        """
        return await self._open_parts().engine.tasks.record(family_of(family), task_id)

    async def records(self, family: Kind, limit: int | None = None) -> AsyncIterator[Record]:
        """Give the tasks of a family, newest first; the service lists only those that have not expired."""
        check_amount("limit", limit, whole=True, least=1)
        left = limit
        async for record in self._open_parts().engine.tasks.records(family_of(family)):
            yield record
            left = None if left is None else left - 1
            if left == 0:
                return

    async def delete(self, family: Kind, task_id: str) -> None:
        """Delete a task. One that is `initialized` is refunded, a finished one is not, others the service refuses."""
        await self._open_parts().engine.tasks.delete(family_of(family), task_id)

    async def answered(self, *jobs: Job[Any]) -> None:
        """Wait until the starts of these jobs that are on the wire were answered, at most `close_timeout` seconds.

        For who has let go of jobs and is about to close what their journal writes to. A client that was closed has
        waited already.
        """
        opened = self._shared.opened
        if opened is None:
            await self._shared.aclose()
        else:
            await self._open_parts().engine.starter.answered(jobs, self._config.close_timeout)

    async def fingerprint(self, key: bytes) -> str:
        """Give a keyed hash of the token, by which it is recognised and from which it cannot be read.

        Args:
            key: A random key; whoever compares hashes keeps it with them.

        Raises:
            MissingTokenError: The token's callable gave none.
        """
        return await self._open_parts().engine.service.fingerprint(key)

    def job_of(self, task_id: str) -> Job[Any] | None:
        """Give the job that watches this task, None when no job of this client does."""
        return self._open_parts().engine.poller.job_of(task_id)

    def hint(self, task_id: str) -> None:
        """Let the poller look at a task at once, because somebody says it has ended.

        A hint that comes before the answer of its start is kept for a minute and used then.
        """
        self._open_parts().engine.poller.hint(task_id)

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the contract
        """Wait until every job has ended.

        Raises:
            TimeoutError: So many seconds have passed; the jobs go on.
        """
        async with asyncio.timeout(timeout):
            await self._open_parts().engine.roster.drained()

    # Files.

    async def download(
        self, what: transfers.Outputs, folder: str | Path = ".", *, name: str | None = None
    ) -> list[Path]:
        """Fetch result files, each whole or not at all; one that is already there whole is kept.

        Args:
            what: A result, a record, a link or several links.
            folder: Where the files go; made when it is not there.
            name: Their name without suffix; by default the task's name and id. Several files are numbered.

        Raises:
            DownloadError: A file could not be had whole; a link that has expired is asked for once more first.
        """
        opened = self._open_parts()
        return await transfers.download(opened.engine, opened.files, what, Path(folder), name)

    async def upload(self, path: str | Path, *, progress: Progress | None = None) -> str:
        """Send a file to the service's storage and give its public link, for use as an input.

        Args:
            path: A picture, film or sound.
            progress: Called with the bytes sent and the bytes in all.

        Raises:
            UsageError: There is no such file, it is empty, or is no media file.
        """
        opened = self._open_parts()
        return await transfers.upload(opened.engine.service, opened.files, Path(path), progress)

    # Coins.

    async def balance(self) -> credit_calls.Balance:
        """Ask what the account holds (GET /api/v1/user/remainingCoins)."""
        service = self._open_parts().engine.service
        return credit_calls.read_balance(await service.ask_again(credit_calls.balance()))

    async def quote(self, request: Request[Any]) -> credit_calls.Quote:
        """Ask what a start would cost (POST /api/v1/generation/quote); it is free and starts nothing."""
        service = self._open_parts().engine.service
        return credit_calls.read_quote(await service.ask_again(credit_calls.quote(family_of(request), request)))

    @property
    def spent(self) -> float:
        """Coins charged in this client's life, as far as the service has said so."""
        return self._open_parts().engine.coins.spent

    @property
    def reserved(self) -> float:
        """Coins held for starts whose price is not settled; 0 without a budget."""
        return self._open_parts().engine.coins.reserved

    @property
    def outage(self) -> float | None:
        """Seconds for which looks at running tasks have failed, None while all is well."""
        opened = self._open_parts()
        since = opened.engine.poller.health.outage_since
        return None if since is None else opened.loop.time() - since

    @property
    def learned(self) -> Learned:
        """What this client has learned of the ages at which tasks end; it spaces the looks at them.

        `learned.kept()` gives it as a JSON object, `learned.recall(...)` begins with one that was kept.
        """
        return self._shared.learned

    @property
    def calls(self) -> Calls:
        """Every one-shot call of the service, in groups: `await a2e.calls.speech.say("Hello", tts_id=...)`."""
        return Calls(Line(lambda: self._open_parts().engine.service, local=self._config.local))

    # What goes on.

    def events(self, limit: int = 10_000) -> EventStream:
        """Hear of all that happens from now on; the stream ends when the client has closed.

        Args:
            limit: Most events that wait for the reader; beyond it the oldest are dropped, and counted.
        """
        if limit is None:
            raise UsageError("limit: must be a whole number of at least 1, not None")
        check_amount("limit", limit, whole=True, least=1)
        return self._open_parts().engine.events.stream(limit)

    def stats(self) -> Stats:
        """Give the client's numbers at this moment, or at its end when it has closed."""
        shared = self._shared
        if shared.opened is None and shared.last is not None:
            return shared.last.stats()
        return self._open_parts().engine.stats()

    def _open_parts(self) -> Opened:
        return self._shared.parts()


def _check_kind(name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        words = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise UsageError(f"{name}: must be of type {words}, not {rules.kind_of(value)}")


def _with(options: Options, **changes: Any) -> Options:  # noqa: ANN401 - the fields of Options
    given = {key: value for key, value in changes.items() if value is not None and value is not DEFAULT}
    if "timeout" in changes and changes["timeout"] is None:
        given["timeout"] = None
    return attrs.evolve(options, **given) if given else options
