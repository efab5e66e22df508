"""The URLs of images that rows have made, for the rows that take them."""

from __future__ import annotations

import time
from collections import OrderedDict

import attrs

from a2e_async.client import A2EClient
from a2e_async.errors import DownloadError, NotFoundError

_MOST = 10_000
_SECONDS = 24 * 3600.0  # after which a URL is asked for anew: it lives for about three days


@attrs.frozen
class ImageSource:
    """A row whose image another one takes: its id, its family and the id of its first task."""

    row_id: str
    family: str
    task_id: str


class Images:
    """Keeps the newest URLs, and asks for those of earlier runs.

    Args:
        a2e: The open client.
    """

    def __init__(self, a2e: A2EClient) -> None:
        self._a2e = a2e
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def of(self, source: ImageSource | None, row_id: str | None) -> str:
        """Give a URL of the first output of a row; an old one, or that of an earlier run, is asked for anew.

        Args:
            source: The row; None when it is not done.
            row_id: Its id.

        Raises:
            DownloadError: It is not done, or the service has it no more.
        """
        if source is None:
            raise DownloadError(f"its source {row_id} is not there")
        url, since = self._known.get(source.row_id, ("", 0.0))
        return url if url and 0 <= time.time() - since < _SECONDS else await self._ask(source)

    def keep(self, row_id: str, url: str) -> None:
        """Keep the URL of a row's first output."""
        self._known[row_id] = (url, time.time())
        if len(self._known) > _MOST:
            self._known.popitem(last=False)

    async def _ask(self, source: ImageSource) -> str:
        again = f"redo {source.row_id} makes it again"
        try:
            record = await self._a2e.record(source.family, source.task_id)
        except NotFoundError as error:
            raise DownloadError(f"the service has the image of row {source.row_id} no more: {again}") from error
        if not record.urls:
            raise DownloadError(f"the task of row {source.row_id} names no image: {again}")
        self.keep(source.row_id, record.urls[0])
        return record.urls[0]
