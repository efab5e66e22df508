"""Whose a batch is: the service and the account that its rows were started at, kept with the ledger.

A batch that is run with another address or account would look for its tasks where they never were, take that for
proof, and pay for them again; a rehearsal in front of a simulator would pass for real. So both are kept when the first
row is begun, the account as a keyed hash of its token and, once the service has told it, of its id: a token that was
made anew is recognised by the account's id. Neither the token nor the id can be read from the ledger.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from typing import Final

import attrs

from a2e_async.client import A2EClient
from a2e_async.core.records import Record
from a2e_async.core.urls import one_spelling
from a2e_async.errors import A2EError, LedgerError
from a2e_async.store.entries import State
from a2e_async.store.ports import Ledger

_SERVICE: Final = "service"
_TOKEN: Final = "account"  # noqa: S105 - the key under which its hash is kept
_USER: Final = "user"
_PAID: Final = frozenset({State.ACCEPTED, State.COMPLETED, State.DONE, State.FAILED})
_SHOWN = 8
_ASKED = 20  # of the ledger's newest tasks
_LISTED = 100  # records of an account's list, which is newest first


@attrs.define(eq=False)
class Owner:
    """The service and the account of a batch.

    A ledger of a version that did not know this is bound when it is opened: what its processes had sent when they died
    is looked for, and never sent again, so that it costs nobody anything.
    """

    _ledger: Ledger
    _salt: bytes
    _user: str | None

    @classmethod
    async def check(cls, ledger: Ledger, a2e: A2EClient, *, service: str | None, same_account: bool) -> Owner:
        """Make sure that the ledger is this client's, or make it so when nothing in it was begun.

        Args:
            ledger: The open ledger.
            a2e: The open client.
            service: What stands for the service; by default its address.
            same_account: Whether the caller vouches that another token is one of the same account.

        Raises:
            LedgerError: It belongs to another service or account; both are named.
        """
        salt = bytes.fromhex(await ledger.kept("salt") or "")
        here = service or one_spelling(a2e.base_url)
        token = await a2e.fingerprint(salt)
        bound = await ledger.kept(_SERVICE)
        begun = await ledger.begun() or ledger.copied
        owner = cls(ledger, salt, await ledger.kept(_USER) if begun else None)
        if not begun or bound is None:
            await owner._bind(here, token)
        elif bound != here:
            raise LedgerError(
                f"the batch in {ledger.place} was begun at {bound}, and this client talks to {here}: its tasks "
                f"are not there. Nothing was sent; use {bound}, or {_another(ledger)}"
            )
        elif not hmac.compare_digest(await ledger.kept(_TOKEN) or "", token):
            await owner._check_account(a2e, token, vouched=same_account)
        return owner

    async def learn(self, records: Sequence[Record]) -> None:
        """Keep the account's id, as soon as the service names it in a record."""
        if self._user is not None:
            return
        user = next(filter(None, map(_user_in, records)), None)
        if user is not None:
            self._user = self._hashed(user)
            await self._ledger.keep(_USER, self._user)

    async def _bind(self, service: str, token: str) -> None:
        for key, words in ((_SERVICE, service), (_TOKEN, token)):
            if await self._ledger.kept(key) != words:
                await self._ledger.keep(key, words)

    async def _check_account(self, a2e: A2EClient, token: str, *, vouched: bool) -> None:
        if not vouched and not await self._is_same_user(a2e):
            known = (await self._ledger.kept(_TOKEN) or "")[:_SHOWN]
            raise LedgerError(
                f"the batch in {self._ledger.place} was begun with a token of account {known}, and this token is "
                f"of account {token[:_SHOWN]}, as far as can be seen: its tasks are not in that account. Nothing was "
                f"sent; use the first token, or {_another(self._ledger)}. If this is another token of the same "
                "account, say so with --same-account (same_account=True)"
            )
        await self._ledger.keep(_TOKEN, token)

    async def _is_same_user(self, a2e: A2EClient) -> bool:
        """Whether this token's own list names the account's id that was kept.

        A task that is asked for by its id proves nothing: its answer names whose task it is, not who asks.
        """
        if self._user is None:
            return False
        users = [_user_in(record) async for record in _listed(a2e, await self._families())]
        told = {self._hashed(user) for user in users if user is not None}
        return told == {self._user}

    async def _families(self) -> list[str]:
        return list(dict.fromkeys(entry.family for entry in await self._ledger.in_states(_PAID, most=_ASKED)))

    def _hashed(self, user: str) -> str:
        return hmac.new(self._salt, user.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _another(ledger: Ledger) -> str:
    """Say where a batch of this address and account may lie."""
    return "another folder" if ledger.shard is None else "another store"


async def _listed(a2e: A2EClient, families: Sequence[str]) -> AsyncIterator[Record]:
    """Give the newest records of this account; a list that cannot be had is one that tells nothing."""
    for family in families:
        with contextlib.suppress(A2EError):
            async for record in a2e.records(family, limit=_LISTED):
                yield record


def _user_in(record: Record) -> str | None:
    """Give the account's id as a record names it; only some families' records do, and only when they are final."""
    user = record.raw.get("user_id") if record.raw else None
    return user if isinstance(user, str) and user else None
