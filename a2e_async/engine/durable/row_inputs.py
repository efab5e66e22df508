"""What a row takes, as a start needs it again: jobs by their keys, files where they lie at the service by now."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from a2e_async.core.family import family_of
from a2e_async.core.inputs import Upload, UploadMemory
from a2e_async.engine.durable.references import FILE, JOB, TASKS, references_in
from a2e_async.engine.engine import Engine
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.options import Options
from a2e_async.errors import A2EError, InputFailedError
from a2e_async.store.entries import Entry
from a2e_async.store.ports import KeptUpload, Store

Taken: TypeAlias = list[tuple[Mapping[str, Any], Any]] | A2EError | None
"""What a row takes, each beside the reference that stands for it; an error where it cannot be had."""

_DAY = 86_400.0


class StoreUploads(UploadMemory):
    """What a store remembers of uploads, by content, for all processes and batches that share it.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def recall(self, content: str) -> Upload | None:
        """Give the upload of a content, None when there is none."""
        known = await self._store.upload(content)
        return None if known is None else Upload(known.url, known.expires or 0.0)

    async def remember(self, content: str, upload: Upload) -> None:
        """Keep an upload, in the place of an older one of the same content."""
        await self._store.keep_upload(KeptUpload(sha256=content, url=upload.url, expires=upload.expires))


class RowInputs:
    """Gives what the rows of dead processes take.

    Args:
        engine: What attaches tasks.
        uploads: Where files lie.
        job_with: Gives the job of a key, whichever process has it.
    """

    def __init__(
        self, engine: Engine, uploads: StoreUploads, job_with: Callable[[str], Awaitable[AnyJob | None]]
    ) -> None:
        self._engine = engine
        self._uploads = uploads
        self._job_with = job_with

    async def of_row(self, entry: Entry) -> Taken:
        """Give all that a row takes, or why that cannot be had; None where its start needs nothing any more."""
        if entry.task_ids or entry.state.final:
            return None
        try:
            return [(one, await self.of(one)) for one in references_in(entry)]
        except A2EError as error:
            return error

    async def of(self, reference: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a job or a URL
        """Give what a reference of a row stands for.

        Raises:
            InputFailedError: It cannot be had any more: a file was not uploaded before its process died.
        """
        (kind, value), *_ = reference.items()
        if kind == JOB and isinstance(value, str) and (job := await self._job_with(value)) is not None:
            return job
        if kind == TASKS and isinstance(value, list) and len(value) > 1:
            family, *ids = map(str, value)
            return self._engine.attach(family_of(family), ids, Options())
        known = await self._uploads.recall(str(value)) if kind == FILE else None
        if known is not None and known.expires > (self._engine.service.server_time() or time.time()) + _DAY:
            return known.url
        words = f"what it takes died with its process ({kind.partition('.')[2]}); nothing was sent, give it anew"
        raise InputFailedError(words, field="")


def among(taken: list[tuple[Mapping[str, Any], Any]], reference: Mapping[str, Any]) -> Any:  # noqa: ANN401 - an input
    """Give what stands for a reference."""
    return next(found for known, found in taken if known == reference)
