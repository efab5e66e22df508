"""From an address to a store: what is refused, in which words, and what is never shown."""

from __future__ import annotations

import contextlib
import importlib.util
import sqlite3

import pytest

from a2e_async.batch.ledger import FolderLedger
from a2e_async.errors import LedgerError, UsageError
from a2e_async.store.memory import MemoryStore
from a2e_async.store.opening import open_store
from a2e_async.store.places import boot_id
from a2e_async.store.sqlite import prepared


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must be an address such as sqlite:///"),
        (None, "not NoneType"),
        (7, "not int"),
        ("mysql://a@b/c", "unknown address 'mysql://b/c'; give sqlite:///"),
        ("jobs.sqlite", "unknown address 'jobs.sqlite'"),
        ("sqlite:jobs.sqlite", "must be sqlite:/// and a path"),
        ("sqlite://jobs.sqlite", "must be sqlite:/// and a path"),
        ("sqlite:///", "must be sqlite:/// and a path"),
        ("sqlite:///jobs.sqlite?mode=ro", "must be sqlite:/// and a path"),
        ("postgresql://a:hunter2@h:99999999/db?bad", "no address that PostgreSQL can read"),
        ("postgresql://a:hunt%zzer2@h/db", "no address that PostgreSQL can read"),
    ],
)
def test_what_is_no_address_is_refused(url, words):
    """The message says what would be one, and shows no password."""
    if "PostgreSQL" in words and importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed here")
    with pytest.raises(UsageError) as caught:
        open_store(url)
    assert words in caught.value.message
    assert "hunt" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_folder_is_no_file(tmp_path):
    """The message gives a path that would do."""
    with pytest.raises(UsageError, match=r"is a folder; give the path of a file, such as sqlite:///.*/jobs\.sqlite"):
        open_store(f"sqlite:///{tmp_path}")


def test_postgresql_without_its_extra_says_what_to_install(monkeypatch):
    """And not that a module is missing."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"pip install 'a2e_async\[postgres\]'"):
        open_store("postgresql://a:hunter2@h/db")


def test_nothing_is_opened_before_it_is_asked_for(tmp_path):
    """Neither a file nor a connection; a repr shows the place and no password."""
    store = open_store(f"sqlite:///{tmp_path}/a%20b.sqlite")
    assert repr(store) == f"<store sqlite:///{tmp_path}/a b.sqlite>"
    assert not list(tmp_path.iterdir())
    assert isinstance(open_store("memory:"), MemoryStore)


async def test_a_file_of_something_else_is_left_as_it_is(tmp_path):
    """The ledger of a folder, a text, a folder that is not there."""
    (tmp_path / "text").write_text("no database at all, but long enough for a header of one")
    with pytest.raises(LedgerError, match="is damaged"):
        await open_store(f"sqlite:///{tmp_path}/text").open()
    assert (tmp_path / "text").read_text().startswith("no database")
    with pytest.raises(LedgerError, match="cannot be used"):
        await open_store(f"sqlite:///{tmp_path}/nowhere/jobs.sqlite").open()


async def test_an_address_of_nobody_is_said_without_the_password():
    """Refused connections are said at once, not waited for."""
    pytest.importorskip("psycopg")
    store = open_store("postgresql://a:hunter2@127.0.0.1:1/db?password=hunter3")
    with pytest.raises(LedgerError, match="cannot be used") as caught:
        await store.open()
    assert "hunter" not in f"{caught.value!r} {store!r} {store.place}"


@pytest.mark.parametrize("wal", [True, False])
def test_a_wal_is_written_only_where_several_processes_cannot_damage_it(tmp_path, wal):
    """Before SQLite 3.51.3 they can; the rollback journal is as safe, and a file goes over from one to the other."""
    path = tmp_path / "jobs.sqlite"
    for now in (True, False, wal):
        with contextlib.closing(prepared(sqlite3.connect(path, isolation_level=None), wal=now)) as db:
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal" if now else "delete",)
            assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path):
    """The message says what to do."""
    path = tmp_path / "jobs.sqlite"
    with contextlib.closing(prepared(sqlite3.connect(path, isolation_level=None), wal=False)) as db:
        db.execute("UPDATE about SET value = '99' WHERE key = 'version'")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"is of version 99, this program knows up to .*: upgrade it"):
        prepared(sqlite3.connect(path, isolation_level=None), wal=False)
    assert path.read_bytes() == before


def test_leases_of_an_earlier_life_of_the_machine_are_dead(tmp_path):
    """Their seconds were counted from another beginning."""
    path = tmp_path / "jobs.sqlite"
    with contextlib.closing(prepared(sqlite3.connect(path, isolation_level=None), wal=False)) as db:
        for boot in ("an-earlier-one", boot_id()):
            db.execute("INSERT INTO leases (worker, boot, ttl, beat) VALUES ('w', ?, 30, 1e9)", (boot,))
    with contextlib.closing(prepared(sqlite3.connect(path, isolation_level=None), wal=False)) as db:
        assert db.execute("SELECT boot FROM leases").fetchall() == [(boot_id(),)]


async def test_the_ledger_of_a_folder_is_no_store(tmp_path):
    """The message says what it is."""
    async with contextlib.aclosing(await FolderLedger.open(tmp_path)):
        pass
    with pytest.raises(LedgerError, match="this file holds the ledger of a folder's batch, not a store"):
        await open_store(f"sqlite:///{tmp_path}/ledger.sqlite").open()
