"""From a row back to what it was made of: its request, its job, and what anybody may know of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from a2e_async.core.family import Request
from a2e_async.core.inputs import Unavailable, UploadMemory
from a2e_async.core.records import Result
from a2e_async.core.rules import kind_of
from a2e_async.core.secrets import is_secret
from a2e_async.engine.durable import kept
from a2e_async.engine.durable.journal import JobJournal
from a2e_async.engine.durable.references import with_inputs
from a2e_async.engine.engine import Engine
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.engine.jobs.options import Options
from a2e_async.engine.jobs.stored import StoredJob
from a2e_async.errors import A2EError, InvalidRequestError
from a2e_async.store.entries import Entry, tag_of

_log = logging.getLogger("a2e_async")

_NO_FIELD = frozenset({"family", "extra"})


LONGEST_KEY: Final = 100


def check_key(key: object) -> str:
    """Give back a key that a caller may give.

    Raises:
        InvalidRequestError: It is no printable text of 1 to 100 characters.
    """
    if not isinstance(key, str) or not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
        rule = f"must be printable text of 1 to {LONGEST_KEY} characters"
        raise InvalidRequestError(f"key: {rule}, not {kind_of(key)}", field="key", rule=rule)
    return key


def request_of(entry: Entry, inputs: Callable[[Mapping[str, Any]], Any]) -> Request[Result] | None:
    """Make the request of a row again; None where this version cannot.

    Args:
        entry: The row.
        inputs: Gives what stands in the place of a reference.
    """
    family = kept.known_family(entry)
    if family is None:
        return None
    try:
        return family.request(**with_inputs(entry, inputs))
    except (A2EError, TypeError) as error:
        _log.warning("the request of key %s cannot be made by this version: %s", entry.id, type(error).__name__)
        return None


def in_words(reference: Mapping[str, Any]) -> Unavailable:
    """Give words for a job or a file, for a request that is only shown."""
    name, value = next(iter(reference.items()))
    return Unavailable(f"{name.removeprefix('a2e.')} {value}")


def tag_for(batch_id: str, key: str, attempt: int, options: Options) -> str | None:
    """Give the tag of an attempt, which is the same in every process: nobody can start it under two."""
    return tag_of(batch_id, key, attempt) if options.tagging else None


def job_of(
    engine: Engine,
    entry: Entry,
    batch_id: str,
    request: Request[Result] | None,
    uploads: UploadMemory,
    *,
    lacks_inputs: bool,
) -> AnyJob | None:
    """Make a job for a row that has none here, of its request; None where this version cannot."""
    family = kept.known_family(entry)
    if family is None or (request is None and not entry.task_ids):
        return None
    options, chosen = kept.options_of(entry)
    journal = JobJournal(entry.id, engine.service.server_time)
    tag = entry.tag or chosen or tag_for(batch_id, entry.id, entry.attempt, options)
    given, to_send = attrs.evolve(options, journal=journal, uploads=uploads), not (entry.task_ids or lacks_inputs)
    job: AnyJob = engine.take_in(family, request, given, tag, to_send=to_send)
    job.on_end(engine.live.seen)  # nobody has asked for it here, and how it failed stands in the store
    return job


def stored(entry: Entry) -> StoredJob:
    """Give what a row says of its job."""
    result, error = kept.outcome_of(entry) if entry.state.final else (None, None)
    intent = kept.intent_of(entry)
    return StoredJob(
        key=entry.key or entry.id,
        state=entry.state,
        final=entry.state.final,
        family=entry.family,
        request=request_of(entry, in_words),
        fields={name: held for name, held in intent.items() if name not in _NO_FIELD and not is_secret(name)},
        task_ids=entry.task_ids,
        tag=entry.tag,
        coins=entry.coins,
        urls=entry.urls,
        error=error,
        result=result if entry.records else None,
    )
