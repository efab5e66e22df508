"""What a job writes into its row, and what it says where that cannot be done."""

from __future__ import annotations

import asyncio

import pytest
from virtual_time import play_out

from a2e_async import A2EError, FencedError, JobTimeoutError, LedgerError, NotFoundError
from a2e_async.engine.durable.journal import JobJournal
from a2e_async.store.entries import Entry, RowEvent

ROW = Entry(id="order-1", family="text_to_image", fields={"prompt": "a kite"})


class Lease:
    """A lease that is always there, and by which starts may be sent or not."""

    def __init__(self, *, may_send=True):
        self.may_send = may_send
        self.asked = 0

    async def fresh(self):
        """Say that a start may be sent."""
        self.asked += 1


class Rows:
    """A ledger that notes what is written; it fails with an error, or says that the row stands elsewhere."""

    def __init__(self, *, error=None, moved=True):
        self._error, self._moved = error, moved
        self.written = []

    def __getattr__(self, name):
        async def write(*what, **more):
            if self._error is not None:
                raise self._error
            self.written.append((name, *what[1:]))
            return self._moved

        return write


def journal(rows=None, lease=None, row=ROW, clock=lambda: 1000.0):
    """Make the journal of a row that is this process's own."""
    made = JobJournal("order-1", clock)
    made.put(rows or Rows(), lease or Lease(), row)
    return made


def test_ids_that_cannot_be_written_down_are_told(caplog):
    """They were paid for: whoever reads the log can find them, and the caller hears that the store is away."""
    with pytest.raises(LedgerError, match="away"):
        asyncio.run(journal(Rows(error=LedgerError("the store is away"))).accepted("tag", ["abc", "def"], 10))
    (told,) = caplog.records
    assert told.levelname == "ERROR"
    assert "abc, def" in told.getMessage()
    assert (told.key, told.task_ids) == ("order-1", ("abc", "def"))


def test_a_row_that_somebody_else_has_changed_is_not_gone_on_with():
    """Nothing is sent for it: the words name the key and what was to be said."""
    with pytest.raises(LedgerError, match=r"order-1 does not stand where .*its start is about to be sent; .*changed"):
        asyncio.run(journal(Rows(moved=False)).intended("tag", None))


def test_a_time_that_was_written_down_long_ago_is_written_anew():
    """Whoever looks for the start later looks near that time: it is never older than a second as the POST leaves."""

    async def story():
        rows, lease = Rows(), Lease()
        times = iter((1000.0, 1030.0))
        made = journal(rows, lease, clock=lambda: next(times))
        await made.sending("tag", "a", None)
        await asyncio.sleep(30)  # until there was a connection
        assert not made.leaves()
        await made.sending("tag", "a", None)
        assert made.leaves()
        assert rows.written == [("sending", "a", 1000.0), ("sending", "a", 1030.0)]
        assert lease.asked == 2

    play_out(story())


def test_a_service_to_which_each_connection_takes_long_is_sent_to_all_the_same():
    """Writing the time down again and again would never end; the one that stands there is the last."""

    async def story():
        made, tries = journal(), 0
        while True:
            await made.sending("tag", "a", None)
            tries += 1
            await asyncio.sleep(30)
            if made.leaves():
                return tries

    assert 1 < play_out(story()) < 10


def test_nothing_leaves_a_process_that_may_not_send():
    """Asked at the very moment, after all that could take a while: no lease, a row that was lost, or none yet."""
    held, refused, lost, unplaced = journal(), journal(lease=Lease(may_send=False)), journal(), JobJournal("b", int)
    lost.forsake()
    assert [one.leaves() for one in (held, refused, lost, unplaced)] == [True, False, False, False]


def test_a_row_that_is_another_process_s_now_is_not_written():
    """It is said, for its new holder may have sent the start."""
    made, rows = JobJournal("order-1", lambda: None), Rows()
    with pytest.raises(FencedError, match="order-1 is another process's now"):
        asyncio.run(made.intended("tag", None))
    made.put(rows, Lease(), ROW)
    made.forsake()
    with pytest.raises(FencedError, match="order-1 is another process's now"):
        asyncio.run(made.accepted("tag", ["abc"], 10))
    asyncio.run(made.failed("tag", NotFoundError("gone")))
    assert rows.written == []


def test_how_a_job_ends_is_written_after_its_row():
    """A job that ends while its row is on its way to the store waits for it: else it would be written nowhere."""

    async def story():
        made, rows = JobJournal("order-1", lambda: None), Rows()
        made.will_be_placed()
        ending = asyncio.create_task(made.failed("tag", NotFoundError("gone")))
        await asyncio.sleep(1)
        assert not ending.done()
        made.put(rows, Lease(), ROW)
        await ending
        ((what, event, words),) = rows.written
        assert (what, event) == ("ended", RowEvent.REFUSED)
        assert words == "NotFoundError: gone"

    play_out(story())


def test_what_ends_no_row_is_noted_beside_it():
    """The row is gone on with later, and whoever reads it meanwhile sees what was wrong; a deadline says nothing."""
    rows = Rows()
    sent = journal(rows, row=Entry(id="order-1", family="text_to_image", fields={}, task_ids=("abc",)))
    asyncio.run(sent.failed("tag", A2EError("something odd")))
    asyncio.run(sent.failed("tag", JobTimeoutError("it took too long")))
    asyncio.run(sent.failed("tag", LedgerError("the store is away")))
    assert rows.written == [("noted", "A2EError: something odd")]
