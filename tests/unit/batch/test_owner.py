"""A batch belongs to one service and one account; in front of another one nothing is sent."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from batches import KITE, Asked, begun_at, bring_to, client, entries, images, play, service, states

from a2e_async import A2EClient, LedgerError, UsageError
from a2e_async.batch import Batch, State
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.core.urls import one_spelling

BEGUN = [State.INTENDED, State.ACCEPTED, State.COMPLETED]


def whole(folder):
    """Give all that a ledger's file holds."""
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME)) as db:
        return "\n".join(db.iterdump())


async def refusal(folder, a2e, **opening):
    """Give the words with which a batch is refused."""
    with pytest.raises(LedgerError) as caught:
        async with Batch.open(folder, a2e, **opening):
            pass
    return caught.value.message


@pytest.mark.parametrize("state", BEGUN)
async def test_another_service_is_refused_with_both_named(tmp_path, state):
    """Whatever the state of its rows: nothing is asked of it, and the ledger is as it was."""
    async with service() as mine, service() as other:
        await bring_to(tmp_path, KITE, state, sim=mine)
        before, since = await entries(tmp_path), Asked(other)
        async with client(other, token=mine.token) as a2e:
            words = await refusal(tmp_path, a2e)
        assert mine.url in words
        assert other.url in words
        assert since() == 0
        assert await entries(tmp_path) == before
        assert (await play(tmp_path, mine, [KITE])).outcomes["kite"].entry.state is State.DONE


@pytest.mark.parametrize("state", BEGUN)
async def test_another_token_is_refused_until_it_is_vouched_for(tmp_path, state):
    """It may be another account's, whose list proves nothing; who knows better says so."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, state, sim=sim)
        async with client(sim) as a2e, client(sim, token="sk_of_another_account") as other:
            since = Asked(sim)
            words = await refusal(tmp_path, other)
            assert since(".start") == 0
            for one in (a2e, other):
                mark = await one.fingerprint(bytes.fromhex(await _salt(tmp_path)))
                assert mark[:8] in words
            async with Batch.open(tmp_path, other, same_account=True):
                pass
            assert "same_account" in await refusal(tmp_path, a2e)  # it belongs to the new token now


async def _salt(folder):
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME)) as db:
        return db.execute("SELECT value FROM about WHERE key = 'salt'").fetchone()[0]


async def test_a_new_token_of_the_same_account_is_recognised_by_the_account_s_id(tmp_path, monkeypatch):
    """The service names the id in its records; from then on a token that was made anew needs no word."""
    async with service(task_seconds=2) as sim:
        await play(tmp_path, sim, images(2))
        monkeypatch.setattr(sim.world, "token", "sk_made_anew", raising=False)
        async with client(sim) as a2e:
            fresh = client(sim, token="sk_another")
            fresh.records = a2e.records  # the list of the same account
            async with fresh, Batch.open(tmp_path, fresh):
                pass


async def test_neither_the_token_nor_the_account_s_id_is_in_the_ledger(tmp_path):
    """Their hashes have a key of the ledger's own, so that two ledgers of one account do not show it."""
    async with service() as sim:
        for name in ("one", "two"):
            await play(tmp_path / name, sim, images(1))
        one, two = whole(tmp_path / "one"), whole(tmp_path / "two")
        async with client(sim) as a2e:
            (record,) = [record async for record in a2e.records("text_to_image", limit=1)]
        assert sim.token not in one
        assert record.raw["user_id"] not in one
        marks = [line for line in one.splitlines() if "'account'" in line or "'user'" in line]
        assert len(marks) == 2
        assert not any(mark in two for mark in marks)


async def test_a_rehearsal_is_never_taken_for_real(tmp_path):
    """Its rows are done by a simulator; in front of the service the folder is refused."""
    async with service() as sim, service() as real:
        await play(tmp_path, sim, images(2), service="the simulator")
        async with client(real) as a2e:
            assert "the simulator" in await refusal(tmp_path, a2e)
        await play(tmp_path, real, images(2), service="the simulator")  # a simulator has another port each time
        assert not real.book.starts


async def test_a_batch_of_which_nothing_was_begun_belongs_to_nobody(tmp_path):
    """A wrong address or token that has sent nothing can be mended."""
    async with service() as sim:
        await play(tmp_path, sim, [KITE], options={"base_url": "http://127.0.0.1:1"})
        await play(tmp_path, sim, [KITE], options={"token": "sk_wrong"})
        assert await states(tmp_path) == {"kite": State.PLANNED}
        await play(tmp_path, sim, [KITE])
        assert await states(tmp_path) == {"kite": State.DONE}


async def test_an_older_ledger_is_adopted_and_what_it_had_sent_is_never_sent_again(tmp_path):
    """Nobody knows whose it is: looking is free, and a start that is not found is nobody's to pay for again."""
    async with service() as sim:
        await bring_to(tmp_path, KITE, State.INTENDED, sim=sim, there=False)
        with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
            db.execute("DELETE FROM about WHERE key IN ('service', 'account')")
            db.execute("UPDATE rows SET sent_first = NULL, sent_last = NULL")
        await play(tmp_path, sim, [KITE])
        assert await states(tmp_path) == {"kite": State.UNKNOWN}
        assert not sim.book.starts
        async with client(sim, token="sk_of_another_account") as other:
            assert "account" in await refusal(tmp_path, other)


@pytest.mark.parametrize("name", ["", " ", 5])
async def test_a_service_s_name_is_checked(tmp_path, name):
    """Before anything is opened."""
    async with A2EClient("sk_x") as a2e:
        with pytest.raises(UsageError, match="service"):
            Batch.open(tmp_path, a2e, service=name)


async def test_an_account_whose_list_cannot_be_had_is_another_one(tmp_path):
    """What cannot be seen is not believed."""
    async with service() as sim:
        await play(tmp_path, sim, images(1))
        sim.faults.add("text_to_image.list", "status", status=500, hits=None)
        async with client(sim, token="sk_another") as other:
            assert "--same-account" in await refusal(tmp_path, other)


@pytest.mark.parametrize(
    ("spelled", "address"),
    [
        ("HTTPS://Video.A2E.ai", "https://video.a2e.ai"),
        ("https://video.a2e.ai:443/", "https://video.a2e.ai"),
        ("http://[::1]:80/api/", "http://[::1]/api"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("https://a.example:80", "https://a.example:80"),
    ],
)
def test_an_address_has_one_spelling(spelled, address):
    """What means the same service is not refused for how it is written."""
    assert one_spelling(spelled) == address


async def test_binding_twice_writes_once(tmp_path):
    """Opening a batch again costs no write."""
    async with service() as sim:
        await play(tmp_path, sim, images(1))
        async with client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
            assert batch.ledger.counters.writes == 0
            await begun_at(batch.ledger, sim)
            assert batch.ledger.counters.writes == 0
