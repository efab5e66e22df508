"""What anybody may know of a job by its key, from whatever process it was started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from a2e_async.core.family import Request
from a2e_async.core.records import Plain, Result
from a2e_async.errors import A2EError


@attrs.frozen(kw_only=True)
class StoredJob(Plain):
    """A job as the store has it at one moment; given by `a2e.find_job(key)`.

    Attributes:
        key: Its key.
        state: How far it has come, a `State` of the store: "planned", "intended" (about to be sent), "accepted" (it
            runs), "done", "failed", "refused", "unknown" (its start may have been taken) or "expired".
        final: Whether it has ended, in whatever way.
        family: The name of its family.
        request: What it starts; None where this version cannot make it again.
        fields: The request's fields as plain JSON, without secrets.
        task_ids: Its tasks, () before the service has taken it.
        tag: The mark in their names, None before it was about to be sent.
        coins: What the service charged, None when it is not known.
        urls: What it has made, in order; the URLs expire after about three days.
        error: How it failed, None otherwise.
        result: Its result, None before it is done and in a list of all jobs.
    """

    key: str
    state: str
    final: bool
    family: str
    request: Request[Result] | None = attrs.field(repr=False)
    fields: Mapping[str, Any] = attrs.field(repr=False)
    task_ids: tuple[str, ...] = ()
    tag: str | None = None
    coins: float | None = None
    urls: tuple[str, ...] = attrs.field(default=(), repr=False)
    error: A2EError | None = None
    result: Result | None = attrs.field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Give what is known as plain JSON values, without secrets."""
        told = None if self.error is None else {"kind": type(self.error).__name__, "message": self.error.message}
        return {
            "key": self.key,
            "state": str(self.state),
            "family": self.family,
            "request": dict(self.fields),
            "task_ids": list(self.task_ids),
            "tag": self.tag,
            "coins": self.coins,
            "urls": list(self.urls),
            "error": told,
        }
