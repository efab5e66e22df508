"""How a batch is run, as all processes read it, and what of an address may be shown."""

from __future__ import annotations

import os
import subprocess
import sys

import attrs
import pytest
from fleets import stores

from a2e_async import A2EClient, LedgerError, UsageError
from a2e_async.batch import Batch
from a2e_async.cli.batch.where import shown_url, store_url, url_of
from a2e_async.fleet.planning import check_name
from a2e_async.fleet.terms import (
    MARK,
    Terms,
    check_folder,
    mark_folder,
    read_mark,
    read_terms,
    stop,
    stopped,
    write_terms,
)


async def test_terms_come_back_as_they_were_written():
    """Every field of them; planning again lifts a stop."""
    terms = Terms(max_running=7, max_coins=5.5, rate=2, price=1, timeout=3, service="x", shared=True, run="r")
    terms = attrs.evolve(terms, upload_price=4)
    async with stores(2) as (one, other):
        await write_terms(one, "b", terms)
        assert await read_terms(other, "b") == terms
        await stop(other, "b", "enough")
        assert await stopped(one, "b") == "enough"
        await write_terms(one, "b", terms)
        assert not await stopped(other, "b")


async def test_what_cannot_be_read_is_said():
    """Somebody else's words, and a batch that is not there."""
    async with stores(1) as (store,):
        await store.keep("terms of b", "[]")
        with pytest.raises(LedgerError, match="how batch b is run cannot be read"):
            await read_terms(store, "b")
        with pytest.raises(UsageError, match="there is no batch 'c'"):
            await stop(store, "c", "why")


@pytest.mark.parametrize("name", ["", " ", "jobs", "a\nb", "x" * 101])
def test_a_name_that_no_batch_may_have(name):
    """Blank, too long, unprintable, or that of the applications' jobs."""
    with pytest.raises(UsageError, match="name: must be printable text of 1 to 100 characters"):
        check_name(name)


def test_the_address_is_taken_out_of_the_environment(monkeypatch, tmp_path):
    """So that nothing that this process begins or prints has it by accident; an option goes before it."""
    monkeypatch.setenv("A2E_STORE", "postgresql://db/a2e")
    assert store_url(None) == "postgresql://db/a2e"
    assert store_url(None) is None
    monkeypatch.setenv("A2E_STORE", "postgresql://db/a2e")
    assert store_url("memory:") == "memory:"
    assert url_of(tmp_path, None) is None
    assert url_of(tmp_path, None, several=True) == f"sqlite:///{tmp_path}/fleet.sqlite"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a2e@db/a2e", True),
        ("postgresql://a2e:secret@db/a2e", False),
        ("postgresql://db/a2e?password=secret", False),
        ("sqlite:///fleet.sqlite", True),
        ("postgresql://[", False),
    ],
)
def test_an_address_with_a_password_is_not_shown(url, shown):
    """Neither in the line that resumes nor anywhere else."""
    assert (shown_url(url) == url) is shown


async def test_a_fleets_folder_is_no_batch_of_one_process(tmp_path):
    """Its rows are in no ledger: a new one would pay for them again."""
    (tmp_path / "fleet.sqlite").write_bytes(b"x")
    async with A2EClient("sk_x", base_url="http://127.0.0.1:1") as a2e:
        with pytest.raises(LedgerError, match="holds a batch of several processes"):
            async with Batch.open(tmp_path, a2e):
                pass


def test_one_process_loads_nothing_of_a_fleet():
    """`a2e batch` without a store knows where it would be, and no more."""
    code = "import sys, a2e_async.cli.batch; print([one for one in sys.modules if 'fleet' in one or 'psycopg' in one])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


PLANTED = {
    "a link": lambda mark, mine: mark.symlink_to(mine),
    "a dangling link": lambda mark, mine: mark.symlink_to(mine.with_name("nowhere")),
    "a pipe": lambda mark, _mine: os.mkfifo(mark),
    "a folder": lambda mark, _mine: mark.mkdir(),
}


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are of POSIX")
@pytest.mark.parametrize("kind", PLANTED)
async def test_nothing_is_written_through_what_lies_in_the_place_of_the_mark(tmp_path, kind):
    """A folder may come from somebody else."""
    mine, folder = tmp_path / "mine.txt", tmp_path / "out"
    mine.write_text("precious")
    folder.mkdir()
    PLANTED[kind](folder / MARK, mine)
    async with stores(1) as (store,):
        for way in (mark_folder(store, "b", folder), check_folder(store, "b", folder, shared=False)):
            with pytest.raises(UsageError, match="is a link, or no plain file: it was not made by a2e"):
                await way
    assert mine.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


async def test_a_hard_link_to_the_mark_keeps_its_content(tmp_path):
    """The mark is written anew and put in its place."""
    mine = tmp_path / "mine.txt"
    mine.write_text("")
    (tmp_path / MARK).hardlink_to(mine)
    async with stores(1) as (store,):
        await mark_folder(store, "b", tmp_path)
        await mark_folder(store, "b", tmp_path)
    assert mine.read_text() == ""
    assert '"batch": "b"' in read_mark(tmp_path)
