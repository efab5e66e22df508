"""The URLs of what rows have made, for the rows that take them."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Sequence

import attrs

from a2e_async.batch.inputs import OutputOf
from a2e_async.batch.rows import Row, RowError
from a2e_async.client import A2EClient
from a2e_async.engine.http.moment import Moment
from a2e_async.errors import DownloadError, NotFoundError

_MOST = 10_000
_SECONDS = 24 * 3600.0  # after which a URL is asked for anew: it lives for about three days


@attrs.frozen
class RowSource:
    """A row whose output another one takes: its id, its family and the ids of its tasks."""

    row_id: str
    family: str
    task_ids: tuple[str, ...]


def tasks_asked(row: Row) -> int:
    """Give how many tasks a row asks for; one that was accepted is watched whatever this version says of its fields."""
    with contextlib.suppress(Exception):
        return row.family.tasks_asked(row.request())
    return 1


class Outputs:
    """Keeps the newest URLs, and asks for those of earlier runs.

    Args:
        a2e: The open client.
    """

    def __init__(self, a2e: A2EClient) -> None:
        self._a2e = a2e
        self._known: OrderedDict[str, tuple[tuple[str, ...], Moment]] = OrderedDict()

    async def of(self, source: RowSource | None, wanted: OutputOf) -> str:
        """Give a URL of an output of a row; an old one, or that of an earlier run, is asked for anew.

        Args:
            source: The row; None when it is not done.
            wanted: Which of its outputs.

        Raises:
            DownloadError: It is not done, or the service has it no more.
            RowError: It has made fewer outputs.
        """
        if source is None:
            raise DownloadError(f"its source {wanted.row_id} is not there")
        urls, since = self._known.get(source.row_id, ((), None))
        if since is None or since.longest_passed() >= _SECONDS:
            urls = await self._ask(source)
        if wanted.number > len(urls):
            made = f"{len(urls)} output{'s' if len(urls) > 1 else ''}"
            raise RowError(f"its source {source.row_id} has made {made}, so there is no {wanted}")
        return urls[wanted.number - 1]

    def keep(self, row_id: str, urls: Sequence[str]) -> None:
        """Keep the URLs of a row's outputs."""
        self._known[row_id] = (tuple(urls), Moment.now())
        if len(self._known) > _MOST:
            self._known.popitem(last=False)

    async def _ask(self, source: RowSource) -> tuple[str, ...]:
        again = f"redo {source.row_id} makes it again"
        try:
            records = [await self._a2e.record(source.family, task_id) for task_id in source.task_ids]
        except NotFoundError as error:
            raise DownloadError(f"the service has the output of row {source.row_id} no more: {again}") from error
        urls = tuple(url for record in records for url in record.urls)
        if not urls:
            raise DownloadError(f"the task of row {source.row_id} names no output: {again}")
        self.keep(source.row_id, urls)
        return urls
