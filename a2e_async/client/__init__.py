"""The client: the one object that users hold, and the place where all parts are put together.

opening   how a client is opened and closed, and what it is bound to
many      many starts, with back-pressure
asking    what it does besides starting: files, coins, calls, numbers
here      starting, and what is done with tasks that are there already
"""

from __future__ import annotations

import os
from ssl import SSLContext
from typing import Any, Literal, Self, TypeVar

from a2e_async.client.asking import Asking, Kind
from a2e_async.client.many import Many
from a2e_async.core import rules, tags, wire
from a2e_async.core.family import Family, Request, family_of
from a2e_async.core.hooks import Webhook
from a2e_async.core.http import Transport
from a2e_async.core.polling.schedule import Cadence
from a2e_async.core.records import Result
from a2e_async.core.requests import require_public_links
from a2e_async.core.retry import Retry
from a2e_async.core.secrets import masked
from a2e_async.core.transfers import Transfers
from a2e_async.engine.http.service import Token
from a2e_async.engine.http.session import HttpSession
from a2e_async.engine.jobs.job import Job
from a2e_async.engine.jobs.options import DEFAULT, NO_JOURNAL, Default, Options, changed
from a2e_async.engine.jobs.waiting import within
from a2e_async.engine.lifetime import Lifetime
from a2e_async.engine.settings import Opener, configure
from a2e_async.errors import UsageError
from a2e_async.short_forms import ShortForms

R = TypeVar("R", bound=Result)


class A2EClient(Many, Asking, ShortForms):
    """A client of the A2E service: starts tasks, watches all of them with one poller, fetches what they made.

    Nothing is sent and no event loop is touched before `async with` (or `await open()`). A client belongs to the
    event loop in which it was opened. Leaving the block waits for no result, only for the answers of starts that are
    already on the wire. Jobs that still run are detached, and one warning on the logger `a2e_async` lists their ids.

    Args:
        token: The API token, or a callable that gives it (also asynchronously; asked again after a refusal). By
            default A2E_API_KEY, A2E_API_TOKEN or A2E_TOKEN of the environment.
        base_url: Address of the service; by default A2E_BASE_URL of the environment, else https://video.a2e.ai.
        cadence: How often to poll running tasks.
        retry: What may be repeated, how often and how fast.
        max_starts: Most start requests in flight (default 32); running tasks are not bounded by it.
        rate: Most requests a second, starts and polls together, or None (default).
        budget: Most coins to spend in this client's life, or None (default).
        on_unknown_price: Under a budget, what happens to a start whose price neither you nor the service names.
            "alone" (default) sends one such start by itself, so that the budget can be passed by at most one unknown
            price; "refuse" sends none of them (BudgetExceededError).
        webhook: Where the service posts that a task has ended.
        http: The caller's own aiohttp session (never closed here; it must not carry a token of its own), or any
            `Transport`, such as a fake in a test.
        close_timeout: Seconds that closing waits for starts on the wire (default 10).
        lang: Language of the messages, such as "en-US", sent as the header `x-lang`; None (default) sends none.
            A voice whose training names no language gets this one.
        allow_http: Whether `base_url` may be http:// of a public host, which would send the token unencrypted
            (default False); this machine and private networks need no permission.
        allow_private_files: Whether results may be fetched from, and uploads sent to, hosts of this machine and of
            private networks although the service is a public one (default False).
        transfers: How large, how slow and how many at once files may be.
        ssl: Certificates of your own for the service and for file hosts, as `ssl.create_default_context(cafile=...)`
            gives them; by default those of `http`, where it is an aiohttp session that has some.
        store: Where jobs are written down, so that they outlive this process: `sqlite:///jobs.sqlite`, an address of
            PostgreSQL, or a store that is open; by default A2E_STORE of the environment, else none, as with "". With
            one, `budget`, `rate` and `max_running` hold for all processes that share it, `budget` in its whole life.
        max_running: Most of its starts that may run at the service at once, or None (default); others wait in the
            queue. Tasks that were attached or detached are not counted.
        lease: Seconds (0.5 to 3600, default 30) without a sign of life after which other processes take over what
            this one has in the store.

    Raises:
        MissingTokenError: There is no token.
        UsageError: Another argument is not what it must be.

    Example:
        async with A2EClient() as a2e:
            image = await a2e.text_to_image("a red kite")
            video = await a2e.image_to_video(image.url, prompt="it climbs", negative_prompt="blurry")
            paths = await a2e.download(video, "out/")
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
        lang: str | None = None,
        allow_http: bool = False,
        allow_private_files: bool = False,
        transfers: Transfers = Transfers(),  # noqa: B008 - a frozen value
        ssl: SSLContext | None = None,
        store: str | Opener | None = None,
        max_running: int | None = None,
        lease: float = 30,
    ) -> None:
        token = masked(token)  # first of all: a report of what is raised here shows the arguments
        wire.load()
        self._config = configure(
            token,
            base_url,
            cadence=cadence,
            retry=retry,
            max_starts=max_starts,
            rate=rate,
            budget=budget,
            on_unknown_price=on_unknown_price,
            webhook=webhook,
            http=http,
            close_timeout=close_timeout,
            lang=lang,
            allow_http=allow_http,
            allow_private_files=allow_private_files,
            transfers=transfers,
            tls=ssl,
            max_running=max_running,
            store=masked(store),
            lease=lease,
        )
        self._options, self._shared, self._key = Options(), Lifetime(self._config), None

    # Starting.

    def start(
        self,
        request: Request[R],
        *,
        timeout: float | Default | None = DEFAULT,
        tag: str | None = None,
        key: str | None = None,
        on_unknown: Literal["resend", "raise"] | None = None,
        find_first: bool = False,
        price: float | None = None,
        options: Options | None = None,
    ) -> Job[R]:
        """Start a request; gives its job at once, before anything is sent.

        Args:
            request: What to start.
            timeout: Seconds since acceptance after which the job gives up; by default its family's (3 h), None: never.
            tag: The mark of this intent, 8 to 24 characters of a-z0-9, unique among this client's live jobs; by
                default a random one.
            key: The caller's own name of this intent (1 to 100 characters), where there is a store: the same key in any
                process at any time is the same job, and one bill. By default a random one.
            on_unknown: What happens to a lost start that is not found: "resend" (the default) or "raise".
            find_first: Look for the tag before the first send, as a resume does. Tasks that are found are recovered;
                that none is there is certain only after `Retry.unknown_window`, as lists may lag.
            price: What the start costs in coins, if you know it; for the budget.
            options: All options at once, as a durable runner keeps them; the other arguments override them.

        Raises:
            KeyConflictError: The key belongs to another request; of one in another process the job ends with it.
            UsageError: The client is not open, or an argument is not what it must be.
        """
        opened, family = self._parts(), self._family_of(request)
        options = options or self._options
        if timeout is not DEFAULT or on_unknown is not None or find_first or price is not None:
            options = changed(
                options, timeout=timeout, on_unknown=on_unknown, find_first=find_first or None, price=price
            )
        if tag is not None:
            tags.check(tag)
        key = self._key if key is None else key
        if opened.durable is not None and options.journal is NO_JOURNAL:
            return opened.durable.start(family, request, options, tag, key)
        if key is not None:
            raise UsageError("key: a client without a store forgets keys; give it one with store= or A2E_STORE")
        if tag is None and options.tagging:
            tag = tags.spell(os.urandom(tags.LETTERS_OF_A_TAG))
        return opened.engine.start(family, request, options, tag)

    def _family_of(self, request: Request[Any]) -> Family:
        """Check what is to be started, and give its family."""
        if not isinstance(request, Request):
            raise UsageError(f"start: needs a request such as TextToImage(...), not {rules.kind_of(request)}")
        if not self._config.local:
            require_public_links(request)
            rules.require_https("webhook_url", getattr(request, "webhook_url", None))
        return family_of(request)

    def with_options(
        self,
        *,
        timeout: float | Default | None = DEFAULT,
        on_unknown: Literal["resend", "raise"] | None = None,
        tagging: bool | None = None,
        price: float | None = None,
        key: str | None = None,
    ) -> Self:
        """Give a view of this client whose starts have these options; everything else is shared.

        Args:
            timeout: As in `start`.
            on_unknown: As in `start`.
            tagging: Whether names carry a tag; without one a lost start is neither found nor sent again.
            price: As in `start`.
            key: As in `start`, for a view of which one request is started.
        """
        view = type(self).__new__(type(self))
        view._config, view._shared = self._config, self._shared  # noqa: SLF001 - of the same class
        view._key = key or self._key  # noqa: SLF001 - of the same class
        view._options = changed(  # noqa: SLF001 - of the same class
            self._options, timeout=timeout, on_unknown=on_unknown, tagging=tagging, price=price
        )
        return view

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
            options: All options at once, as a durable runner keeps them; `timeout` overrides it.

        Raises:
            UsageError: There is no such family, no id was given, or one that cannot be an id.
        """
        engine = self._parts().engine
        rules.check_ids(*task_ids)
        given = changed(options or self._options, timeout=timeout)
        return engine.attach(family_of(family), task_ids, given, None if tag is None else tags.check(tag))

    async def find(self, family: Kind, tag: str) -> Job[Any] | None:
        """Give a job for the tasks whose names carry this tag, or None when the list has none.

        Raises:
            UsageError: Tasks of this family have no names, so that none can be found.
        """
        return await self._parts().engine.find(family_of(family), tags.check(tag), self._options)

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the contract
        """Wait until every job has ended.

        Raises:
            TimeoutError: So many seconds have passed; the jobs go on.
        """
        live = self._parts().engine.live
        await within(timeout, live.drained(), lambda: f"jobs still running: {len(live.jobs)}")
