"""Whose jobs or rows are: the service and the account at which they were started, kept when the first one is begun.

A client of another address or account would look for tasks where they never were, take that for proof, and pay for
them again; a rehearsal in front of a simulator would pass for real. The account is kept as a keyed hash of its token,
from which it cannot be read; another token of the same account is recognised by the account's id, which its own list
of finished records names. A store is asked about here, and so is the ledger of a batch.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import attrs

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
_LISTED = 100  # records of an account's list, which is newest first


class Kept(Protocol):
    """Where words are kept beside jobs: a store, or a ledger."""

    @property
    def place(self) -> str:
        """Its address."""
        ...

    async def kept(self, key: str) -> str | None:
        """Give what is kept under a key."""
        ...

    async def keep(self, key: str, words: str) -> None:
        """Keep some words."""
        ...


class AccountAsker(Protocol):
    """Who talks to the service: a client."""

    async def fingerprint(self, salt: bytes, /) -> str:
        """Give a keyed hash of its token."""
        ...

    def records(self, family: str, /, *, limit: int | None = None) -> AsyncIterator[Record]:
        """Give the newest records of its account."""
        ...


@attrs.frozen(kw_only=True)
class Claim:
    """A client that wants to go on with what lies in a place.

    Attributes:
        what: What lies there, such as "the jobs".
        began: How it began, such as "were started".
        instead: What may be used instead, such as "another store".
        service: The address it talks to.
        begun: Whether anything there was begun.
        vouched: Whether its caller vouches that another token is one of the same account.
        hint: Told beside a refusal of an account.
    """

    what: str
    began: str
    instead: str
    service: str
    begun: bool
    vouched: bool = False
    hint: str = ""


async def check_claim(
    place: Kept, asker: AccountAsker, claim: Claim, is_same_user: Callable[[], Awaitable[bool]]
) -> None:
    """Make sure that what lies in a place is a client's, or make it so when nothing in it was begun.

    Args:
        place: Where it lies.
        asker: The client.
        claim: What it says of itself.
        is_same_user: Whether its token is one of the account by what the account's own list says.

    Raises:
        LedgerError: It belongs to another service or account; both are named.
    """
    token = await asker.fingerprint(bytes.fromhex(await place.kept("salt") or ""))
    bound, known = await place.kept(_SERVICE), await place.kept(_TOKEN) or ""
    there = f"{claim.what} in {place.place} {claim.began}"
    if bound is None or not claim.begun:
        for key, words in ((_SERVICE, claim.service), (_TOKEN, token)):
            if await place.kept(key) != words:
                await place.keep(key, words)
    elif bound != claim.service:
        raise LedgerError(
            f"{there} at {bound}, and this client talks to {claim.service}: its tasks are not there. Nothing was sent; "
            f"use {bound}, or {claim.instead}"
        )
    elif hmac.compare_digest(known, token):
        return
    elif claim.vouched or await is_same_user():
        await place.keep(_TOKEN, token)  # the account has a new token
    else:
        raise LedgerError(
            f"{there} with a token of account {known[:_SHOWN]}, and this token is of account {token[:_SHOWN]}, as far "
            "as can be seen: its tasks are not in that account. Nothing was sent; use the first token, or "
            f"{claim.instead}{claim.hint}"
        )


async def users_of(asker: AccountAsker, families: Iterable[str]) -> set[str]:
    """Give the ids of the account that its own lists name; a list that cannot be had is one that tells nothing.

    A task that is asked for by its id proves nothing: its answer names whose task it is, not who asks.
    """
    told = set[str]()
    for family in families:
        with contextlib.suppress(A2EError):
            async for record in asker.records(family, limit=_LISTED):
                told.update(users_in([record.raw or {}]))
    return told


def users_in(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Give the account's ids in records; only some families' name it, and only when they are final."""
    return {user for row in rows if isinstance(user := row.get("user_id"), str) and user}


async def check_owner(store: Store, engine: Engine, base_url: str) -> None:
    """Make sure that a store is this client's, or make it so when nothing in it was begun.

    Raises:
        LedgerError: It belongs to another service or account; both are named.
    """
    here, begun, asker = one_spelling(base_url), await store.begun(), _EngineAsker(engine)
    claim = Claim(what="the jobs", began="were started", instead="another store", service=here, begun=begun)
    await check_claim(store, asker, claim, lambda: _is_same_user(store, asker))


@attrs.frozen
class _EngineAsker:
    """An engine, as a client asks."""

    _engine: Engine

    async def fingerprint(self, salt: bytes, /) -> str:
        """Give a keyed hash of the token."""
        return await self._engine.service.fingerprint(salt)

    async def records(self, family: str, /, *, limit: int | None = None) -> AsyncIterator[Record]:
        """Give the newest records of the account."""
        left = limit or _LISTED
        async for record in self._engine.tasks.records(family_of(family)):
            yield record
            left -= 1
            if left == 0:
                return


async def _is_same_user(store: Store, asker: AccountAsker) -> bool:
    """Whether this token's own list names the account whose id stands in the records of the store's jobs."""
    families, users, left = set[str](), set[str](), _ASKED
    async for entry in store.entries(JOBS, states=(State.DONE, State.FAILED)):
        whole = await store.find(entry.id)  # a list of rows comes without their records
        families.add(entry.family)
        users |= users_in(whole.records if whole else ())
        left -= 1
        if not left:
            break
    return bool(users) and await users_of(asker, families) == users
