"""What a row keeps of a job, as plain JSON: its request, its options, how it ended; and what is made of that again.

What a task has made is read again by the same `core/wire.py` that has read it from the service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from a2e_async import errors
from a2e_async.core import wire
from a2e_async.core.family import Family, Request, family_of
from a2e_async.core.records import Record, Result
from a2e_async.core.requests import fields_of
from a2e_async.engine.durable.references import as_json
from a2e_async.engine.jobs.live import failure_of
from a2e_async.engine.jobs.options import DEFAULT, Options
from a2e_async.errors import A2EError, JobFailedError, UsageError
from a2e_async.store.entries import Entry, State

OPTIONS: Final = "a2e.options"
"""Where the options of a job stand among the fields of its row; no field of a request has a dot in its name."""

_ERROR: Final = "a2e.error"
_TIMEOUT, _NEVER = "timeout", "never"
_CHOSEN: Final = ("on_unknown", "tagging", "price")
_SCALARS = (str, int, float, bool, type(None))
_NOT_KEPT = frozenset({"message", "request", "task_ids", "tag", "family"})


def fields_in(request: Request[Result]) -> dict[str, Any]:
    """Give the fields of a request that are given, as a row keeps them."""
    held = {field.name: getattr(request, field.name) for field in fields_of(type(request))}
    found = {name: as_json(value) for name, value in held.items() if value is not None}
    if request.extra:
        found["extra"] = as_json(request.extra)
    return found


def options_in(options: Options, tag: str | None) -> dict[str, Any]:
    """Give what was chosen for a start, as a row keeps it: what another process needs to start it the same way."""
    usual = Options()
    kept = {name: getattr(options, name) for name in _CHOSEN if getattr(options, name) != getattr(usual, name)}
    if options.timeout is not DEFAULT:
        kept[_TIMEOUT] = _NEVER if options.timeout is None else options.timeout
    return kept | ({"tag": tag} if tag is not None else {})


def options_of(entry: Entry) -> tuple[Options, str | None]:
    """Give the options of a row's job, and the tag that its caller chose.

    Raises:
        UsageError: They were not written by this program.
    """
    kept = entry.fields.get(OPTIONS) or {}
    if not isinstance(kept, Mapping):
        raise UsageError(f"key {entry.id}: the options in the store are no object")
    given = {name: kept[name] for name in _CHOSEN if name in kept}
    if _TIMEOUT in kept:
        given[_TIMEOUT] = None if kept[_TIMEOUT] == _NEVER else kept[_TIMEOUT]
    tag = kept.get("tag")
    return attrs.evolve(Options(), **given), tag if isinstance(tag, str) else None


def intent_of(entry: Entry) -> dict[str, Any]:
    """Give what a row starts: its family and fields, without how."""
    return {"family": entry.family, **{name: held for name, held in entry.fields.items() if name != OPTIONS}}


def is_same(entry: Entry, other: Entry) -> bool:
    """Whether two rows are the same intent; how each is watched says nothing."""
    one, two = intent_of(entry), intent_of(other)
    return one == two or json.loads(json.dumps(one)) == json.loads(json.dumps(two))


# How a job has ended.


def records_in(records: Sequence[Record]) -> list[Mapping[str, Any]]:
    """Give final records as a row keeps them: as the service gave them."""
    return [dict(record.raw) or record.to_dict() for record in records]


def words_of(error: BaseException) -> str:
    """Give the kind of an error and its words, as people read them beside a row."""
    return f"{type(error).__name__}: {getattr(error, 'message', '') or error}"


def error_in(error: BaseException) -> list[Mapping[str, Any]]:
    """Give what an error is made of again, where no record tells it."""
    facts = {name: held for name, held in vars(error).items() if isinstance(held, _SCALARS) and name not in _NOT_KEPT}
    message = str(getattr(error, "message", "")) or str(error)
    return [{_ERROR: {"kind": type(error).__name__, "message": message, "facts": facts}}]


def kind_of(entry: Entry) -> str:
    """Give the kind of error with which a row ended, "" where it has none."""
    return next((str(_told(one).get("kind", "")) for one in entry.records if _ERROR in one), "")


def outcome_of(entry: Entry) -> tuple[Result | None, A2EError | None]:
    """Give the result with which a row ended, or its error."""
    family = known_family(entry)
    records = () if family is None else tuple(_records_of(family, entry))
    if entry.state in (State.COMPLETED, State.DONE):
        return Result(records), None
    told = next((_told(one) for one in entry.records if _ERROR in one), None)
    if told is None and family is not None and records:
        failed: A2EError = failure_of(family, records)
    elif told is None:  # of a row that came in a list, without its records
        kind, _, message = entry.error.partition(": ")
        known = entry.state is not State.FAILED and isinstance(getattr(errors, kind, None), type)
        words = entry.error or "it ended without a word"
        failed = _made({"kind": kind, "message": message}) if known else JobFailedError(words)
    else:
        failed = _made(told)
    return None, failed.about(None, entry.task_ids, entry.tag, entry.family)


def known_family(entry: Entry) -> Family | None:
    """Give a row's family, None where this version has none of that name."""
    try:
        return family_of(entry.family)
    except UsageError:
        return None


def _told(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found = record[_ERROR]
    return found if isinstance(found, Mapping) else {}


def _records_of(family: Family, entry: Entry) -> list[Record]:
    return [wire.record(family, row) for row in entry.records if _ERROR not in row]


def _made(told: Mapping[str, Any]) -> A2EError:
    """Make an error of this package again; a kind that this version does not have is the base of all of them."""
    kind = getattr(errors, str(told.get("kind")), None)
    facts = told.get("facts")
    message = str(told.get("message", ""))
    if isinstance(kind, type) and issubclass(kind, A2EError):
        return kind(message, **(facts if isinstance(facts, Mapping) else {}))
    return A2EError(message)
