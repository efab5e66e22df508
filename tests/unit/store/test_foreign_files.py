"""A store or a ledger that somebody else made, and what lies beside it: nothing of it is followed or believed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct

import pytest
from ledgers import filled, refused

from a2e_async.batch.ledger_file import FILE_NAME, STORE_FILE
from a2e_async.batch.stored import read_entries
from a2e_async.cli.batch.where import file_url
from a2e_async.errors import LedgerError, UsageError
from a2e_async.store.opening import open_store
from a2e_async.store.places import refuse_planted
from a2e_async.store.sqlite import prepared

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_SECTOR = 512
_PAGE = 4096


def journal_of_others(database, name):
    """Give a journal as SQLite writes it for a change to several files: it names the journal of all of them."""
    head = _MAGIC + struct.pack(">IIIII", 0, 1, database.stat().st_size // _PAGE, _SECTOR, _PAGE)
    named = os.fsencode(name)
    return (
        head.ljust(_SECTOR, b"\0")
        + struct.pack(">I", (1 << 30) // _PAGE + 1)
        + named
        + struct.pack(">II", len(named), sum(named))
        + _MAGIC
    )


@pytest.fixture
def mine(tmp_path):
    """A file of the user's."""
    path = tmp_path / "mine.txt"
    path.write_text("precious")
    return path


async def begun(path):
    """Begin a store."""
    store = open_store(f"sqlite:///{path}")
    await store.open()
    await store.aclose()


async def opening_of(path):
    """Give the words with which a store is not opened."""
    store = open_store(f"sqlite:///{path}")
    with pytest.raises(LedgerError) as caught:
        await store.open()
    return caught.value.message


async def test_a_journal_never_makes_a_ledger_delete_another_file(tmp_path, mine):
    """Neither where it is written nor where it is read."""
    folder = tmp_path / "out"
    await filled(folder, 1)
    (folder / f"{FILE_NAME}-journal").write_bytes(journal_of_others(folder / FILE_NAME, mine))
    assert "names a journal of other files" in await refused(folder)
    with pytest.raises(LedgerError, match="names a journal of other files"):
        list(read_entries(folder / FILE_NAME))
    assert mine.read_text() == "precious"


async def test_a_journal_never_makes_a_store_delete_another_file(tmp_path, mine):
    """Also where the store's address is a link to it."""
    folder = tmp_path / "out"
    folder.mkdir()
    await begun(folder / STORE_FILE)
    (folder / f"{STORE_FILE}-journal").write_bytes(journal_of_others(folder / STORE_FILE, mine))
    (tmp_path / "address.sqlite").symlink_to(folder / STORE_FILE)
    for path in (folder / STORE_FILE, tmp_path / "address.sqlite"):
        assert "names a journal of other files" in await opening_of(path)
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"\0", _MAGIC[:7], b"\0" * 600])
def test_a_journal_of_ours_is_let_be(tmp_path, content):
    """A process that was killed leaves one, which SQLite goes back by."""
    (tmp_path / "jobs.sqlite-journal").write_bytes(content)
    refuse_planted(tmp_path / "jobs.sqlite")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are of POSIX")
@pytest.mark.parametrize("kind", ["symbolic link", "hard link", "pipe"])
@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
async def test_nothing_beside_a_store_is_followed(tmp_path, mine, suffix, kind):
    """It is refused in words, and not waited for."""
    path = tmp_path / f"jobs.sqlite{suffix}"
    plant = {"symbolic link": lambda: path.symlink_to(mine), "hard link": lambda: path.hardlink_to(mine)}
    plant.get(kind, lambda: os.mkfifo(path))()
    assert "is a link, or no plain file" in await opening_of(tmp_path / "jobs.sqlite")
    assert mine.read_text() == "precious"


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are of POSIX")
async def test_a_pipe_is_no_store(tmp_path):
    """Nobody waits for whoever would write into it."""
    os.mkfifo(tmp_path / "jobs.sqlite")
    assert "is no plain file" in await opening_of(tmp_path / "jobs.sqlite")


def test_a_link_in_the_place_of_a_folders_own_store_is_refused(tmp_path, mine):
    """A folder comes from somewhere else, an address from the user."""
    (tmp_path / STORE_FILE).symlink_to(mine)
    with pytest.raises(UsageError, match="link, or no plain file"):
        file_url(tmp_path)


OBJECTS = {
    "a view": "CREATE VIEW more AS SELECT * FROM rows",
    "a view in the place of a table": "DROP TABLE hints; CREATE VIEW hints AS SELECT 1 AS id, 'x' AS task_id, 0 AS at",
    "a trigger": "CREATE TRIGGER t AFTER UPDATE ON rows BEGIN UPDATE rows SET coins = 0; END",
    "a trigger on purses": "CREATE TRIGGER t AFTER UPDATE ON purses BEGIN UPDATE purses SET taken = 0; END",
    "an index by an expression": "CREATE INDEX i ON rows (abs(coins))",
    "a unique index": "CREATE UNIQUE INDEX i ON rows (family)",
    "a table": "CREATE TABLE more (x)",
    "a virtual table": "CREATE VIRTUAL TABLE more USING fts5(x)",
    "a generated column": "ALTER TABLE rows ADD COLUMN more TEXT AS (id)",
    "another name of a column": "ALTER TABLE rows RENAME COLUMN price TO cost",
    "no rows": "DROP TABLE rows",
    "an index less": "DROP INDEX rows_shard",
}


@pytest.mark.parametrize("kind", OBJECTS)
async def test_a_store_holds_exactly_its_tables(tmp_path, kind):
    """Any other object could change what a run does."""
    path = tmp_path / "jobs.sqlite"
    await begun(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(OBJECTS[kind])
    assert "its tables are not those of a store" in await opening_of(path)


@pytest.mark.parametrize("version", ["9" * 5000, "-1", "1.5", "٣", ""])
async def test_the_version_of_a_store_is_a_small_number(tmp_path, version):
    """Thousands of digits raise no error of Python's."""
    path = tmp_path / "jobs.sqlite"
    await begun(path)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE about SET value = ? WHERE key = 'version'", (version,))
    assert len(await opening_of(path)) < 300


async def test_a_view_is_never_asked_for_the_version(tmp_path):
    """It may have no end."""
    path = tmp_path / "jobs.sqlite"
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS key, n AS value FROM c"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(f"CREATE TABLE rows (x); CREATE VIEW about AS {endless} WHERE n < 0")
    assert "holds something else, not a store" in await opening_of(path)


async def test_coins_below_nothing_lift_no_limit(tmp_path):
    """Whoever made the file may have written what nobody can have spent."""
    path = tmp_path / "jobs.sqlite"
    with contextlib.closing(prepared(sqlite3.connect(path, isolation_level=None), wal=False)) as db:
        columns = "batch, id, shard, family, fields, state, coins, lost_coins"
        db.execute(f"INSERT INTO rows ({columns}) VALUES ('b', 'a', 1, 'text_to_image', '{{}}', 'done', 12, -1e9)")
        db.execute("INSERT INTO purses VALUES ('b', -1e9)")
    store = open_store(f"sqlite:///{path}")
    await store.open()
    try:
        assert await store._engine.open_purse("b", 15) == 12
    finally:
        await store.aclose()
