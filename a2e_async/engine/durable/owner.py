"""Whose a store is: the service and the account at which its jobs were started, kept when the first one is begun.

A client of another address or account would look for tasks where they never were, take that for proof, and pay for
them again; a rehearsal in front of a simulator would pass for real. The account is kept as a keyed hash of its token,
from which it cannot be read.
"""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from a2e_async.engine.engine import Engine
from a2e_async.errors import LedgerError
from a2e_async.store.ports import Store

_SERVICE: Final = "service"
_TOKEN: Final = "account"  # noqa: S105 - the key under which its hash is kept
_SHOWN = 8


async def check_owner(store: Store, engine: Engine, base_url: str) -> None:
    """Make sure that a store is this client's, or make it so when nothing in it was begun.

    Raises:
        LedgerError: It belongs to another service or account; both are named.
    """
    token = await engine.service.fingerprint(bytes.fromhex(await store.kept("salt") or ""))
    here, bound, known = _address(base_url), await store.kept(_SERVICE), await store.kept(_TOKEN) or ""
    if bound is None or not await store.begun():
        await store.keep(_SERVICE, here)
        await store.keep(_TOKEN, token)
    elif bound != here:
        raise LedgerError(
            f"the jobs in {store.place} were started at {bound}, and this client talks to {here}: its tasks are not "
            f"there. Nothing was sent; use {bound}, or another store"
        )
    elif not hmac.compare_digest(known, token):
        raise LedgerError(
            f"the jobs in {store.place} were started with a token of account {known[:_SHOWN]}, and this token is of "
            f"account {token[:_SHOWN]}: its tasks are not in that account. Nothing was sent; use the first token, or "
            "another store"
        )


def _address(url: str) -> str:
    """Give an address in one spelling: capitals, the usual port and a slash at its end say nothing."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"
