"""What is sent for a request: the same with a URL in the place of each file, result and job."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from a2e_async.core.fields import Field
from a2e_async.core.inputs import Made, Pending, output_of, replaced
from a2e_async.core.plans import each_input, fields_of, inputs_in
from a2e_async.engine.jobs.input_rules import InputFile, job_of
from a2e_async.engine.jobs.kept import AnyJob
from a2e_async.errors import InputFailedError


def jobs_of(value: Any) -> list[AnyJob]:  # noqa: ANN401 - whatever the field holds
    """Give the jobs in a value of a field."""
    return [job_of(one) for one in each_input(value) if isinstance(one, Pending)]


def jobs_in(request: object) -> list[AnyJob]:
    """Give the jobs that a request takes."""
    return [job for value in inputs_in(request).values() for job in jobs_of(value)]


def resolved(request: Any, files: Iterator[InputFile]) -> Any:  # noqa: ANN401 - a request
    """Give a request with a URL in the place of each input; files come in the order in which they were taken."""
    fields = inputs_in(request)
    sent: dict[str, Any] = {}
    for field in fields_of(type(request)):
        if field.name in fields:
            by = partial(_url_of, field, files)
            sent[field.name] = replaced(fields[field.name], by)
    return request.replace(**sent)


def _url_of(field: Field, files: Iterator[InputFile], value: object) -> str:
    if isinstance(value, Made):
        return output_of(value)
    return _output(field, job_of(value)) if isinstance(value, Pending) else next(files).url


def _output(field: Field, job: AnyJob) -> str:
    found = next((url for record in job.records for url in record.urls), "")
    if not found:
        words = f"{field.name}: the job that it takes has ended without an output ({job!r}); nothing was sent"
        raise InputFailedError(words, field=field.name)
    return found


def without_jobs(request: Any) -> Any:  # noqa: ANN401 - a request
    """Give a request with the URL of its output in the place of each job: a job keeps no other job alive."""

    def by(value: object) -> object:
        job = job_of(value) if isinstance(value, Pending) else None
        return value if job is None else next(url for record in job.records for url in record.urls)

    return request.replace(**{name: replaced(value, by) for name, value in inputs_in(request).items()})
