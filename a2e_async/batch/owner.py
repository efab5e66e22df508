"""Whose a batch is, kept with its ledger: see `engine.durable.owner`, which decides.

What is of a batch alone: it keeps the account's id, hashed, as soon as the service has told it, for the records of its
rows are not kept. Neither the token nor the id can be read from the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import attrs

from a2e_async.client import A2EClient
from a2e_async.core.records import Record
from a2e_async.core.urls import one_spelling
from a2e_async.engine.durable.owner import Claim, check_claim, users_in, users_of
from a2e_async.store.entries import State
from a2e_async.store.ports import Ledger

_USER: Final = "user"
_PAID: Final = frozenset({State.ACCEPTED, State.COMPLETED, State.DONE, State.FAILED})
_ASKED = 20  # of the ledger's newest tasks
_HINT = ". If this is another token of the same account, say so with --same-account (same_account=True)"


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
        begun = await ledger.begun() or ledger.copied
        salt = bytes.fromhex(await ledger.kept("salt") or "")
        owner = cls(ledger, salt, await ledger.kept(_USER) if begun else None)
        claim = Claim(
            what="the batch",
            began="was begun",
            instead="another folder" if ledger.shard is None else "another store",
            service=service or one_spelling(a2e.base_url),
            begun=begun,
            vouched=same_account,
            hint=_HINT,
        )
        await check_claim(ledger, a2e, claim, lambda: owner._is_same_user(a2e))
        return owner

    async def learn(self, records: Sequence[Record]) -> None:
        """Keep the account's id, as soon as the service names it in a record."""
        if self._user is None and (users := users_in(record.raw or {} for record in records)):
            self._user = self._hashed(min(users))
            await self._ledger.keep(_USER, self._user)

    async def _is_same_user(self, a2e: A2EClient) -> bool:
        """Whether this token's own list names the account's id that was kept."""
        if self._user is None:
            return False
        families = dict.fromkeys(entry.family for entry in await self._ledger.in_states(_PAID, most=_ASKED))
        return set(map(self._hashed, await users_of(a2e, families))) == {self._user}

    def _hashed(self, user: str) -> str:
        return hmac.new(self._salt, user.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
