"""The service as the engine sees it: one request in, `data` or one of our errors out.

Laws of this file: a start is sent once here, whatever comes of it; whether it may be sent again is decided in `starts`,
because it costs money. Another spelling of a path is tried only after a refusal that has surely started nothing. The
service's time comes from its own header Date, never from this machine's clock. The token and what a request holds are
in no log.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from a2e_async.core import replies
from a2e_async.core.http import HttpReply, HttpRequest, Leaving, Transport, asking
from a2e_async.core.patterns import late
from a2e_async.core.retry import Retry, Verdict, verdict
from a2e_async.core.secrets import masked
from a2e_async.engine.http.failures import failure_of
from a2e_async.engine.http.moment import Moment
from a2e_async.engine.http.pacer import Pacer
from a2e_async.engine.http.token import Access, clean_token
from a2e_async.engine.jobs.counts import Counts
from a2e_async.engine.jobs.listeners import Events
from a2e_async.errors import A2EError, AuthenticationError, ServiceError

if TYPE_CHECKING:  # loaded with the first stream
    from a2e_async.core.sse import Message

_FORBIDDEN = 403
Token = str | Callable[[], str | Awaitable[str]]

# One line for each request, at DEBUG. The trace id is what the service's people ask for first. Bodies, queries and
# headers are never logged: they hold prompts, URLs that are signed, and the token.
_log = logging.getLogger("a2e_async.http")
_TRACE = late(rb'"trace_?id"\s*:\s*"([\w.:-]{1,100})"', re.IGNORECASE)


class Service:
    """Sends requests with the token, at the allowed pace, and reads their replies.

    Args:
        transport: What carries the requests.
        token: The token, or what gives it; a callable is called once, and again after a refusal.
        retry: Bounds for repeats and waits.
        rate: Requests a second for starts and polls together, or None.
        token_source: Where the token came from, for errors.
        lang: Language of the service's messages, or None.
    """

    def __init__(
        self,
        transport: Transport,
        token: Token,
        retry: Retry,
        rate: float | None,
        *,
        token_source: str = "token=",  # noqa: S107 - the name of an argument
        lang: str | None = None,
    ) -> None:
        self.pacer = Pacer(rate)
        self.events = Events()
        self.counts = Counts()
        self.retry = retry
        self._transport = transport
        self._asker = asking(transport)
        self._token = masked(token)
        self._token_source = token_source
        self._lang = lang
        self.access: Access | None = None
        self._asking = asyncio.Lock()
        self._respelled: set[str] = set()
        self._date: str | None = None
        self._told: tuple[float, Moment] | None = None

    async def ask(self, request: HttpRequest, leaving: Leaving | None = None) -> Any:  # noqa: ANN401 - `data` has any JSON shape
        """Send a request once and give the reply's `data`.

        A path that the service does not know is tried once in its other spelling or dialect, which is then remembered.

        Args:
            request: The request.
            leaving: Called last before it leaves, and before its other spelling does; see `Leaving`.

        Raises:
            ServiceError: The service said no.
            TransportError: There was no reply.
            ProtocolError: The reply cannot be read.
        """
        if request.other is not None and request.route in self._respelled:
            request = request.other
        try:
            return await self._answer(request, leaving)
        except ServiceError as error:
            # Both are sure refusals: nothing has been started, so the other way of writing starts nothing twice.
            outdated = (
                bool(request.outdated) and error.status == HTTPStatus.BAD_REQUEST and request.outdated in error.message
            )
            if request.other is None or not (error.no_route or outdated):
                raise
        try:
            data = await self._answer(request.other, leaving)
        except ServiceError as refused:
            if not refused.no_route:
                self._respelled.add(request.route)
            raise
        self._respelled.add(request.route)
        return data

    async def ask_again(self, request: HttpRequest, *, reads: bool = True) -> Any:  # noqa: ANN401 - any JSON shape
        """Send a request and repeat it while its failure may pass; never a start. See `ask`.

        Args:
            request: The request.
            reads: Whether it only reads. Another one is repeated only when it surely was not received: it may cost
                coins.
        """
        final = {Verdict.REFUSED} if reads else {Verdict.REFUSED, Verdict.UNKNOWN}
        failures = 0
        while True:
            try:
                return await self.ask(request)
            except A2EError as error:
                error.attempts = failures = failures + 1
                if verdict(error) in final or failures >= self.retry.attempts:
                    raise
                await self.rest(failures, error)

    async def listen(self, request: HttpRequest) -> AsyncGenerator[Message, None]:
        """Send a request once and give the server-sent events of its answer as they come; see `events_of`.

        Raises:
            ServiceError: The service said no.
            TransportError: There was no reply, or it broke off.
            ProtocolError: The reply cannot be read.
        """
        from a2e_async.engine.http.listening import events_of, open_stream  # noqa: PLC0415 - with the first stream

        access = self.access or await self.authorize()
        await self.pacer.turn(start=False)
        self.counts.requests += 1
        async with open_stream(self._transport, request, access.headers) as opened:
            whole = partial(self._read, request=request, access=access)
            async for message in events_of(opened, whole):
                yield message

    async def rest(self, failures: int, error: A2EError) -> None:
        """Wait before the next attempt, as long as the service asks or the number of failures says."""
        wanted = error.retry_after if isinstance(error, ServiceError) else None
        wait = self.retry.wait(failures, random.random(), wanted)  # noqa: S311 - spreads load
        self.counts.retries += 1
        _log.info("sent again in %.1f s (%d of %d): %s", wait, failures + 1, self.retry.attempts, error)
        if self.events.heard:
            self.events.retried(failures, error, wait)
        await asyncio.sleep(wait)

    async def fingerprint(self, key: bytes) -> str:
        """Give a keyed hash of the token; see `Access.fingerprint`.

        Raises:
            MissingTokenError: What was given is no token.
        """
        return (self.access or await self.authorize()).fingerprint(key)

    def server_time(self, now: Moment | None = None) -> float | None:
        """Give the service's time now in seconds since 1970, None before its first reply.

        Args:
            now: The present moment, where it is known already.
        """
        return None if self._told is None else self._told[0] + self._told[1].passed(now)

    async def _answer(self, request: HttpRequest, leaving: Leaving | None) -> Any:  # noqa: ANN401 - any JSON shape
        access = self.access or await self.authorize()
        if not request.start and not self.pacer.take():  # a start has waited before it counted as sent
            await self.pacer.turn(start=False)
        self.counts.requests += 1
        begun = _now() if _log.isEnabledFor(logging.DEBUG) else None  # nothing is read while nobody listens
        try:
            reply = await self._sent(request, access.headers, leaving)
        except Exception as error:  # noqa: BLE001 - whatever it is, also one that is not ours, becomes an error of ours
            failure = failure_of(error, f"{request.method} {request.path}", access.headers)
        else:
            if begun is not None:
                _note(request, begun, reply)
            return self._read(reply, request, access)
        if begun is not None:
            _note(request, begun, failure)
        raise failure

    def _sent(self, request: HttpRequest, headers: Mapping[str, str], leaving: Leaving | None) -> Awaitable[HttpReply]:
        if leaving is None:
            return self._transport.send(request, headers)
        if self._asker is not None:
            return self._asker.send(request, headers, leaving)
        leaving()
        return self._transport.send(request, headers)

    def _read(self, reply: HttpReply, request: HttpRequest, access: Access) -> Any:  # noqa: ANN401 - any JSON shape
        if reply.date != self._date:  # of all replies of one second the first tells the time best
            self._set_clock(reply.date)
        try:
            return replies.read(access.hide_in(reply, request), start=request.start, asked=request.body)
        except ServiceError as error:
            if isinstance(error, AuthenticationError):
                self._refused(error, access)
            if error.retry_after is not None:
                self.pacer.pause(min(error.retry_after, self.retry.longest_wait))
            raise

    def _refused(self, error: AuthenticationError, access: Access) -> None:
        """Say which token was refused, never its value; a callable is asked for another one."""
        if callable(self._token) and self.access is access:
            self.access = None
        error.message += f"; the token came from {self._token_source}"
        if _FORBIDDEN in (error.status, error.code):  # service.md 0.1: on the free plan every call is answered so
            error.message += ", and a plan without the API is refused like this too"

    def _set_clock(self, date: str | None) -> None:
        self._date, moment = date, replies.http_date(date)
        if moment is not None:
            self._told = moment, Moment.now()

    async def renews(self, refused: Access | None) -> bool:
        """Whether there is another token now than the one that was refused; it is asked for."""
        with contextlib.suppress(Exception):  # the refusal is raised, not what a token callable fails with
            return refused is not None and (await self.authorize()).headers != refused.headers
        return False

    async def authorize(self) -> Access:
        """Get the token; it is kept until it is refused."""
        async with self._asking:  # many requests that begin at once ask for the token once
            if self.access is None:
                given = masked(self._token() if callable(self._token) else self._token)
                given = masked(await given) if inspect.isawaitable(given) else given
                self.access = Access(clean_token(given, self._token_source), self._lang)
            return self.access


def _note(request: HttpRequest, begun: float, outcome: HttpReply | A2EError) -> None:
    """Log what came of a request."""
    what, took = f"{request.method} {request.path}", round((_now() - begun) * 1000)
    if isinstance(outcome, A2EError):
        _log.debug("%s: no answer after %d ms: %s", what, took, outcome)
        return
    found = _TRACE().search(outcome.body)
    trace = f", trace {found[1].decode()}" if found else ""
    _log.debug("%s: %d in %d ms%s", what, outcome.status, took, trace)


def _now() -> float:
    return asyncio.get_running_loop().time()
