"""A source with an item that is no request: what was paid for is handed out all the same, and the item is named."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import IMAGE, caught, client, now, virtual

from a2e_async import ClientClosedError, InvalidRequestError, Result, TextToImage, UsageError

PROMPTS = ["a", "b", "c", "", "d", "e"]


class Rows:
    """An iterator that goes on after an error, as a file of rows may."""

    def __init__(self, bad, error, count=6):
        self._left = iter(range(1, count + 1))
        self._bad, self._error = bad, error

    def __iter__(self):
        return self

    def __next__(self):
        number = next(self._left)
        if number in self._bad:
            raise self._error
        return TextToImage(f"kite {number}")


class Later(Rows):
    """The same, asynchronous."""

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(1)
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    __iter__ = None


async def later(requests):
    """Give requests in time."""
    for request in requests:
        await asyncio.sleep(1)
        yield request


@pytest.mark.parametrize("source", [map, lambda make, prompts: later(map(make, prompts))])
@virtual(task_seconds=3)
async def test_gather_gives_an_error_in_its_place(a2e, sim, source):
    """With `return_exceptions` every outcome comes; a generator ends with its error, `map` goes on."""
    outcomes = await a2e.gather(source(TextToImage, PROMPTS), max_running=2, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[:4]] == [Result, Result, Result, InvalidRequestError]
    assert "item 4 of the requests: prompt" in str(outcomes[3])
    assert len(outcomes) == (6 if source is map else 4)
    assert sum(isinstance(outcome, Result) for outcome in outcomes) == len(sim.world.book.starts)


@pytest.mark.parametrize("rows", [Rows, Later])
@pytest.mark.parametrize("bad", [(1,), (6,), (2, 3, 5), (1, 2, 3, 4, 5, 6)])
@virtual(task_seconds=3)
async def test_an_error_of_the_callers_own_is_an_outcome_too(a2e, sim, rows, bad):
    """It comes as itself, with the item's number as a note."""
    outcomes = await a2e.gather(rows(bad, KeyError("prompt")), max_running=2, return_exceptions=True)
    places = tuple(number for number, outcome in enumerate(outcomes, 1) if isinstance(outcome, KeyError))
    assert places == bad
    assert len(sim.world.book.starts) == len(outcomes) - len(bad) == 6 - len(bad)
    assert f"item {bad[0]} of the requests" in outcomes[bad[0] - 1].__notes__


@pytest.mark.parametrize("item", ["a kite", None, {"prompt": "a"}, 3, object()])
@virtual(task_seconds=3)
async def test_an_item_that_is_no_request_is_refused_in_its_place(a2e, sim, item):
    """Whatever lies among the requests costs no other outcome."""
    outcomes = await a2e.gather([IMAGE, item, IMAGE], max_running=1, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Result, UsageError, Result]
    assert str(outcomes[1]).startswith("item 2 of the requests: ")


@virtual(task_seconds=3)
async def test_gather_raises_the_first_failure_in_order(a2e, sim):
    """Without `return_exceptions` nothing is taken after a bad item, and what runs is waited for."""
    error = await caught(a2e.gather(map(TextToImage, PROMPTS), max_running=6))
    assert isinstance(error, InvalidRequestError)
    assert len(sim.world.book.starts) == 3
    assert not a2e.stats().running


@pytest.mark.parametrize("source", [map, lambda make, prompts: later(map(make, prompts))])
@virtual(task_seconds=30)
async def test_as_completed_gives_what_runs_before_it_raises(a2e, sim, source):
    """The jobs that were paid for come first, then the error of the item."""
    given = set()

    async def take():
        async for job in a2e.as_completed(source(TextToImage, PROMPTS), max_running=6):
            given.add((await job).records[0].name)

    raised = await caught(take())
    assert isinstance(raised, InvalidRequestError)
    assert given == {"a", "b", "c"}
    assert "item 4 of the requests" in str(raised)


@pytest.mark.parametrize("error", [InvalidRequestError("no"), OSError("the file is gone")])
@virtual(task_seconds=3)
async def test_a_source_that_gives_nothing_but_errors_ends(a2e, sim, error):
    """An iterator that fails for ever, a dropped connection for example, is not asked for ever."""

    class Broken:
        def __iter__(self):
            return self

        def __next__(self):
            raise error

    outcomes = await a2e.gather(Broken(), return_exceptions=True)
    assert len(outcomes) == 1000


@virtual(task_seconds=3, opened=False)
async def test_a_closed_client_takes_no_more_items(sim):
    """An endless source ends with the client."""
    a2e = client(sim)
    await a2e.open()
    closing = asyncio.get_running_loop().call_later(10, lambda: asyncio.ensure_future(a2e.aclose()))
    outcomes = await a2e.gather(later(IMAGE for _ in range(10**9)), return_exceptions=True)
    await asyncio.sleep(1)
    assert closing.when() < now()
    assert isinstance(outcomes[-1], ClientClosedError)
    assert len(outcomes) <= 12


@virtual(task_seconds=lambda _family, body: 1 + int(body["prompt"]))
async def test_no_callbacks_pile_up_on_a_slow_source(a2e, sim):
    """However many jobs end while the next item is waited for, one callback waits with them."""

    async def source():
        for number in range(60):
            yield TextToImage(str(number))
        await asyncio.sleep(10_000)

    given, jobs = 0, a2e.as_completed(source(), max_running=200)
    async for _job in jobs:
        given += 1
        if given == 60:
            break
    most = max(len(getattr(task, "_callbacks", None) or ()) for task in asyncio.all_tasks() if not task.done())
    assert most <= 3
    await jobs.aclose()


@virtual(task_seconds=1000)
async def test_no_waiters_pile_up_on_a_drain(a2e, sim):
    """Who gives up waiting for the end of all jobs leaves nothing behind."""
    job = a2e.start(IMAGE)
    for _ in range(50):
        with pytest.raises(TimeoutError):
            await a2e.drain(timeout=1)
    assert not a2e._shared.opened.engine.live._drained
    job.detach()
