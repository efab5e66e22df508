"""The service as the engine sees it: token, pace, clock, spelling of paths; data or one of our errors comes back."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from a2e_async.core import replies
from a2e_async.core.http import HttpReply, HttpRequest, Transport
from a2e_async.core.retry import Retry, Verdict, verdict
from a2e_async.engine.events import Events, Retried
from a2e_async.engine.pacer import Pacer
from a2e_async.engine.stats import Counts
from a2e_async.errors import A2EError, AuthenticationError, MissingTokenError, ServiceError

Token = str | Callable[[], str | Awaitable[str]]

_SCHEME = "Bearer "
_SCHEMES = re.compile(r"^(bearer(\s+|$))+", re.IGNORECASE)
_HOOK_TOKEN = "webhook_token"  # noqa: S105 - the name of a field
_LEAST_SECRET = 8


class Service:
    """Sends requests with the token, at the allowed pace, and reads their replies.

    Args:
        transport: What carries the requests.
        token: The token, or what gives it; a callable is asked once and again after a refusal.
        retry: Bounds for repeats and waits.
        rate: Requests a second for starts and looks together, or None.
    """

    def __init__(self, transport: Transport, token: Token, retry: Retry, rate: float | None) -> None:
        self.pacer = Pacer(rate)
        self.events = Events()
        self.counts = Counts()
        self.retry = retry
        self._transport = transport
        self._token = token
        self._headers: Mapping[str, str] | None = None
        self._asking = asyncio.Lock()
        self._respelled: set[str] = set()
        self._date: str | None = None
        self._server_ahead: float | None = None

    async def ask(self, request: HttpRequest) -> Any:  # noqa: ANN401 - `data` has any JSON shape
        """Send a request once and give the reply's `data`.

        What the service does not know is tried once in its other spelling or dialect, which is then remembered.

        Raises:
            ServiceError: The service said no.
            TransportError: There was no reply.
            ProtocolError: The reply cannot be read.
        """
        if request.other is not None and request.route in self._respelled:
            request = request.other
        try:
            return await self._answer(request)
        except ServiceError as error:
            if not error.no_route or request.other is None:
                raise
        try:
            data = await self._answer(request.other)
        except ServiceError as refused:
            if not refused.no_route:
                self._respelled.add(request.route)
            raise
        self._respelled.add(request.route)
        return data

    async def ask_again(self, request: HttpRequest, *, reads: bool = True) -> Any:  # noqa: ANN401 - any JSON shape
        """Send a request and repeat it while its failure may pass; see `ask`.

        Args:
            request: The request.
            reads: Whether it only reads; one that does more is repeated only when it surely has done nothing.
        """
        final = {Verdict.REFUSED} if reads else {Verdict.REFUSED, Verdict.UNKNOWN}
        failures = 0
        while True:
            try:
                return await self.ask(request)
            except A2EError as error:
                failures += 1
                if verdict(error) in final or failures >= self.retry.attempts:
                    raise
                await self.rest(failures, error)

    async def rest(self, failures: int, error: A2EError) -> None:
        """Wait before the next attempt, as long as the service asks or the number of failures says."""
        wanted = error.retry_after if isinstance(error, ServiceError) else None
        wait = self.retry.wait(failures, random.random(), wanted)  # noqa: S311 - spreads load
        self.counts.retries += 1
        if self.events.heard:
            self.events.tell(Retried(at=self.events.now(), failures=failures, error=error, wait=wait))
        await asyncio.sleep(wait)

    def server_time(self) -> float | None:
        """Give the service's time now in seconds since 1970, None before its first reply."""
        return None if self._server_ahead is None else asyncio.get_running_loop().time() + self._server_ahead

    async def _answer(self, request: HttpRequest) -> Any:  # noqa: ANN401 - any JSON shape
        headers = self._headers or await self._authorize()
        reply = await self._send(request, headers)
        try:
            return replies.read(reply)
        except ServiceError as error:
            if isinstance(error, AuthenticationError) and callable(self._token) and self._headers is headers:
                self._headers = None
            if error.retry_after is not None:
                self.pacer.pause(min(error.retry_after, self.retry.longest_wait))
            raise

    async def _send(self, request: HttpRequest, headers: Mapping[str, str]) -> HttpReply:
        if not request.start:  # a start has waited for its turn before it counted as sent
            await self.pacer.turn(start=False)
        self.counts.requests += 1
        reply = await self._transport.send(request, headers)
        if reply.date != self._date:  # of all replies of one second the first tells the time best
            self._date, moment = reply.date, replies.http_date(reply.date)
            if moment is not None:
                self._server_ahead = moment - asyncio.get_running_loop().time()
        body = reply.body
        for secret in (headers["Authorization"].removeprefix(_SCHEME), *_secrets_in(request)):
            for form in {secret, secret.replace("/", "\\/"), json.dumps(secret)[1:-1]}:
                if form.encode() in body:  # the service says it back
                    body = body.replace(form.encode(), b"***")
        return reply if body is reply.body else attrs.evolve(reply, body=body)

    async def _authorize(self) -> Mapping[str, str]:
        async with self._asking:  # many requests that begin at once ask for the token once
            if self._headers is None:
                given = self._token() if callable(self._token) else self._token
                token = clean_token(await given if inspect.isawaitable(given) else given)
                self._headers = {"Authorization": f"{_SCHEME}{token}", "Content-Type": "application/json"}
            return self._headers


def _secrets_in(request: HttpRequest) -> list[str]:
    """Give the secrets in a request's body; what is too short to be one could stand anywhere in a reply."""
    body = request.body or {}
    tokens = [part.get(_HOOK_TOKEN) for part in (body, body.get("requestBody")) if isinstance(part, Mapping)]
    return [token for token in tokens if isinstance(token, str) and len(token) >= _LEAST_SECRET]


def clean_token(token: object) -> str:
    """Repair a token: no white space round it, no leading "Bearer ".

    Raises:
        MissingTokenError: Nothing is left of it, or it cannot stand in a header.
    """
    text = token.strip() if isinstance(token, str) else ""
    text = _SCHEMES.sub("", text)
    if not text:
        raise MissingTokenError("the token is empty; give token=, or set A2E_API_KEY")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise MissingTokenError("the token must be printable ASCII without spaces")
    return text
