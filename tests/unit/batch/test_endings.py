"""How the rows of a batch end."""

from __future__ import annotations

from batches import (
    KITE,
    Asked,
    begun_at,
    bring_to,
    image,
    one_bill_each,
    play,
    service,
)
from ledgers import opened

from a2e_async import (
    A2EClient,
    DownloadError,
    InvalidRequestError,
    JobFailedError,
    JobTimeoutError,
)
from a2e_async.batch import Batch, Row, State
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.stored import read_coins
from a2e_async.core import tags
from a2e_async.core.family import family_of


async def test_a_failed_task_is_failed_until_it_is_retried(tmp_path):
    """It is not asked about again; a retry is a new intent with a new tag, and old coins count."""
    async with service() as sim:
        rows = [image("bad", "[fail] a kite"), image("good")]
        run = await play(tmp_path, sim, rows)
        assert isinstance(run.outcomes["bad"].error, JobFailedError)
        assert {row: one.entry.state for row, one in run.outcomes.items()} == {"bad": State.FAILED, "good": State.DONE}
        assert run.outcomes["bad"].entry.error
        since = Asked(sim)
        assert (await play(tmp_path, sim, rows, retry_unknown=True)).outcomes["bad"].entry.state is State.FAILED
        assert since() == 0
        run = await play(tmp_path, sim, rows, retry_failed=True)
        assert (run.outcomes["bad"].entry.state, run.outcomes["bad"].entry.attempt) == (State.FAILED, 2)
        assert since(".start") == 1
        assert one_bill_each(sim, 3)
        assert read_coins(tmp_path / FILE_NAME) == 30


async def test_a_refused_start_is_refused_until_it_is_retried(tmp_path):
    """Moderation and the like: the words of the service are kept, nothing is billed."""
    async with service() as sim:
        row = image("kite", "[blocked]")
        run = await play(tmp_path, sim, [row])
        assert run.outcomes["kite"].entry.state is State.REFUSED
        assert run.outcomes["kite"].entry.error
        since = Asked(sim)
        assert (await play(tmp_path, sim, [row])).outcomes["kite"].entry.state is State.REFUSED
        assert since() == 0
        await play(tmp_path, sim, [row], retry_failed=True)
        assert since(".start") == 1
        assert sim.book.charged == 0


async def test_a_start_that_breaks_a_rule_of_the_client_is_refused(tmp_path):
    """It is never sent."""
    row = image("kite", input_images=["http://127.0.0.1/a.png"])
    async with A2EClient("sk_x", base_url="https://video.example.com") as a2e, Batch.open(tmp_path, a2e) as batch:
        (outcome,) = [outcome async for outcome in batch.run([row])]
    assert isinstance(outcome.error, InvalidRequestError)
    assert (outcome.entry.state, batch.stopped_by) == (State.REFUSED, None)


async def test_a_timeout_leaves_the_row_accepted_for_the_next_run(tmp_path):
    """The task goes on, and the next run watches it."""
    async with service(task_seconds=20) as sim:
        run = await play(tmp_path, sim, [KITE], timeout=0.2)
        assert isinstance(run.outcomes["kite"].error, JobTimeoutError)
        assert run.outcomes["kite"].entry.state is State.ACCEPTED
        run = await play(tmp_path, sim, [KITE])
        assert run.outcomes["kite"].entry.state is State.DONE
        assert one_bill_each(sim, 1)


async def test_a_failed_download_leaves_the_row_completed_for_the_next_run(tmp_path):
    """What was paid for is fetched later, without a start."""
    async with service() as sim:
        sim.faults.add("file", "status", status=403, hits=None)
        run = await play(tmp_path, sim, [KITE])
        assert isinstance(run.outcomes["kite"].error, DownloadError)
        assert (run.outcomes["kite"].entry.state, run.outcomes["kite"].paths) == (State.COMPLETED, ())
        assert run.outcomes["kite"].entry.error
        sim.faults.clear()
        run = await play(tmp_path, sim, [KITE])
        assert (run.outcomes["kite"].entry.state, run.outcomes["kite"].entry.error) == (State.DONE, "")
        assert one_bill_each(sim, 1)


async def test_several_files_of_a_row_are_numbered(tmp_path):
    """No other row's file has such a name."""
    async with service() as sim:
        rows = [image("a", max_images=3), image("a-1"), image("A"), image("a-file-1")]
        run = await play(tmp_path, sim, rows)
        for number, path in enumerate(run.outcomes["a"].paths, 1):
            assert path.name in (f"a-file-{number}.png", f"a-file-{number}-2.png")  # row a-file-1 may have been faster
        names = [path.name.lower() for one in run.outcomes.values() for path in one.paths]
        assert len(set(names)) == len(names) == 6


async def test_tasks_that_a_killed_run_had_not_found_are_found_by_the_next(tmp_path):
    """The answer names the first of four: killed before the list shows the others, the row still has all four files."""
    fields = {"image_url": "http://example.com/a.png", "prompt": "four", "negative_prompt": "n", "number_of_images": 4}
    row = Row(id="four", family=family_of("image_to_video"), fields=fields)
    async with service() as sim:
        tag = await bring_to(tmp_path, row, State.PLANNED)
        tasks = sim.world.start("image_to_video", {**fields, "name": tags.put("four", tag, tags.FIRST, 100)})
        async with opened(tmp_path) as book:
            await begun_at(book, sim)
            await book.intended("four", tag, 1, 120)
            await book.sending("four", tags.FIRST, sim.clock.now())
            await book.accepted("four", [tasks[0].id], None)
        run = await play(tmp_path, sim, [row])
        assert len(run.outcomes["four"].paths) == 4
        assert set(run.outcomes["four"].entry.task_ids) == {task.id for task in tasks}
        assert run.outcomes["four"].entry.coins == 120
        assert one_bill_each(sim, 1)
