"""Seeing jobs through: start, watch, download, and tell how each one ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from a2e_async.cli.codes import DONE
from a2e_async.cli.display.board import Row, short
from a2e_async.cli.fields import given_fields
from a2e_async.cli.following import Following
from a2e_async.cli.run import Run
from a2e_async.client import A2EClient
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import A2EError, JobFailedError, NotFoundError

_MOST_NAMED = 5


@attrs.frozen(kw_only=True)
class Outcome:
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


async def see_through(following: Following, job: Job[Any], row: Row, out: Path | None) -> Outcome:
    """Show a job on the board until it has ended and its files are here.

    Args:
        following: What shows it.
        job: The job.
        row: Its row on the board.
        out: Folder for its files, or None to download nothing.
    """
    run = following.run
    run.take([job])
    following.show(job, row)
    error: A2EError | OSError | None
    result, error = await _ended(job)
    following.leave(job)
    paths: tuple[Path, ...] = ()
    if result is not None and out is not None:
        run.board.change(row, "downloading", coins=job.coins)
        try:
            paths = tuple(await following.a2e.download(result, out))
        except (A2EError, OSError) as caught:
            error = error or caught
    _close(run, job, row, error)
    return Outcome(job=job, label=row.label, result=result, paths=paths, error=error, seconds=row.seconds)


async def _ended(job: Job[Any]) -> tuple[Result | None, A2EError | None]:
    try:
        return await job, None
    except JobFailedError as error:
        return error.result, error  # type: ignore[return-value] # the engine puts a Result there
    except A2EError as error:
        return None, error


def _close(run: Run, job: Job[Any], row: Row, error: A2EError | OSError | None) -> None:
    state = "failed" if isinstance(error, JobFailedError) else "given up" if error else "done"
    # What has come back was not spent.
    coins = 0 if isinstance(error, JobFailedError) and error.refunded else job.coins
    run.board.change(row, state, coins=coins, good=error is None)
    # What has failed for good, or was never there, leaves nothing to resume; a time limit or a broken download does.
    if error is None or isinstance(error, JobFailedError | NotFoundError) or not job.task_ids:
        run.jobs.pop(job, None)


async def see_all(run: Run, a2e: A2EClient, jobs: Iterable[tuple[Job[Any], str]], out: Path | None) -> int:
    """See all jobs through at once, print how each ended as soon as it has, and give the exit code."""
    following = Following(run, a2e)
    jobs = list(jobs)
    run.take(job for job, _ in jobs)
    run.saves_to = out

    async def one(job: Job[Any], label: str) -> Outcome:
        outcome = await see_through(following, job, run.board.add(job.family.name, label), out)
        tell(run, outcome)
        return outcome

    with run.board:
        if run.board.live:
            run.output.hold()
        async with following:
            ends = await asyncio.gather(*(one(job, label) for job, label in jobs), return_exceptions=True)
    run.output.release()
    # An error that is none of ours waited for the other jobs, which are paid for.
    return verdict(run, [_outcome(end, job, label) for end, (job, label) in zip(ends, jobs, strict=True)])


def _outcome(end: Outcome | BaseException, job: Job[Any], label: str) -> Outcome:
    if isinstance(end, Outcome):
        return end
    if not isinstance(end, Exception):
        raise end
    return Outcome(job=job, label=label, error=end)


def verdict(run: Run, outcomes: Iterable[Outcome]) -> int:
    """Say what went wrong and how to go on, and give the gravest exit code."""
    code = tell_errors(run, [(outcome.error, outcome.label) for outcome in outcomes if outcome.error])
    run.tell_resume()
    return code


def tell_errors(run: Run, errors: Iterable[tuple[BaseException, str]]) -> int:
    """Say each kind of error once, with what its jobs were about, and give the gravest exit code."""
    alike: dict[str, list[tuple[BaseException, str]]] = {}
    for error, label in errors:
        alike.setdefault(getattr(error, "message", str(error)), []).append((error, label))
    codes = [DONE]
    for met in alike.values():
        named = ", ".join(f'"{short(label)}"' for _, label in met[:_MOST_NAMED] if label)
        more = f" and {len(met) - _MOST_NAMED} more" if len(met) > _MOST_NAMED else ""
        codes.append(run.fail(met[0][0], f" ({named}{more})" if named else more))
    return max(codes)


def tell(run: Run, outcome: Outcome) -> None:
    """Print the result of one job: its files, its links when nothing was downloaded, its ids when they are all."""
    found = (outcome.result.urls or outcome.result.task_ids) if outcome.result else ()
    lines = map(str, outcome.paths or found)
    run.output.result("\n".join(lines), as_data(outcome), paid=True)


def as_data(outcome: Outcome) -> dict[str, Any]:
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
