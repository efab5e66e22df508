"""The URLs of all that a row takes: what other rows have made, and its files once they are uploaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from a2e_async.batch.budget import BatchBudget
from a2e_async.batch.inputs import FileInput, Input, OutputOf
from a2e_async.batch.outputs import Outputs, RowSource
from a2e_async.batch.rows import Row
from a2e_async.batch.uploads import BatchUploads
from a2e_async.client import A2EClient
from a2e_async.errors import UsageError
from a2e_async.store.ports import Ledger

Sources = Mapping[str, RowSource | None]
"""Rows whose outputs another one takes, by id; None for one that is not done."""


class InputUrls:
    """Gives the URLs of what rows take.

    Args:
        a2e: The open client.
        ledger: Where the URLs of uploads are kept.
        budget: What pays for uploads.
    """

    def __init__(self, a2e: A2EClient, ledger: Ledger, budget: BatchBudget) -> None:
        self._outputs = Outputs(a2e)
        self._uploads = BatchUploads(a2e, ledger, budget)

    async def of(self, row: Row, sources: Sources) -> dict[Input, str]:
        """Give the URL of each thing that a row takes; other rows' outputs first, for uploads may be charged.

        Raises:
            A2EError: One of them cannot be had.
        """
        fields = {one: name for name, one in reversed(row.inputs())}  # the first of each
        taken = list(dict.fromkeys(one for _field, one in row.inputs()))
        urls: dict[Input, str] = {}
        for one in taken:
            if isinstance(one, OutputOf):
                urls[one] = await self._outputs.of(sources.get(one.row_id), one)
        for one in taken:
            if isinstance(one, FileInput):
                try:
                    urls[one] = await self._uploads.url(one)
                except UsageError as error:
                    raise UsageError(f"{fields[one]}: {error.message.removeprefix('upload: ')}") from error
        return urls

    def keep(self, row_id: str, urls: Sequence[str]) -> None:
        """Keep the URLs of what a row has made."""
        self._outputs.keep(row_id, urls)

    async def aclose(self) -> None:
        """Let go of what is still being uploaded."""
        await self._uploads.aclose()
