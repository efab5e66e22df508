"""The life of a job is a table: an event moves a job only where the table allows it, and documents show the same."""

from __future__ import annotations

import itertools

import pytest
from virtual_time import virtual

from a2e_async import Record, Result, TextToImage
from a2e_async.core.family import family_of
from a2e_async.core.status import STAGES, JobEvent, Stage
from a2e_async.engine.jobs.kept import KeptJob
from a2e_async.engine.jobs.options import Options
from benchmarks.life_cycles import DOCUMENTS, renewed

RECORD = Record(id="65f0")
VERBS = {
    JobEvent.STARTING: lambda job: job.begin(),
    JobEvent.ACCEPTED: lambda job: job.take([RECORD], 10),
    JobEvent.ATTACHED: lambda job: job.take([RECORD], 10),
    JobEvent.COMPLETED: lambda job: job.end(Result((RECORD,))),
    JobEvent.FAILED: lambda job: job.end(None, ValueError("why")),
}


def job_in(stage, event):
    """Give a job in a stage, attached or started as the event needs it."""
    request = None if event is JobEvent.ATTACHED else TextToImage("a red kite")
    job = KeptJob(None, family_of(TextToImage), request, Options())
    job._stage = stage
    return job


def facts(job):
    """Give what a move changes."""
    return job.stage, job.coins, job.accepted_at, job.error, job._result


@virtual(opened=False)
async def test_an_event_moves_a_job_only_where_the_table_allows_it(sim):
    """In any other stage it changes nothing: a job that has ended cannot be started, accepted or ended again."""
    assert set(VERBS) == set(STAGES) == set(JobEvent)
    for event, stage in itertools.product(JobEvent, Stage):
        job = job_in(stage, event)
        before, (allowed, after) = facts(job), STAGES[event]
        moved = VERBS[event](job)
        assert moved == (stage in allowed), (event, stage)
        assert (job.stage is after) if moved else (facts(job) == before), (event, stage)


def test_the_table_leads_from_queued_to_done_and_never_back():
    """Each event leads forward, every stage but the first is reached, and nothing leads out of the last."""
    order = list(Stage)
    assert {after for _before, after in STAGES.values()} == set(order[1:])
    for before, after in STAGES.values():
        assert all(order.index(stage) < order.index(after) for stage in before)


@virtual(opened=False)
async def test_a_stage_cannot_be_set(sim):
    """Only an event of the table changes it."""
    with pytest.raises(AttributeError):
        job_in(Stage.QUEUED, JobEvent.STARTING).stage = Stage.DONE


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_show_the_tables_of_the_code(path):
    """`python -m benchmarks.life_cycles` would change nothing in them."""
    if not path.exists():
        pytest.skip(f"{path.name} is not part of the source archive")
    text = path.read_text(encoding="utf-8")
    assert renewed(text, DOCUMENTS[path]()) == text


def test_a_document_without_marks_is_refused():
    """Nothing is written where nobody asked for it."""
    with pytest.raises(ValueError, match="no <!-- life cycles"):
        renewed("# A document\n", "")
