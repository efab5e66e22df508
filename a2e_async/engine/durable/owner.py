"""Whose a store is: the service and the account at which its jobs were started, kept when the first one is begun.

A client of another address or account would look for tasks where they never were, take that for proof, and pay for
them again; a rehearsal in front of a simulator would pass for real. The account is kept as a keyed hash of its token,
from which it cannot be read; another token of the same account is recognised by the account's id in finished records.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from a2e_async.core.family import family_of
from a2e_async.core.records import Record
from a2e_async.core.urls import one_spelling
from a2e_async.engine.engine import Engine
from a2e_async.errors import A2EError, LedgerError
from a2e_async.store.entries import State
from a2e_async.store.ports import JOBS, Store

_SERVICE: Final = "service"
_TOKEN: Final = "account"  # noqa: S105 - the key under which its hash is kept
_SHOWN = 8
_ASKED = 20
_LISTED = 100


async def check_owner(store: Store, engine: Engine, base_url: str) -> None:
    """Make sure that a store is this client's, or make it so when nothing in it was begun.

    Raises:
        LedgerError: It belongs to another service or account; both are named.
    """
    token = await engine.service.fingerprint(bytes.fromhex(await store.kept("salt") or ""))
    here, bound, known = one_spelling(base_url), await store.kept(_SERVICE), await store.kept(_TOKEN) or ""
    if bound is None or not await store.begun():
        await store.keep(_SERVICE, here)
        await store.keep(_TOKEN, token)
    elif bound != here:
        raise LedgerError(
            f"the jobs in {store.place} were started at {bound}, and this client talks to {here}: its tasks are not "
            f"there. Nothing was sent; use {bound}, or another store"
        )
    elif hmac.compare_digest(known, token):
        return
    elif await _is_same_user(store, engine):
        await store.keep(_TOKEN, token)  # the account has a new token
    else:
        raise LedgerError(
            f"the jobs in {store.place} were started with a token of account {known[:_SHOWN]}, and this token is of "
            f"account {token[:_SHOWN]}: its tasks are not in that account. Nothing was sent; use the first token, or "
            "another store"
        )


async def _is_same_user(store: Store, engine: Engine) -> bool:
    """Whether this token's own list names the account whose id stands in the records of the store's jobs.

    A task that is asked for by its id proves nothing: its answer names whose task it is, not who asks.
    """
    families, users, left = set[str](), set[str](), _ASKED
    async for entry in store.entries(JOBS, states=(State.DONE, State.FAILED)):
        whole = await store.find(entry.id)  # a list of rows comes without their records
        families.add(entry.family)
        users.update(_users_in(whole.records if whole else ()))
        left -= 1
        if not left:
            break
    told = set[str]()
    for family in families:
        with contextlib.suppress(A2EError):  # a list that cannot be had is one that tells nothing
            async for record in _first(engine.tasks.records(family_of(family)), _LISTED):
                told.update(_users_in([record.raw or {}]))
    return bool(users) and told == users


async def _first(source: AsyncIterator[Record], most: int) -> AsyncIterator[Record]:
    """Give the first of what comes."""
    async for one in source:
        yield one
        most -= 1
        if most == 0:
            return


def _users_in(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    return {user for row in rows if isinstance(user := row.get("user_id"), str) and user}
