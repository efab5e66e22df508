"""Rows that are given once more: what of them is written anew, and when two of them are the same."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

import pytest

from a2e_async.errors import LedgerError
from a2e_async.store.entries import Entry, State
from a2e_async.store.grouping import Grouping, WaitingWrite
from a2e_async.store.memory import MemoryStore
from a2e_async.store.values import content_of, dump, is_changed
from a2e_async.store.verbs import planning

KITE, BOAT = {"prompt": "a kite"}, {"prompt": "a boat"}
SHA, OTHER = "ab" * 32, "cd" * 32


def row(fields, **more):
    """Make a row."""
    return Entry(id="one", family="text_to_image", fields=fields, **more)


def written(known, given):
    """Give what of a row is written when it is given once more."""
    found = planning(known, given)
    return None if found is None else found[1]


def test_a_row_that_was_not_begun_is_written_as_it_is_given_now():
    """One that is given as it was is not written."""
    assert written(row(KITE), row(KITE)) is None
    assert written(row(KITE), row(BOAT)) == {"family": "text_to_image", "fields": dump(BOAT)}


@pytest.mark.parametrize("begun", [{"state": State.INTENDED}, {"letters": "a"}, {"state": State.DONE}])
def test_a_row_that_was_begun_keeps_what_was_sent_and_notes_how_it_is_given_now(begun):
    """Once: as long as it is given the same way nothing is written, and given as before the note goes."""
    edited = ("text_to_image", BOAT)
    assert written(row(KITE, **begun), row(KITE)) is None
    assert written(row(KITE, **begun), row(BOAT)) == {"edited": dump(edited)}
    assert written(row(KITE, edited=edited, **begun), row(BOAT)) is None
    assert written(row(KITE, edited=edited, **begun), row(KITE)) == {"edited": None}


def image_of(**file):
    """Give the fields of a row that takes a file in a list."""
    return {"image_urls": [{"file": "a.png", "sha256": SHA, **file}]}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (image_of(file="b.png", at="/else/b.png", bytes=7), True),
        (image_of(sha256=OTHER), False),
        (image_of(fitted="cut"), False),
        ({"image_urls": [{"sha256": SHA}]}, False),
        ({"image_urls": [{"file": "a.png", "sha256": "short"}]}, False),
        ({"image_urls": [{"url": "https://example.com/a.png"}]}, False),
    ],
)
def test_a_file_is_the_same_by_what_is_in_it(other, same):
    """However it is called and wherever it lies; an object that is no file of ours is compared whole."""
    assert is_changed(row(image_of()), "text_to_image", other) is not same


def test_objects_that_are_no_files_are_compared_whole():
    """Two of them that differ are two rows."""
    fields = {"media": [{"type": "video", "url": "https://example.com/a.mp4"}]}
    assert content_of(fields) == fields
    assert is_changed(row(fields), "text_to_image", {"media": [{"type": "image", "url": "https://example.com/a.mp4"}]})


async def test_what_waits_as_a_store_closes_is_told_so():
    """Whoever waits for a write that was not done hears that it was not, and which store it is."""

    async def never(*_what):
        await asyncio.Event().wait()

    grouping = Grouping(never, "postgresql://h/db")
    grouping.open()
    one = WaitingWrite(None, "one", None, {}, asyncio.get_running_loop().create_future())
    grouping._until = 0.0
    grouping._empty.clear()
    grouping._waiting.append(one)
    await grouping.aclose()
    with pytest.raises(LedgerError, match="postgresql://h/db is closed; this was not written down"):
        await one.done


async def test_a_file_that_cannot_be_used_is_told_once_and_when_it_can_be_again(caplog):
    """Not at every try: what is to be written waits, and is written then."""
    caplog.set_level(logging.INFO, "a2e_async")
    store = MemoryStore()
    await store.open()
    thread, left = store._engine._thread, [3]
    once = thread._once

    def locked(db, works, **how):
        if left[0]:
            left[0] -= 1
            raise sqlite3.OperationalError("database is locked")
        return once(db, works, **how)

    thread._once = locked
    await store.keep("a", "1")
    assert await store.kept("a") == "1"
    away, back = [one.getMessage() for one in caplog.records]
    assert "database is locked" in away
    assert "what is to be written waits" in away
    assert back == "memory: can be used again"
    await store.aclose()
