"""Ledgers that are damaged, foreign or of another version."""

from __future__ import annotations

import os
import sqlite3

import pytest
from ledgers import HOLD, entry, filled, opened, overwrite, refused, running, seen

from a2e_async.batch import schema
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.stored import read_coins, read_entries
from a2e_async.errors import LedgerError
from a2e_async.store.entries import State


def cut(path):
    """Cut a file in half."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def sql(*statements):
    """Make something that changes a ledger from outside."""

    def change(path):
        with sqlite3.connect(path) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    return change


DAMAGES = {
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "cut in half": (cut, "damaged"),
    "cut to a page": (lambda path: os.truncate(path, 4096), "damaged"),
    "cut within a page": (lambda path: os.truncate(path, 10_000), "damaged"),
    "header": (lambda path: overwrite(path, 0, 100), "damaged"),
    "first page": (lambda path: overwrite(path, 100, 3000), "damaged"),
    "a middle page": (lambda path: overwrite(path, 8 * 4096, 4096), "damaged"),
    "last page": (lambda path: overwrite(path, path.stat().st_size - 4096, 4096), "damaged"),
    "all zeros": (lambda path: path.write_bytes(bytes(path.stat().st_size)), "damaged"),
    "no SQLite": (lambda path: path.write_text("id,prompt\na,b\n" * 500), "damaged"),
    "another program's": (sql("DROP TABLE about"), "no version"),
    "newer": (sql("UPDATE about SET value = '99' WHERE key = 'version'"), "version 99"),
    "no version": (sql("DELETE FROM about WHERE key = 'version'"), "no version"),
    "a wrong version": (sql("UPDATE about SET value = 'x' WHERE key = 'version'"), "no version"),
    "no batch id": (sql("DELETE FROM about WHERE key = 'batch_id'"), "no batch id"),
}


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_damaged_ledger_is_refused_and_left_as_it_is(tmp_path, kind):
    """Nothing is begun in its place, its bytes stay, and the words say what is wrong and where."""
    damage, words = DAMAGES[kind]
    await filled(tmp_path)
    path = tmp_path / FILE_NAME
    damage(path)
    before = path.read_bytes()
    told = await refused(tmp_path)
    assert words in told
    assert kind == "newer" or str(path) in told
    assert path.read_bytes() == before
    if kind != "no batch id":  # which only a writer needs
        for read in (read_coins, lambda path: list(read_entries(path))):
            with pytest.raises(LedgerError):
                read(path)
    assert path.read_bytes() == before


async def test_a_damaged_ledger_whose_process_was_killed_is_left_as_it_is(tmp_path):
    """Also what waits in the WAL is not written into a file that is refused."""
    await filled(tmp_path / "old")
    with running(HOLD.replace("print", "await _.plan([entry()]); print").replace(
        "opened(pathlib.Path(sys.argv[1]))", "opened(pathlib.Path(sys.argv[1])) as _"
    ).replace("import opened", "import entry, opened"), tmp_path / "old") as process:  # fmt: skip
        assert process.stdout.readline() == "held\n"
    path = tmp_path / "old" / FILE_NAME
    assert (path.with_name(path.name + "-wal")).stat().st_size > 0
    overwrite(path, 8 * 4096, 4096)
    before = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
    assert "damaged" in await refused(path.parent)
    assert (path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()) == before


async def test_a_folder_in_its_place_is_refused(tmp_path):
    """A folder of that name is left alone."""
    (tmp_path / FILE_NAME).mkdir()
    assert str(tmp_path) in await refused(tmp_path)
    assert (tmp_path / FILE_NAME).is_dir()


@pytest.mark.parametrize("column", ["fields", "task_ids", "files", "state"])
async def test_a_row_that_was_not_written_by_us_is_damage(tmp_path, column):
    """What cannot be read is a LedgerError, never an error of some parser."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        await book.write((f"UPDATE rows SET {column} = 'nonsense'", ()))
        with pytest.raises(LedgerError, match="row 'a' cannot be read"):
            await book.known(["a"])


async def test_what_a_killed_beginning_left_behind_is_no_ledger(tmp_path):
    """A ledger that was not finished when it was begun is begun anew."""
    (tmp_path / f"{FILE_NAME}.new").write_bytes(b"half a file")
    (tmp_path / f"{FILE_NAME}.new-journal").write_bytes(b"half a journal")
    await filled(tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if ".new" in path.name]


# Older versions.


async def test_an_older_ledger_is_brought_up_to_date(tmp_path, monkeypatch):
    """The steps that are missing are taken once, and the rows stay."""
    await filled(tmp_path, 3)
    more = "ALTER TABLE rows ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'; CREATE INDEX moods ON rows (mood);"
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, more))
    for _ in range(2):
        async with opened(tmp_path):
            pass
    assert seen(tmp_path, "SELECT DISTINCT mood, (SELECT count(*) FROM rows) FROM rows") == [("fine", 3)]
    assert seen(tmp_path, "SELECT value FROM about WHERE key = 'version'") == [("3",)]


async def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch):
    """A step is taken whole or not at all; the older program still opens the ledger."""
    await filled(tmp_path, 3)
    with monkeypatch.context() as patch:
        steps = (*schema.STEPS, "CREATE TABLE good (x)", "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);")
        patch.setattr(schema, "STEPS", steps)
        assert "nowhere" in await refused(tmp_path)
        assert seen(tmp_path, "SELECT value FROM about WHERE key = 'version'") == [("3",)]
        assert seen(tmp_path, "SELECT name FROM sqlite_master WHERE name IN ('good', 'half')") == [("good",)]
        patch.setattr(schema, "STEPS", steps[:3])
        async with opened(tmp_path) as book:
            assert await book.counts() == {State.PLANNED: 3}
    assert "version 3" in await refused(tmp_path)
