"""Lists that lag, fail, or turn pages in ways of their own, while a lost start is looked for."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from lost_starts import crowd, lose
from virtual_time import IMAGE, VIDEO, caught, client, now, play_out, until, virtual

from a2e_async import (
    ProtocolError,
    Retry,
    StartUnknownError,
    TextToImage,
    TransportError,
)
from a2e_async.simulator.virtual import DirectTransport, virtual_app


class Lists(DirectTransport):
    """A service whose lists have habits of their own."""

    def __init__(self, app, *, turns_pages=True, largest_page=100, counts_by="given", rows=None):
        super().__init__(app, 0.05)
        self._turns_pages, self._largest, self._counts_by, self._rows = turns_pages, largest_page, counts_by, rows

    async def send(self, request, headers):
        """Change a list's paging before the service sees it."""
        if request.path.endswith("/allRecords"):
            page, size = (int(request.query[key]) for key in ("pageNum", "pageSize"))
            capped = min(size, self._largest)
            if self._counts_by == "asked" and size != capped:
                page = (page - 1) * size // capped + 1
            query = {"pageNum": str(page if self._turns_pages else 1), "pageSize": str(capped)}
            request = attrs.evolve(request, query=query)
        return await super().send(request, headers)


@pytest.mark.parametrize("lag", [0.2, 1, 5, 20, 45, 58])
@pytest.mark.parametrize("on_unknown", ["resend", "raise"])
def test_a_list_that_lags_less_than_the_window_still_finds_the_start(lag, on_unknown):
    """A lost start is recovered within the window, also when the list shows it late."""

    async def story():
        sim = virtual_app(coins=10_000, list_lag=lag)
        lose(sim, VIDEO)
        async with client(sim) as a2e:
            await a2e.start(VIDEO, on_unknown=on_unknown)
            assert len(sim.world.book.starts) == 1

    play_out(story())


@virtual(coins=100_000)
async def test_a_long_list_is_read_as_often_as_a_proof_needs(a2e, sim):
    """Where a reading takes a dozen pages, two of them are made after the first, and not seven."""
    lose(sim, IMAGE, when="before")
    job = a2e.start(IMAGE)
    await until(lambda: sim.counters["text_to_image.start"])
    crowd(sim, 1_500)
    await job.accepted()
    assert sim.counters["text_to_image.start"] == 2
    assert sim.counters["text_to_image.list"] < 5 * 16


@virtual(options={"retry": Retry(list_pages=3)})
async def test_a_list_that_is_too_long_to_be_read_says_nothing_of_a_tag(a2e, sim):
    """Without the tag on the pages that were read, `find` cannot say that there is none."""
    crowd(sim, 900)
    with pytest.raises(ProtocolError, match="not given in full"):
        await a2e.find(TextToImage, "findable")


@virtual(list_lag=300, task_seconds=3_600)
async def test_with_a_longer_lag_and_raise_there_is_never_a_second_bill(a2e, sim):
    """With on_unknown="raise" a start whose absence seems proven is not sent again."""
    lose(sim, VIDEO)
    error = await caught(a2e.start(VIDEO, on_unknown="raise").wait())
    assert isinstance(error, StartUnknownError)
    assert "was not sent again" in str(error)
    assert len(sim.world.book.starts) == 1
    assert isinstance(error.__cause__, TransportError)


@pytest.mark.parametrize(
    "fault", [("status", {"status": 503}), ("html", {}), ("null", {}), ("reset", {}), ("cut_json", {}), ("stall", {})]
)
@virtual()
async def test_lists_that_fail_for_the_whole_window_prove_nothing(a2e, sim, fault):
    """While no sweep answers in full a lost start is not sent again."""
    kind, details = fault
    sim.faults.add("text_to_image.list", kind, hits=None, **details)
    lose(sim, IMAGE, when="before")
    assert isinstance(await caught(a2e.start(IMAGE).wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 1
    assert not sim.world.book.starts


@pytest.mark.parametrize("fails", [1, 3, 6])
@virtual()
async def test_lists_that_fail_for_part_of_the_window_only_delay(a2e, sim, fails):
    """A lost start is recovered as soon as a sweep answers."""
    sim.faults.add("text_to_image.list", "status", status=502, hits=fails)
    lose(sim, IMAGE)
    await a2e.start(IMAGE)
    assert len(sim.world.book.starts) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@virtual(opened=False)
async def test_lists_that_do_not_turn_pages_prove_nothing(sim, when):
    """A list that shows its first page again and again is no proof of absence; what is on that page is recovered."""
    async with client(sim, http=Lists(sim, turns_pages=False)) as a2e:
        lose(sim, IMAGE, when=when)
        job = a2e.start(IMAGE)
        await until(lambda: sim.counters["text_to_image.start"])
        crowd(sim, 30)
        error = None if when == "after" else await caught(job.wait())
        assert (when == "after" and bool(await job)) or isinstance(error, StartUnknownError)
        assert sim.counters["text_to_image.start"] == 1


@pytest.mark.parametrize("counts_by", ["given", "asked"])
@pytest.mark.parametrize("when", ["before", "after"])
@virtual(opened=False)
async def test_lists_of_twenty_rows_a_page_are_read_in_full(sim, when, counts_by):
    """A service that gives fewer rows a page than asked for, counted either way, hides no start."""
    async with client(sim, http=Lists(sim, largest_page=20, counts_by=counts_by)) as a2e:
        lose(sim, IMAGE, when=when)
        job = a2e.start(IMAGE)
        await until(lambda: sim.counters["text_to_image.start"])
        crowd(sim, 70)
        await job
        assert sim.world.book.bills_by_tag()[job.tag] == 1


@virtual(options={"max_starts": 300})
async def test_300_starts_lost_at_once_are_found_by_one_finder(a2e, sim):
    """All lost starts of a family share the sweeps of the list."""
    lose(sim, IMAGE, hits=None)
    jobs = [a2e.start(IMAGE) for _ in range(300)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert sim.world.book.bills_by_tag() == {job.tag: 1 for job in jobs}
    assert sim.counters["text_to_image.list"] <= 5  # the clock, and one sweep of 300 rows
    await asyncio.gather(*jobs)


@virtual(options={"max_starts": 300}, list_lag=20)
async def test_300_lost_starts_that_show_up_late_cost_few_list_requests(a2e, sim):
    """Sweeps are spaced: half a minute of looking costs no more than a few dozen requests."""
    lose(sim, IMAGE, hits=None)
    jobs = [a2e.start(IMAGE) for _ in range(300)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert len(sim.world.book.starts) == 300
    assert sim.counters["text_to_image.list"] <= 12


@virtual()
async def test_a_later_lost_start_does_not_wait_for_the_sweeps_of_an_earlier_one(a2e, sim):
    """A start that is lost while another has been looked for for long is found after half a second."""
    lose(sim, IMAGE, when="before")
    early = a2e.start(IMAGE)
    await asyncio.sleep(33)  # the next sweep for the first start comes at 60 s
    lose(sim, IMAGE)
    late = a2e.start(IMAGE)
    await late.accepted()
    assert now() < 35
    await early


@pytest.mark.parametrize("window", [2.0, 10.0, 600.0])
@virtual(opened=False)
async def test_the_window_is_tunable(sim, window):
    """Absence counts as proven after `unknown_window` seconds, with the same number of sweeps."""
    lose(sim, IMAGE, when="before")
    async with client(sim, retry=Retry(unknown_window=window)) as a2e:
        await a2e.start(IMAGE).accepted()
        assert window <= now() < window + 2
        assert 7 <= sim.counters["text_to_image.list"] <= 9


@virtual(opened=False)
async def test_the_age_of_proof_is_tunable(sim):
    """With a `proof_age` below the window nothing is ever proven absent."""
    lose(sim, IMAGE, when="before")
    async with client(sim, retry=Retry(proof_age=30)) as a2e:
        assert isinstance(await caught(a2e.start(IMAGE).wait()), StartUnknownError)


@virtual(opened=False)
async def test_the_pages_of_a_sweep_are_tunable(sim):
    """A sweep that had to stop at `list_pages` is not in full and proves nothing."""
    lose(sim, IMAGE, when="before")
    async with client(sim, retry=Retry(list_pages=2)) as a2e:
        job = a2e.start(IMAGE)
        await asyncio.sleep(0.2)
        crowd(sim, 250)
        assert isinstance(await caught(job.wait()), StartUnknownError)
