"""Jobs of a command: shown while they run, downloaded, and printed when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from a2e_async.cli.board_updates import BoardUpdates
from a2e_async.cli.codes import DONE
from a2e_async.cli.display.board import BoardRow, shorten
from a2e_async.cli.fields import given_fields
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import (
    A2EError,
    DownloadError,
    JobFailedError,
    JobTimeoutError,
    NotFoundError,
    StartUnknownError,
)

_MOST_NAMED = 5


@attrs.frozen(kw_only=True)
class JobOutcome:
    """How a job ended.

    Attributes:
        job: The job.
        label: What it is about, in a few words.
        result: Its result, also the completed part of a failed one, or None.
        paths: The files that were downloaded.
        error: What went wrong, or None.
        seconds: How long it took.
    """

    job: Job[Any]
    label: str = ""
    result: Result | None = None
    paths: tuple[Path, ...] = ()
    error: Exception | None = None
    seconds: float = 0.0


async def run_job(
    updates: BoardUpdates, job: Job[Any], row: BoardRow, out: Path | None, name: str | None = None
) -> JobOutcome:
    """Show a job on the board until it has ended and its files are downloaded.

    Args:
        updates: What keeps the board up to date.
        job: The job.
        row: Its row on the board.
        out: Folder for its files, or None to download nothing.
        name: What its files are called, None for the name of its task and its id.
    """
    run = updates.run
    run.track([job])
    updates.add(job, row)
    error: A2EError | OSError | None
    result, error = await _ended(job)
    updates.remove(job)
    paths: tuple[Path, ...] = ()
    if result is not None and out is not None:
        run.board.change(row, "downloading", coins=job.coins)
        try:
            paths = tuple(await updates.a2e.download(result, out, name=name))
        except (A2EError, OSError) as caught:
            error = error or caught
    _close(run, job, row, error)
    return JobOutcome(job=job, label=row.label, result=result, paths=paths, error=error, seconds=row.seconds)


async def _ended(job: Job[Any]) -> tuple[Result | None, A2EError | None]:
    try:
        return await job, None
    except JobFailedError as error:
        return error.result, error  # type: ignore[return-value] # the engine puts a Result there
    except A2EError as error:
        return None, error


def _close(run: Run, job: Job[Any], row: BoardRow, error: A2EError | OSError | None) -> None:
    # Coins that were refunded were not spent.
    coins = 0 if isinstance(error, JobFailedError) and error.refunded else job.coins
    run.board.change(row, _word_for(job, error), coins=coins, good=error is None)
    # A task that failed or does not exist leaves nothing to resume; a time limit or a broken download does.
    if error is None or isinstance(error, JobFailedError | NotFoundError) or not job.task_ids:
        run.jobs.pop(job, None)


def _word_for(job: Job[Any], error: A2EError | OSError | None) -> str:
    match error:
        case None:
            return "done"
        case JobTimeoutError():
            return "timed out"
        case StartUnknownError():
            return "unknown"
        case DownloadError() | OSError():
            return "download failed"
        case _:
            return "failed" if job.task_ids else "refused"


async def run_jobs(
    run: Run,
    a2e: A2EClient,
    jobs: Iterable[tuple[Job[Any], str]],
    out: Path | None,
    stems: Mapping[Job[Any], str] | None = None,
) -> int:
    """Run all jobs at once, print each result as soon as it is there, and give the exit code.

    Args:
        run: The run of the command.
        a2e: The open client.
        jobs: The jobs, each with what it is about.
        out: Folder for their files, or None to download nothing.
        stems: What the files of jobs are called, of those whose tasks' names do not say it.
    """
    named = stems or {}
    updates = BoardUpdates(run, a2e)
    jobs = list(jobs)
    run.track(job for job, _ in jobs)
    run.saves_to = out

    async def one(job: Job[Any], label: str) -> JobOutcome:
        outcome = await run_job(updates, job, run.board.add(job.family.name, label), out, named.get(job))
        print_outcome(run, outcome)
        return outcome

    with run.board:
        if run.board.live:
            run.output.hold()
        async with updates:
            ends = await asyncio.gather(*(one(job, label) for job, label in jobs), return_exceptions=True)
    run.output.release()
    # Even an unexpected error waits for the other jobs: they are paid for.
    return finish(run, [_outcome(end, job, label) for end, (job, label) in zip(ends, jobs, strict=True)])


def _outcome(end: JobOutcome | BaseException, job: Job[Any], label: str) -> JobOutcome:
    if isinstance(end, JobOutcome):
        return end
    if not isinstance(end, Exception):
        raise end
    return JobOutcome(job=job, label=label, error=end)


def finish(run: Run, outcomes: Iterable[JobOutcome]) -> int:
    """Print what went wrong and how to resume, and give the highest exit code."""
    code = print_errors(run, [(outcome.error, outcome.label) for outcome in outcomes if outcome.error])
    run.print_resume()
    return code


def print_errors(run: Run, errors: Iterable[tuple[BaseException, str]]) -> int:
    """Print each error once, with what its jobs were about, and give the highest exit code."""
    alike: dict[str, list[tuple[BaseException, str]]] = {}
    for error, label in errors:
        alike.setdefault(getattr(error, "message", str(error)), []).append((error, label))
    codes = [DONE]
    for met in alike.values():
        named = ", ".join(f'"{shorten(label)}"' for _, label in met[:_MOST_NAMED] if label)
        more = f" and {len(met) - _MOST_NAMED} more" if len(met) > _MOST_NAMED else ""
        codes.append(run.fail(met[0][0], f" ({named}{more})" if named else more))
    return max(codes)


def print_outcome(run: Run, outcome: JobOutcome) -> None:
    """Print the result of one job: its files, or the URLs when nothing was downloaded, or the ids without URLs."""
    found = (outcome.result.urls or outcome.result.task_ids) if outcome.result else ()
    lines = map(str, outcome.paths or found)
    run.output.result("\n".join(lines), as_data(outcome), paid=True)


def as_data(outcome: JobOutcome) -> dict[str, Any]:
    """Give the outcome as a JSON object."""
    job, error = outcome.job, outcome.error
    return {
        "family": job.family.name,
        "task_ids": list(job.task_ids),
        "tag": job.tag,
        "status": job.status.value if job.status else None,
        "coins": job.coins,
        "urls": list(outcome.result.urls) if outcome.result else [],
        "paths": [str(path) for path in outcome.paths],
        "seconds": round(outcome.seconds, 3),
        "request": given_fields(job.request),
        "error": {"kind": type(error).__name__, "message": str(error)} if error else None,
    }
