"""The coins of a batch are counted over all of its lives: also those that may have been charged."""

from __future__ import annotations

import contextlib
import json
import math

import attrs
import pytest
from batches import KITE, bring_to, client, image, images, play, service
from ledgers import entry, opened

from a2e_async import BudgetExceededError, UsageError
from a2e_async.batch import Batch, State
from a2e_async.batch.budget import BatchBudget
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.stored import read_coins
from a2e_async.core.http import HttpReply
from a2e_async.engine.http.session import Session
from a2e_async.engine.jobs.options import Options
from a2e_async.store.entries import RowEvent
from a2e_async.store.values import sensible


class Edited:
    """A transport that changes the coins which replies about tasks name."""

    def __init__(self, sim, coins):
        self._session = Session(sim.url, None)
        self._coins = coins

    async def send(self, request, headers):
        """Send a request, and give its reply with other coins."""
        reply = await self._session.send(request, headers)
        body = json.loads(reply.body)
        data = body.get("data")
        rows = data if isinstance(data, list) else data.get("rows", [data]) if isinstance(data, dict) else []
        for row in rows:
            if isinstance(row, dict) and "current_status" in row:
                row["coins"] = self._coins
        return attrs.evolve(reply, body=json.dumps(body).encode())

    async def aclose(self):
        """Close the session."""
        await self._session.aclose()


@pytest.mark.parametrize("named", [None, -10, "many"])
@pytest.mark.parametrize("lost", [False, True])
async def test_max_coins_holds_over_several_lives(tmp_path, named, lost):
    """Whatever the service says of coins, and whether or not anybody learns what became of a start."""
    async with service() as sim, contextlib.aclosing(Edited(sim, named)) as http:
        if lost:
            sim.faults.add("text_to_image.start", "reset", when="after", every=2)
            sim.faults.add("text_to_image.list", "status", status=500, hits=None)
        for _ in range(3):
            await play(tmp_path, sim, images(12), options={"max_starts": 4, "http": http}, max_coins=50)
            assert sim.book.charged <= 50
        assert sim.book.charged == 50


class SaysLater(Edited):
    """A transport whose replies name coins when a task has ended, and before that 0 or none; nothing is quoted."""

    async def send(self, request, headers):
        """Send a request, and give its reply with other coins."""
        if "quote" in request.path:
            return HttpReply(status=404, body=b"<html>")
        reply = await self._session.send(request, headers)
        body = json.loads(reply.body)
        data = body.get("data")
        for row in data if isinstance(data, list) else [data]:
            if isinstance(row, dict) and row.get("current_status") not in (None, "completed"):
                row["coins"] = self._coins
        return attrs.evolve(reply, body=json.dumps(body).encode())


@pytest.mark.parametrize("first", [0, None])
async def test_max_coins_holds_where_only_the_end_of_a_task_tells_its_price(tmp_path, first):
    """One row goes alone and tells the price to the others; all lives together spend no more than there is."""
    async with service() as sim, contextlib.aclosing(SaysLater(sim, first)) as http:
        for _ in range(2):
            await play(tmp_path, sim, images(8), options={"max_starts": 4, "http": http}, max_coins=50)
        assert sim.book.charged == 50
        assert read_coins(tmp_path / FILE_NAME) == 50


STEPS = ["intended", "sending", "accepted", "finished", "downloaded", "failed", "lost", "expired"]


@pytest.mark.parametrize("dies_after", STEPS)
@pytest.mark.parametrize("told", [None, 7.0, -3.0, math.inf])
async def test_a_kill_at_any_moment_leaves_no_start_uncounted(tmp_path, dies_after, told):
    """The price is on the disk before the POST; it counts until a sensible number of coins is known."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        coins = []
        for step in STEPS[: STEPS.index(dies_after) + 1]:
            await _take(book, step, told)
            coins.append(await book.coins())
    sensibly = told if told == 7.0 else 10.0
    expected = {"intended": 0.0, "sending": 10.0}
    assert coins == [expected.get(step, sensibly) for step in STEPS[: STEPS.index(dies_after) + 1]]
    assert read_coins(tmp_path / FILE_NAME) == coins[-1]


async def _take(book, step, told):
    if step == "intended":
        await book.intended("a", "abcdefgh", 1, 10.0)
    elif step == "sending":
        await book.sending("a", "a", 5.0)
    elif step == "accepted":
        await book.accepted("a", ["t"], told)
    elif step == "finished":
        await book.finished("a", coins=told)
    elif step == "downloaded":
        await book.downloaded("a", [])
    else:
        await book.write(("UPDATE rows SET state = 'accepted'", ()))
        if step == "lost":
            await book.write(("UPDATE rows SET state = 'intended'", ()))
        await book.ended("a", RowEvent[step.upper()], "why")


async def test_a_new_attempt_keeps_what_the_old_one_may_have_cost(tmp_path):
    """Also where nobody has said what it was charged."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        await book.intended("a", "abcdefgh", 1, 10.0)
        await book.sending("a", "a", 5.0)
        await book.ended("a", RowEvent.LOST, "why")
        await book.again(["a"], [State.UNKNOWN])
        assert await book.coins() == 10
        await book.intended("a", "bcdefghi", 2, 10.0)
        await book.sending("a", "a", 5.0)
        assert await book.coins() == 20
        await book.released("a", "not taken")
        assert await book.coins() == 10


@pytest.mark.parametrize("coins", [None, True, "7", -1, -1e9, math.inf, math.nan, 1e16])
def test_coins_that_make_no_sense_are_unknown(coins):
    """A service or a file may say anything."""
    assert sensible(coins) is None


@pytest.mark.parametrize("column", ["coins", "lost_coins", "price"])
@pytest.mark.parametrize("value", [-1e9, math.inf, 1e300])
async def test_coins_that_somebody_wrote_into_the_ledger_lift_no_cap(tmp_path, column, value):
    """Neither below 0 nor without end."""
    async with opened(tmp_path) as book:
        await book.plan([entry(), entry("b")])
        for row in "ab":
            await book.intended(row, "abcdefgh", 1, 10.0)
            await book.sending(row, "a", 5.0)
            await book.accepted(row, ["t"], 10.0)
        await book.write((f"UPDATE rows SET {column} = ? WHERE id = 'a'", (value,)))
        assert await book.coins() == 20


async def test_a_resume_counts_the_same_start_once(tmp_path):
    """What an earlier life holds for a start pays for it: the last coins are enough to bring it home."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.INTENDED, sim=sim)
        async with opened(tmp_path) as book:
            await book.write(("UPDATE rows SET price = 10.0", ()))
        run = await play(tmp_path, sim, [KITE, image("other"), image("third")], max_coins=20)
        states = {row: one.entry.state for row, one in run.outcomes.items()}
        assert states["kite"] is State.DONE
        assert list(states.values()).count(State.DONE) == 2
        assert isinstance(run.stopped_by, BudgetExceededError)


async def test_rows_that_were_started_without_a_limit_count_once_there_is_one(tmp_path):
    """What nobody has told is asked for; where no price can be had the caller has to say it."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.ACCEPTED, sim=sim)
        async with opened(tmp_path) as book:
            await book.write(("UPDATE rows SET coins = NULL", ()))
            async with client(sim) as a2e:
                assert (await BatchBudget.open(None, book, a2e, Options()))._coins.spent == 0
                assert (await BatchBudget.open(20, book, a2e, Options()))._coins.spent == 10
                assert (await BatchBudget.open(20, book, a2e, Options(price=4)))._coins.spent == 4
                sim.faults.add("quote", "status", status=500, hits=None)
                with pytest.raises(UsageError, match="price="):
                    await BatchBudget.open(20, book, a2e, Options())
        for change in ("family = 'nope'", "family = 'text_to_image', fields = '{\"nope\": 1}'"):
            async with opened(tmp_path) as book, client(sim) as a2e:
                await book.write((f"UPDATE rows SET {change}", ()))
                assert (await BatchBudget.open(20, book, a2e, Options(price=4)))._coins.spent == 4
                with pytest.raises(UsageError, match="price="):
                    await BatchBudget.open(20, book, a2e, Options())
        async with client(sim) as a2e:
            with pytest.raises(UsageError, match="max_coins"):
                async with Batch.open(tmp_path, a2e, max_coins=20):
                    pass
        await (await FolderLedger.open(tmp_path)).aclose()
