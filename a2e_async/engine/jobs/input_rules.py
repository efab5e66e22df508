"""What a field takes of files, results and jobs, told before anything is sent or paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import attrs

from a2e_async.core.family import Family, family_of
from a2e_async.core.fields import Field
from a2e_async.core.inputs import FaultError, Made, Pending, output_of, words_of
from a2e_async.core.plans import each_input, fields_of
from a2e_async.core.records import Record, Result
from a2e_async.engine.jobs.kept import AnyJob, KeptJob
from a2e_async.engine.jobs.waiting import check_loop
from a2e_async.errors import InvalidRequestError

_ONE = {"image": "an image", "video": "a video", "audio": "audio"}


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
    """A file of a start: its place in the request, and what is known of it by now."""

    field: Field
    place: str
    held: HeldFile
    known: Any = None
    url: str = ""


def places(field: Field, value: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401 - whatever the field holds
    """Give each input in a value, with the words that say where it stands."""
    found = each_input(value)
    many = isinstance(value, list | tuple)
    items = [number for number, one in enumerate(value, 1) for _input in each_input(one)] if many else []
    for place, one in enumerate(found):
        yield (f"{field.name}: item {items[place]}" if many else field.name), one


def refusal(field: Field, place: str, rule: str, instead: str) -> InvalidRequestError:
    """Build the error for an input that its field cannot take."""
    return InvalidRequestError(f"{place}: {rule}, not {instead}", field=field.name, rule=rule)


def fault_of(file: InputFile, fault: FaultError) -> InvalidRequestError:
    """Build the error for a fault of a file."""
    return refusal(file.field, file.place, fault.rule, _named(file, fault.instead))


def _named(file: InputFile, instead: str) -> str:
    return f"{instead} ({file.held.name})"


def check_file(file: InputFile) -> None:
    """Refuse a file that its field cannot take."""
    field, known = file.field, file.known
    if known.medium not in field.media:
        raise refusal(field, file.place, f"must be {_one_of(field.media)}", _named(file, f"a file of {known.kind}"))
    if field.largest is not None and known.size > field.largest:
        rule = f"must have at most {field.largest >> 20} MiB"
        raise refusal(field, file.place, rule, _named(file, f"{known.size:,} bytes"))
    if field.rule.suffixes and known.suffix not in field.rule.suffixes:
        rule = f"must be a file whose name ends in {', '.join(field.rule.suffixes)}"
        raise refusal(field, file.place, rule, _named(file, f"one of {known.kind}"))


def _one_of(media: Sequence[str]) -> str:
    return " or ".join(
        f"{'audio' if one == 'audio' else f'an {one}' if one == 'image' else f'a {one}'}" for one in media
    )


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
        raise refusal(field, place, f"must be {_one_of(field.media)}", f"what {family.name} makes, which is no file")
    either = any({"image", "video"} <= set(given.media) for given in fields_of(family.request) if given.required)
    if family.makes not in field.media and not (either and family.makes == "video"):
        raise refusal(field, place, f"must be {_one_of(field.media)}", f"the {family.makes} that {family.name} makes")


def job_of(value: Pending) -> AnyJob:
    """Give the job that an input is."""
    job = value._awaited()  # noqa: SLF001 - of this package
    assert isinstance(job, KeptJob)  # noqa: S101 - nothing else is pending
    return job
