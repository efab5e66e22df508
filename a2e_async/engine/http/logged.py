"""Each request in a line of the log: what was asked, what came back, how long it took, and the service's name for it.

The trace id is what the service's people ask for first. Paths are logged, bodies, queries and headers never: they hold
prompts, links that are signed, and the token.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping

from a2e_async.core.http import HttpReply, HttpRequest, Transport
from a2e_async.errors import A2EError

log = logging.getLogger("a2e_async.http")

_TRACE = re.compile(rb'"trace_?id"\s*:\s*"([\w.:-]{1,100})"', re.IGNORECASE)


async def send(transport: Transport, request: HttpRequest, headers: Mapping[str, str]) -> HttpReply:
    """Send one request; see `Transport`. Nothing is read or measured while nobody listens."""
    if not log.isEnabledFor(logging.DEBUG):
        return await transport.send(request, headers)
    begun = asyncio.get_running_loop().time()
    try:
        reply = await transport.send(request, headers)
    except A2EError as error:
        log.debug("%s %s: no answer after %d ms: %s", request.method, request.path, _since(begun), error)
        raise
    found = _TRACE.search(reply.body)
    trace = f", trace {found[1].decode()}" if found else ""
    log.debug("%s %s: %d in %d ms%s", request.method, request.path, reply.status, _since(begun), trace)
    return reply


def tell_retry(error: A2EError, wait: float, failures: int, attempts: int) -> None:
    """Log that a request that failed is sent again."""
    log.info("sent again in %.1f s (%d of %d): %s", wait, failures + 1, attempts, error)


def _since(begun: float) -> int:
    return round((asyncio.get_running_loop().time() - begun) * 1000)
