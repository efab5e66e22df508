"""Rooms with an avatar: whatever happens they are left, for each of their seconds costs coins."""

from __future__ import annotations

import asyncio
import logging

import pytest
from scripted import TOKEN, no, story, yes
from virtual_time import now

from a2e_async import RejectedRequestError, ServiceError, StartUnknownError, TransportError

ID = "65f000000000000000000001"
ROOM = yes({"token": TOKEN, "appId": "app", "channel": "room-1", "uid": 7, "expire_epoch_timestamp": 1735787045})
OCCUPIED = no(200, 1001, "Sorry, all hosts are occupied")
LOST = TransportError("connection reset", sent=True)
TAKE, LEAVE = "POST /api/v1/streaming-avatar/agora-token", "POST /api/v1/streaming-avatar/leave"


@story(ROOM, yes())
async def test_a_room_is_left_at_the_end(a2e, wire):
    """Its channel is named in each call about it."""
    async with a2e.calls.streaming.room(ID, 60) as room:
        assert (room.token.channel, room.token.uid, room.token.app_id) == ("room-1", 7, "app")
        await room.speak("Hello")
        await room.set_qa_context("Her name is Alice.")
        await room.ask("Who are you?")
        assert await room.get_qa_context() == ""
    assert [path.rpartition("/")[2] for path in wire.paths] == [
        "agora-token",
        "speak",
        "set-qa-context",
        "ask",
        "get-qa-context",
        "leave",
    ]
    assert wire.sent[0].body == {"avatar_id": ID, "expire_seconds": 60}
    assert [one.body["channel"] for one in wire.sent[1:4]] == ["room-1"] * 3
    assert wire.sent[-1].body == {"channel": "room-1"}


@story(ROOM, yes())
async def test_a_room_is_left_after_an_error(a2e, wire):
    """What went wrong in the block comes out as itself."""
    with pytest.raises(ZeroDivisionError):
        async with a2e.calls.streaming.room(ID, 60):
            raise ZeroDivisionError
    assert wire.paths == [TAKE, LEAVE]


@story(ROOM, LOST, no(502), yes())
async def test_leaving_is_repeated(a2e, wire):
    """Leaving twice harms nobody; not leaving costs coins."""
    async with a2e.calls.streaming.room(ID, 60):
        pass
    assert wire.paths == [TAKE, LEAVE, LEAVE, LEAVE]


@story(ROOM, no(400))
async def test_a_room_that_cannot_be_left_is_an_error(a2e, wire):
    """Whoever would go on being charged hears of it."""
    with pytest.raises(RejectedRequestError):
        async with a2e.calls.streaming.room(ID, 60):
            pass


def test_an_error_in_the_block_comes_before_one_of_leaving(caplog):
    """The error of the block comes out; that the room stays charged is in the log, without its token."""

    @story(ROOM, no(400))
    async def told(a2e, wire):
        with pytest.raises(ZeroDivisionError):
            async with a2e.calls.streaming.room(ID, 60):
                raise ZeroDivisionError

    with caplog.at_level(logging.WARNING, "a2e_async"):
        told()
    assert "the room room-1 could not be left, it stays charged until it closes" in caplog.text
    assert TOKEN not in caplog.text


async def _entered(a2e, inside):
    async with a2e.calls.streaming.room(ID, 60):
        inside.set()
        await asyncio.sleep(1000)


@story(ROOM, yes(), pause=1.0)
async def test_a_room_is_left_when_its_user_is_cancelled(a2e, wire):
    """Leaving is waited for, also when it is cancelled a second time."""
    inside = asyncio.Event()
    task = asyncio.create_task(_entered(a2e, inside))
    await inside.wait()
    task.cancel()
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wire.paths == [TAKE, LEAVE]
    assert now() == 2


@story(ROOM, yes(), pause=1.0)
async def test_a_room_that_comes_after_all_is_left(a2e, wire):
    """Whoever is cancelled while the token is under way leaves the room that comes, and never enters it."""
    inside = asyncio.Event()
    task = asyncio.create_task(_entered(a2e, inside))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wire.paths == [TAKE, LEAVE]
    assert not inside.is_set()


@story(OCCUPIED, OCCUPIED, no(503, 1001, "hosts are occupied"), ROOM, yes())
async def test_a_free_host_is_waited_for(a2e, wire):
    """All hosts are occupied, whatever the HTTP status; the fourth enquiry finds one free."""
    async with a2e.calls.streaming.room(ID, 60, wait=60):
        assert now() == 2 + 4 + 8
    assert wire.paths == [TAKE] * 4 + [LEAVE]


@story(OCCUPIED)
async def test_a_free_host_is_waited_for_no_longer_than_said(a2e, wire):
    """After ten seconds the answer is the service's own; nothing has to be left."""
    with pytest.raises(ServiceError) as caught:
        await a2e.calls.streaming.token(ID, 60, wait=10)
    assert caught.value.code == 1001
    assert now() == 10
    assert wire.paths == [TAKE] * 4


@pytest.mark.parametrize("refusal", [OCCUPIED, no(503, 1001, "hosts are occupied"), no(400)])
def test_a_room_that_was_refused_is_not_left(refusal):
    """Without a wait the refusal comes at once, and is no unknown outcome."""

    @story(refusal)
    async def told(a2e, wire):
        with pytest.raises(ServiceError):
            async with a2e.calls.streaming.room(ID, 60):
                raise AssertionError
        assert now() == 0
        assert wire.paths == [TAKE]

    told()


@pytest.mark.parametrize("lost", [LOST, no(502), yes({"token": TOKEN})])
def test_a_room_whose_token_was_lost_says_so(lost):
    """It may have been charged, and is not asked for again; the token is not in the words."""

    @story(lost)
    async def told(a2e, wire):
        with pytest.raises(StartUnknownError, match="the room may have been charged") as caught:
            await a2e.calls.streaming.token(ID, 60, wait=60)
        assert TOKEN not in str(caught.value)
        assert len(wire.sent) == 1

    told()


@story(ROOM)
async def test_a_room_that_is_left_early_by_break(a2e, wire):
    """A generator that is thrown away in the midst of it leaves the room when it is closed."""

    async def words():
        async with a2e.calls.streaming.room(ID, 60) as room:
            yield room.token.channel

    channel = words()
    assert await anext(channel) == "room-1"
    await channel.aclose()
    assert wire.paths == [TAKE, LEAVE]
