"""A folder or a ledger that somebody else made is refused in words: nothing of it is believed, followed or changed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import threading

import pytest
from batches import KITE, client, play, service
from ledgers import entry, filled, opened, refused

from a2e_async import LedgerError
from a2e_async.batch import Batch
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.report import write_report
from a2e_async.batch.stored import read_coins, read_entries
from a2e_async.store.values import is_deep, is_inside

LOCK = f".{FILE_NAME}.lock"
DEEP = '{"a":' * 5000 + "1" + "}" * 5000


def change(folder, *statements):
    """Change a ledger from outside."""
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME)) as db, db:
        for statement in statements:
            db.execute(statement) if isinstance(statement, str) else db.execute(*statement)


def unreadable(folder):
    """Give the words with which both readers refuse a ledger."""
    words = []
    for read in (lambda path: list(read_entries(path)), read_coins):
        try:
            read(folder / FILE_NAME)
        except LedgerError as error:
            words.append(error.message)
    return words


OBJECTS = {
    "a view": "CREATE VIEW more AS SELECT * FROM rows",
    "a trigger": "CREATE TRIGGER t AFTER UPDATE ON rows BEGIN UPDATE rows SET coins = 0; END",
    "a trigger that plans again": "CREATE TRIGGER t AFTER UPDATE ON rows BEGIN UPDATE rows SET state = 'planned'; END",
    "an index": "CREATE INDEX i ON rows (state)",
    "an index by an expression": "CREATE INDEX i ON rows (abs(coins))",
    "a partial index": "CREATE UNIQUE INDEX i ON rows (family) WHERE state = 'done'",
    "a table": "CREATE TABLE more (x)",
    "a virtual table": "CREATE VIRTUAL TABLE more USING fts5(x)",
    "a column": "ALTER TABLE rows ADD COLUMN more TEXT",
    "a generated column": "ALTER TABLE rows ADD COLUMN more TEXT AS (id)",
    "another name of a column": "ALTER TABLE rows RENAME COLUMN price TO cost",
    "no rows": "DROP TABLE rows",
}


@pytest.mark.parametrize("kind", OBJECTS)
async def test_a_ledger_holds_exactly_its_tables(tmp_path, kind):
    """Any other object could change what a run does; the file stays as it is."""
    await filled(tmp_path, 3)
    change(tmp_path, OBJECTS[kind])
    before = (tmp_path / FILE_NAME).read_bytes()
    assert "its tables are not those of a ledger" in await refused(tmp_path)
    assert len(unreadable(tmp_path)) == 2
    assert (tmp_path / FILE_NAME).read_bytes() == before


ENDLESS = (
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS key, '1' AS value FROM c WHERE n < 0"
)


@pytest.mark.parametrize("name", ["about", "rows", "sqlite_stat"])
async def test_a_query_of_somebody_else_is_never_run(tmp_path, name):
    """Not even to learn the version: a view in the place of a table may never end."""
    await filled(tmp_path, 3)
    with contextlib.suppress(sqlite3.Error):
        change(tmp_path, f"DROP TABLE {name}")
    change(tmp_path, f"CREATE VIEW {'more' if name == 'sqlite_stat' else name} AS {ENDLESS}")
    ended = []
    thread = threading.Thread(target=lambda: ended.append(unreadable(tmp_path)), daemon=True)
    thread.start()
    thread.join(20)
    assert [len(words) for words in ended] == [2]


VALUES = {
    "fields": [DEEP, "[]", "1", '"x"', '{"a":' * 150 + "1" + "}" * 150],
    "task_ids": ['{"a": 1}', "[1]", '[""]', '"abc"', "[" * 3000 + "]" * 3000],
    "files": [
        '[{"path": 5, "bytes": 1, "sha256": ""}]', '[{"path": "a", "bytes": -1, "sha256": ""}]', '[{"path": "a"}]',
        '[{"path": "a", "bytes": "1", "sha256": ""}]', '[{"path": "a", "bytes": 1, "sha256": "<b>"}]', "5", "[5]",
        '[{"path": "a", "bytes": true, "sha256": ""}]',
    ],
    "state": ["", "DONE", "finished"],
    "tag": ["A", "a b", "a" * 50, "a'; DROP TABLE rows"],
    "letters": ["c", "aa", "ba"],
    "attempt": [0, -1, 2**60],
    "planned_at": [-1.0, 1e300, float("inf")],
    "finished_at": [1e301, -5.0],
    "sent_first": [1e300],
    "edited": ["5", '["x"]', '["x", 5]', DEEP],
    "listed": [2, -1],
    "id": ["", "x" * 101, "a\x1b[2J", "a\nb"],
    "family": ["", "x\x00y"],
}  # fmt: skip


@pytest.mark.parametrize(("column", "value"), [(column, value) for column, them in VALUES.items() for value in them])
async def test_every_value_is_checked_for_type_and_range(tmp_path, column, value):
    """What was not written by this program is damage, in words."""
    await filled(tmp_path, 1)
    change(tmp_path, (f"UPDATE rows SET {column} = ?", (value,)))
    assert "the ledger is damaged: row " in unreadable(tmp_path)[0]
    async with opened(tmp_path) as book:
        with pytest.raises(LedgerError, match="the ledger is damaged"):
            await book.known([row[0] for row in await book._ask("SELECT id FROM rows")])


FACTS = {
    "batch_id": ["x", "A" * 32, "0" * 65],
    "salt": ["zz", "", "0" * 31],
    "begun": ["nonsense", "-1", "1e300", "nan", "9" * 300],
    "service": ["http://\x1b[2J", "x" * 5000, ""],
    "account": ["\xe9" * 64, "", "0"],
    "user": ["\ud83e".encode("utf-8", "replace").decode(), "0" * 65],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, them in FACTS.items() for value in them])
async def test_what_stands_beside_the_rows_is_checked_too(tmp_path, key, value):
    """In words, and never as an error of some parser."""
    await filled(tmp_path, 1)
    change(tmp_path, ("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value)))
    assert f"its {key} cannot be read" in await refused(tmp_path)


@pytest.mark.parametrize("version", ["9" * 5000, "-1", "1.0", "²", "99999999999", "", " 1"])
async def test_a_version_is_a_small_number(tmp_path, version):
    """Any other one is none."""
    await filled(tmp_path, 1)
    change(tmp_path, ("UPDATE about SET value = ? WHERE key = 'version'", (version,)))
    assert "no version" in await refused(tmp_path)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "..", "", "C:\\x", "C:x", "\\\\host\\x", "a\\..\\x", "a\x00b", "a\nb", "//x"],
)
async def test_files_lie_in_the_folder(tmp_path, path):
    """A path that leads out of it, on any system, is in no page and in no outcome."""
    assert not is_inside(path)
    async with service() as sim:
        await play(tmp_path, sim, [KITE])
        files = json.dumps([{"path": path, "bytes": 5, "sha256": ""}])
        change(tmp_path, ("UPDATE rows SET files = ?", (files,)))
        with pytest.raises(LedgerError, match="cannot be read"):
            await play(tmp_path, sim, [KITE])
    with pytest.raises(LedgerError):
        write_report(tmp_path, read_entries(tmp_path / FILE_NAME))


def test_paths_in_the_folder_are_paths():
    """Also in folders of it."""
    assert all(map(is_inside, ["kite.png", "a/b.png", "..a", "höher.png", "a b.png", ".hidden"]))


@pytest.mark.parametrize("same", [True, False])
async def test_a_link_in_the_place_of_a_file_is_not_that_file(tmp_path, same):
    """What it leads to is given to nobody and stays as it is, whatever its length."""
    async with service() as sim:
        (path,) = (await play(tmp_path, sim, [KITE])).outcomes["kite"].paths
        elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
        other = bytes(path.stat().st_size + (0 if same else 5))
        elsewhere.write_bytes(other)
        path.unlink()
        path.symlink_to(elsewhere)
        run = await play(tmp_path, sim, [KITE])
        assert not any(one.is_symlink() for one in run.outcomes["kite"].paths)
        assert elsewhere.read_bytes() == other


def test_depth_is_counted_without_recursion():
    """However deep it is."""
    value = {}
    for _ in range(100_000):
        value = {"a": [value]}
    assert is_deep(value)
    assert not is_deep({"a": [{"b": (1, 2)}]})
    while value:  # Python takes it apart by recursion otherwise
        value = value["a"].pop()


async def test_a_row_that_could_not_be_read_again_is_not_planned(tmp_path):
    """What lies too deep is refused before anything is started."""
    async with service() as sim, client(sim) as a2e, Batch.open(tmp_path, a2e) as batch:
        deep = {}
        for _ in range(150):
            deep = {"a": deep}
        with pytest.raises(Exception, match="deep in each other"):
            _given = [outcome async for outcome in batch.run([KITE.__class__(**_with(KITE, extra=deep))])]


def _with(row, **fields):
    return {"id": row.id, "family": row.family, "fields": {**row.fields, **fields}}


# What lies in the place of our files.


def planted(path, kind, target):
    """Plant something in the place of a file."""
    if kind == "symbolic link":
        path.symlink_to(target)
    elif kind == "dangling link":
        path.symlink_to(target.with_name("nowhere"))
    elif kind == "hard link":
        os.link(target, path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are of POSIX")
@pytest.mark.parametrize("kind", ["symbolic link", "dangling link", "hard link", "pipe", "folder", "device"])
@pytest.mark.parametrize("name", [LOCK, FILE_NAME, *(f"{FILE_NAME}-{what}" for what in ("wal", "shm", "journal"))])
async def test_nothing_that_lies_in_the_place_of_our_files_is_followed(tmp_path, kind, name):
    """Neither truncated nor waited for: it is refused in words, and all is as it was."""
    mine = tmp_path / "mine.txt"
    mine.write_text("precious")
    folder = tmp_path / "out"
    folder.mkdir()
    planted(folder / name, kind, mine)
    assert "link, or no plain file" in await refused(folder)
    assert mine.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert {path.name for path in folder.iterdir()} <= {name, LOCK}


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are of POSIX")
@pytest.mark.parametrize("kind", ["hard link", "pipe"])
async def test_who_reads_a_ledger_is_not_led_elsewhere_either(tmp_path, kind):
    """SQLite truncates a file that is named as one of its own, and waits for ever for a pipe."""
    mine = tmp_path / "mine.txt"
    mine.write_text("precious")
    await filled(tmp_path / "out", rows=1)
    planted(tmp_path / "out" / f"{FILE_NAME}-journal", kind, mine)
    with pytest.raises(LedgerError, match="link, or no plain file"):
        list(read_entries(tmp_path / "out" / FILE_NAME))
    assert mine.read_text() == "precious"


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
async def test_ledger_lock_and_wal_are_for_their_owner_alone(tmp_path):
    """Rows may hold the token of a webhook; an older version's files are closed to others when they are opened."""
    before = os.umask(0o022)
    try:
        async with opened(tmp_path) as book:
            await book.plan([entry()])
            made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
            assert set(made) >= {FILE_NAME, LOCK, f"{FILE_NAME}-wal"}
            assert set(made.values()) == {0o600}
        (tmp_path / LOCK).chmod(0o644)
        async with opened(tmp_path):
            assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == 0o600
    finally:
        os.umask(before)


# While it runs, and beside it.


@pytest.mark.parametrize("what", ["deleted", "renamed", "replaced", "folder renamed"])
async def test_a_ledger_that_is_not_in_its_place_any_more_stops_the_batch(tmp_path, what):
    """The next run would not find what is written into it."""
    folder = tmp_path / "out"
    ledger = await FolderLedger.open(folder)
    await ledger.plan([entry()])
    path = folder / FILE_NAME
    if what == "deleted":
        path.unlink()
    elif what == "folder renamed":
        folder.rename(tmp_path / "elsewhere")
    else:
        path.rename(folder / "other")
        if what == "replaced":
            path.write_bytes((folder / "other").read_bytes())
    with pytest.raises(LedgerError, match="deleted, renamed or replaced"):
        await ledger.intended("a", "abcdefgh", 1)
    with pytest.raises(LedgerError, match="deleted, renamed or replaced"):
        await ledger.known(["a"])
    await ledger.aclose()
