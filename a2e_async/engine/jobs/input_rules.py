"""What a field takes of files, results and jobs, told before anything is sent or paid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import attrs

from a2e_async.core.family import Family, family_of
from a2e_async.core.fields import Field
from a2e_async.core.inputs import FaultError, Made, Pending, output_of, short_name, words_of
from a2e_async.core.media_kinds import one_of
from a2e_async.core.plans import kinds_made
from a2e_async.core.records import Record, Result
from a2e_async.core.shapes import Shape, kinds_of
from a2e_async.engine.jobs.kept import AnyJob, KeptJob
from a2e_async.engine.jobs.waiting import check_loop
from a2e_async.errors import InvalidRequestError


class HeldFile(Protocol):
    """A file that can be read later."""

    name: str


class KnownFile(Protocol):
    """A file whose facts are known."""

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def suffix(self) -> str:
        """The suffix of its URL."""
        ...

    @property
    def medium(self) -> str:
        """What it shows: "image", "video" or "audio"."""
        ...


@attrs.define(eq=False)
class InputFile:
    """A file of a start: its place in the request, when it was given, and what is known of it by now."""

    field: Field
    place: str
    held: HeldFile
    since: float = math.inf
    known: Any = None
    url: str = ""


def places(field: Field, value: Any) -> Iterator[tuple[Field, str, Any]]:  # noqa: ANN401 - whatever the field holds
    """Give each input in a value, with the field as it is there, and the words that say where it stands.

    They come in the order in which `core.inputs.replaced` meets them, for their URLs are put in their places by it.
    """
    yield from _inside(field, field.rule, field.name, value)


def _inside(field: Field, rule: Any, place: str, value: Any) -> Iterator[tuple[Field, str, Any]]:  # noqa: ANN401 - likewise
    if isinstance(value, str | int | float | None):
        return
    if isinstance(value, list | tuple):
        for number, one in enumerate(value, 1):
            yield from _inside(field, rule, f"{place}: item {number}", one)
    elif isinstance(value, Mapping):
        kinds = kinds_of(rule, value)
        there = field if kinds is None else attrs.evolve(field, media=kinds)
        inner = {**rule.needed, **rule.known} if isinstance(rule, Shape) else {}
        for name, held in value.items():
            yield from _inside(there, inner.get(name), f"{place}: {name}", held)
    else:
        yield field, place, value


def refusal(field: Field, place: str, rule: str, instead: str) -> InvalidRequestError:
    """Build the error for an input that its field cannot take."""
    return InvalidRequestError(f"{place}: {rule}, not {instead}", field=field.name, rule=rule)


def fault_of(file: InputFile, fault: FaultError) -> InvalidRequestError:
    """Build the error for a fault of a file."""
    return refusal(file.field, file.place, fault.rule, _named(file, fault.instead))


def _named(file: InputFile, instead: str) -> str:
    return f"{instead} ({short_name(file.held.name)})"


def check_file(file: InputFile) -> None:
    """Refuse a file that its field cannot take."""
    field, known = file.field, file.known
    if known.medium not in field.media:
        raise refusal(field, file.place, f"must be {one_of(field.media)}", _named(file, f"a file of {known.kind}"))
    if field.largest is not None and known.size > field.largest:
        rule = f"must have at most {field.largest >> 20} MiB"
        raise refusal(field, file.place, rule, _named(file, f"{known.size:,} bytes"))
    if field.rule.suffixes and known.suffix not in field.rule.suffixes:
        rule = f"must be a file whose name ends in {', '.join(field.rule.suffixes)}"
        raise refusal(field, file.place, rule, _named(file, f"one of {known.kind}"))


def check_made(field: Field, place: str, value: Made) -> None:
    """Refuse a result without an output, and one of another kind than the field takes."""
    if not output_of(value):
        raise refusal(field, place, "must have an output", words_of(value))
    records = value.records if isinstance(value, Result) else (value,)
    known = next((record.family for record in records if isinstance(record, Record) and record.family), "")
    if known:
        _check_makes(field, place, family_of(known))


def check_job(field: Field, place: str, job: AnyJob) -> None:
    """Refuse a job of another event loop, and one that makes what the field cannot take."""
    check_loop(job._loop)  # noqa: SLF001 - of this room
    _check_makes(field, place, job.family)


def _check_makes(field: Field, place: str, family: Family) -> None:
    """Refuse what a family makes that the field cannot take; one that gives back what it was given makes either."""
    if family.makes == "record":
        raise refusal(field, place, f"must be {one_of(field.media)}", f"what {family.name} makes, which is no file")
    if not kinds_made(family.makes, family.request) & set(field.media):
        raise refusal(field, place, f"must be {one_of(field.media)}", f"the {family.makes} that {family.name} makes")


def job_of(value: Pending) -> AnyJob:
    """Give the job that an input is."""
    job = value._awaited()  # noqa: SLF001 - of this package
    assert isinstance(job, KeptJob)  # noqa: S101 - nothing else is pending
    return job
