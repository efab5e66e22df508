"""The ledger of a batch: what somebody was told is on the disk, whatever happens to the process or to the file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest
from ledgers import child, entry, opened, running, seen, value

from a2e_async.batch import filelock, schema
from a2e_async.batch.entries import MOVES, Event, FileEntry, State
from a2e_async.batch.ledger import Ledger, tag_of
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.stored import read_coins, read_entries
from a2e_async.errors import LedgerError

FILE = FileEntry(path="a.png", bytes=3, sha256="00")


async def refused(folder):
    """Give the words with which the ledger of a folder is refused."""
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(folder)
    return caught.value.message


async def filled(folder, rows=200):
    """Make a ledger of many rows and close it."""
    async with opened(folder) as open_ledger:
        await open_ledger.plan([entry(f"row-{n}", fields={"prompt": "a kite " * 30}) for n in range(rows)])


# What is written and read.


async def test_a_row_goes_through_all_of_its_life(tmp_path):
    """Each write changes what it says and nothing else."""
    async with opened(tmp_path) as book:
        known = (await book.plan([entry(fields={"prompt": "höher 🪁"})]))["a"]
        assert (known.state, known.attempt, known.fields) == (State.PLANNED, 1, {"prompt": "höher 🪁"})
        await book.intended("a", "abcdefgh", 1)
        await book.accepted("a", ["t1", "t2"], 20)
        await book.settled("a", coins=None)
        await book.noted("a", "the file host is down")
        known = (await book.known(["a"]))["a"]
        assert (known.state, known.tag, known.task_ids, known.coins, known.error) == (
            State.COMPLETED, "abcdefgh", ("t1", "t2"), 20, "the file host is down",
        )  # fmt: skip
        await book.downloaded("a", [FILE])
        known = (await book.known(["a"]))["a"]
        assert (known.state, known.files, known.error) == (State.DONE, (FILE,), "")
        times = known.planned_at, known.intended_at, known.accepted_at, known.settled_at, known.done_at
        assert list(times) == sorted(times)


@pytest.mark.parametrize("event", [Event.FAILED, Event.EXPIRED])
async def test_a_bad_end_keeps_its_words_and_can_be_attempted_again(tmp_path, event):
    """A new attempt forgets tag, ids and error, and remembers what the old one cost."""
    state = MOVES[event][1]
    async with opened(tmp_path) as book:
        await book.plan([entry(), entry("b")])
        await book.intended("a", "abcdefgh", 1)
        await book.accepted("a", ["t1"], 20)
        await book.ended("a", event, "x" * 5000)
        known = (await book.known(["a"]))["a"]
        assert (known.state, len(known.error)) == (state, 2000)
        assert await book.again(["a", "b"], [state]) == ["a"]
        known = (await book.known(["a"]))["a"]
        assert (known.state, known.attempt, known.tag, known.task_ids, known.coins, known.error) == (
            State.PLANNED, 2, None, (), None, "",
        )  # fmt: skip
        assert await book.coins() == 20
        assert await book.counts() == {State.PLANNED: 2}
    assert read_coins(tmp_path / FILE_NAME) == 20


async def test_a_released_row_waits_as_if_it_had_never_been_sent(tmp_path):
    """What was surely not taken has no tag and no intent."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        await book.intended("a", "abcdefgh", 1)
        await book.released("a", "no route")
        known = (await book.known(["a"]))["a"]
        assert (known.state, known.tag, known.intended_at, known.error) == (State.PLANNED, None, None, "no route")


async def test_an_intent_of_the_same_tag_keeps_its_time(tmp_path):
    """A resume does not make an old intent young; a new tag has a time of its own."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        await book.intended("a", "abcdefgh", 1)
        await book.write(("UPDATE rows SET intended_at = 5.0", ()))
        await book.intended("a", "abcdefgh", 1)
        assert value(tmp_path, "intended_at") == 5.0
        await book.intended("a", "bcdefghi", 2)
        assert value(tmp_path, "intended_at") > 1e9


async def test_planning_changes_only_what_was_not_begun(tmp_path):
    """An edited row is taken over as long as it is planned, and the first version stays after that."""
    async with opened(tmp_path) as book:
        await book.plan([entry(), entry("b")])
        await book.intended("b", "abcdefgh", 1)
        new = {"prompt": "another"}
        known = await book.plan([entry(fields=new), entry("b", fields=new), entry("c")])
        assert [known[row].fields["prompt"] for row in "abc"] == ["another", "a kite", "a kite"]
        before = book.counters.writes
        await book.plan([entry(fields=new), entry("b", fields=new), entry("c")])
        assert book.counters.writes == before


async def test_entries_are_read_in_order_while_the_ledger_is_in_use(tmp_path):
    """A reader beside the writer sees what was written, in the order in which rows were planned."""
    async with opened(tmp_path) as book:
        await book.plan([entry(row) for row in "cab"])
        await book.intended("a", "abcdefgh", 1)
        entries = list(read_entries(tmp_path / FILE_NAME))
        assert [(one.id, one.state.value) for one in entries] == [("c", "planned"), ("a", "intended"), ("b", "planned")]


def test_a_folder_without_a_ledger_holds_no_batch(tmp_path):
    """Reading begins nothing."""
    with pytest.raises(LedgerError, match="holds no batch"):
        list(read_entries(tmp_path / FILE_NAME))
    assert not any(tmp_path.iterdir())


async def test_text_that_utf_8_has_no_bytes_for_is_kept(tmp_path):
    """A lone surrogate from a service or a caller stops nothing."""
    async with opened(tmp_path) as book:
        known = await book.plan([entry(fields={"prompt": "a\ud800"})])
        assert known["a"].fields == {"prompt": "a\ud800"}
        await book.accepted("a", ["t\udfff"], 10**400)
        await book.ended("a", Event.FAILED, "b\ud800")
        known = (await book.known(["a"]))["a"]
        assert (known.task_ids, known.coins, known.error) == (("t\udfff",), None, "b?")


def test_tags_differ_by_batch_row_and_attempt():
    """The same intent has the same tag, and every other another one."""
    tags = {tag_of(batch, row, attempt) for batch in ("x", "y") for row in ("a", "b") for attempt in (1, 2)}
    assert len(tags) == 8
    assert tag_of("x", "a", 1) == tag_of("x", "a", 1)


# What is durable.


async def test_each_write_is_on_the_disk_when_it_returns(tmp_path):
    """A second connection sees each write as soon as its await has ended."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        assert value(tmp_path, "state") == "planned"
        await book.intended("a", "abcdefgh", 1)
        assert (value(tmp_path, "state"), value(tmp_path, "tag")) == ("intended", "abcdefgh")
        await book.accepted("a", ["t1"], 10)
        assert (value(tmp_path, "state"), value(tmp_path, "task_ids")) == ("accepted", '["t1"]')
        await book.settled("a", coins=10)
        assert value(tmp_path, "state") == "completed"
        await book.downloaded("a", [FILE])
        assert (value(tmp_path, "state"), json.loads(value(tmp_path, "files"))[0]["path"]) == ("done", "a.png")


async def test_many_writers_share_a_commit(tmp_path):
    """With 50 rows in flight there are at least five writes to a commit."""
    async with opened(tmp_path) as book:
        await book.plan([entry(f"r{n}") for n in range(500)])
        before = book.counters.writes, book.counters.commits
        line = iter(range(500))

        async def worker():
            for n in line:
                await book.intended(f"r{n}", "abcdefgh", 1)
                await book.accepted(f"r{n}", [f"t{n}"], 1)
                await asyncio.sleep(random.random() / 200)
                await book.settled(f"r{n}", coins=1)
                await book.known([f"r{n}"])

        await asyncio.gather(*(worker() for _ in range(50)))
        writes, commits = book.counters.writes - before[0], book.counters.commits - before[1]
        assert writes == 1500
        assert writes / commits >= 5


async def test_reading_commits_nothing(tmp_path):
    """Only writes are counted."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        before = book.counters.writes, book.counters.commits
        await asyncio.gather(*(book.known(["a"]) for _ in range(10)), book.counts(), book.coins())
        assert (book.counters.writes, book.counters.commits) == before == (1, 1)


async def test_the_pragmas_are_really_set(tmp_path):
    """WAL with every commit synced to the platter, no memory map, and strict tables."""
    async with opened(tmp_path) as book:
        asked = ("journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync", "mmap_size")
        found = [(await book._ask(f"PRAGMA {pragma}"))[0][0] for pragma in asked[:4]]
        assert found == ["wal", 2, 1, 1]
        assert [row[0] for row in await book._ask("PRAGMA mmap_size")] in ([0], [])
        strict = await book._ask("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
        assert {name: on for name, on in strict if not name.startswith("sqlite_")} == {"rows": 1, "about": 1}


async def test_a_wrong_type_is_refused_by_the_table(tmp_path):
    """STRICT: text does not slip into a column of numbers."""
    async with opened(tmp_path) as book:
        await book.plan([entry()])
        with pytest.raises(LedgerError):
            await book.write(("UPDATE rows SET coins = 'many'", ()))
    assert value(tmp_path, "coins") is None


@pytest.mark.parametrize("seed", range(5))
async def test_a_cancelled_await_leaves_no_half_known_write(tmp_path, seed):
    """A write whose caller was cancelled is there as a whole or not at all, and the ledger goes on."""
    chance = random.Random(seed)
    async with opened(tmp_path) as book:
        await book.plan([entry(f"r{n}") for n in range(40)])
        columns = "UPDATE rows SET state = 'accepted' WHERE id = ?", "UPDATE rows SET task_ids = '[1]' WHERE id = ?"
        tasks = [asyncio.create_task(book.write(*((sql, (f"r{n}",)) for sql in columns))) for n in range(40)]
        for task in tasks:
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() / 500)
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        await book.noted("r0", "still writing")
        rows = dict(seen(tmp_path, "SELECT id, state || task_ids FROM rows"))
        assert set(rows.values()) <= {"planned[]", "accepted[1]"}
        assert all(rows[f"r{n}"] == "accepted[1]" for n, end in enumerate(done) if end is None)


async def test_closing_writes_what_is_waiting(tmp_path):
    """Whoever wrote before the closing is told, and what he wrote is there."""
    book = await Ledger.open(tmp_path)
    await book.plan([entry(f"r{n}") for n in range(30)])
    tasks = [asyncio.create_task(book.intended(f"r{n}", "abcdefgh", 1)) for n in range(30)]
    await asyncio.sleep(0)
    await book.aclose()
    await book.aclose()
    await asyncio.gather(*tasks)
    assert seen(tmp_path, "SELECT count(*) FROM rows WHERE state = 'intended'") == [(30,)]
    with pytest.raises(LedgerError, match="closed"):
        await book.noted("r0", "late")


async def test_a_cancelled_closing_still_closes(tmp_path):
    """The lock is let go of although nobody waited for it."""
    book = await Ledger.open(tmp_path)
    closing = asyncio.create_task(book.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    async with asyncio.timeout(5):
        while "this very process" in await _attempt(tmp_path):
            pass


async def test_a_cancelled_opening_lets_go_of_the_lock(tmp_path):
    """Whoever is cancelled while a ledger opens holds nothing."""
    for turns in range(6):
        opening = asyncio.create_task(Ledger.open(tmp_path))
        for _ in range(turns):
            await asyncio.sleep(turns / 2000)
        opening.cancel()
        for book in await asyncio.gather(opening, return_exceptions=True):
            if isinstance(book, Ledger):
                await book.aclose()
        async with opened(tmp_path):
            pass


async def _attempt(folder):
    try:
        async with opened(folder):
            return ""
    except LedgerError as error:
        return error.message


# One process at a time.

HOLD = """
import asyncio, pathlib
from ledgers import opened
async def hold():
    async with opened(pathlib.Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


async def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path):
    """The message names the process, and its SIGKILL frees the folder at once."""
    with running(HOLD, tmp_path) as process:
        assert process.stdout.readline() == "held\n"
        words = await refused(tmp_path)
        assert words == f"another process ({process.pid}) is running the batch in {tmp_path}"
        process.kill()
        process.wait()
        async with opened(tmp_path) as book:
            await book.plan([entry()])


async def test_a_second_opening_in_the_same_process_is_refused(tmp_path):
    """The message does not send anybody looking for another process."""
    async with opened(tmp_path):
        assert await refused(tmp_path) == f"this very process ({os.getpid()}) is running the batch in {tmp_path}"
    async with opened(tmp_path):
        pass


def test_a_lock_without_a_number_names_no_process(tmp_path):
    """What the lock file holds is read with care."""
    held = filelock.FileLock.take(tmp_path / "lock")
    (tmp_path / "lock").write_bytes(b"\xff nonsense")
    with pytest.raises(LedgerError, match=r"^another process is running"):
        filelock.FileLock.take(tmp_path / "lock")
    held.release()


def test_a_file_system_without_locks_is_no_other_process(tmp_path, monkeypatch):
    """An error of another kind is told as what it is."""

    def no_locks(_file):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(filelock, "_lock", no_locks)
    with pytest.raises(OSError, match="No locks available"):
        filelock.FileLock.take(tmp_path / "lock")


# Damaged ledgers.


def cut(path):
    """Cut a file in half."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwrite(path, at, length):
    """Write nonsense into the middle of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(random.Random(at).randbytes(length))


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


# Where a ledger cannot be.


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    """The words name the folder and the system's reason."""
    (tmp_path / "file").write_text("")
    assert await refused(tmp_path / "file" / "out") == f"{tmp_path / 'file' / 'out'} cannot be used: Not a directory"


@contextlib.contextmanager
def as_nobody():
    """Be somebody who may write nowhere for a block, where we are allowed to be."""
    if os.geteuid() == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


@pytest.fixture
def public_folder():
    """Give a folder that everybody may look into, and nobody may write to when the test is over."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def test_a_folder_that_cannot_be_written_is_refused(public_folder):
    """Also for somebody who may only read it."""
    public_folder.chmod(0o555)
    with as_nobody():
        assert "Permission denied" in await refused(public_folder)
    assert not any(public_folder.iterdir())


async def test_a_ledger_at_rest_is_read_where_nothing_can_be_written(public_folder):
    """The status of an archived batch can be asked for; nothing is left beside it."""
    await filled(public_folder, 3)
    public_folder.chmod(0o555)
    (public_folder / FILE_NAME).chmod(0o444)
    with as_nobody():
        assert len(list(read_entries(public_folder / FILE_NAME))) == 3
        assert read_coins(public_folder / FILE_NAME) == 0
        assert "Permission denied" in await refused(public_folder)
    assert {path.name for path in public_folder.iterdir()} == {FILE_NAME, f".{FILE_NAME}.lock"}


MOUNTS = """\
proc /proc proc rw 0 0
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//server/share /mnt/with\\040space cifs rw 0 0
/dev/sdc1 /over ext4 rw 0 0
server:/over /over nfs rw 0 0
short
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/tmp/out", None),
        ("/home", "nfs4"),
        ("/home/me/out", "nfs4"),
        ("/home/local/out", None),
        ("/homely", None),
        ("/mnt/with space/out", "cifs"),
        ("/over/out", "nfs"),
    ],
)
def test_a_network_file_system_is_refused(tmp_path, folder, kind):
    """The mount that lies on top decides, also when its name has a space."""
    mounts = tmp_path / "mounts"
    mounts.write_bytes(MOUNTS.encode() + b"x /\xff ext4 rw 0 0\n")
    where = type(tmp_path)(folder)
    if kind is None:
        filelock.refuse_network(where, mounts)
    else:
        with pytest.raises(LedgerError, match=rf"network file system \({kind}\)"):
            filelock.refuse_network(where, mounts)


def test_a_system_that_does_not_tell_its_mounts_is_believed(tmp_path):
    """Without a table of mounts every folder is local."""
    filelock.refuse_network(tmp_path, tmp_path / "nothing")


# A full disk.

FILL = """
import asyncio, pathlib, resource
from ledgers import entry, opened
from a2e_async.errors import LedgerError
async def fill(folder, limit):
    async with opened(folder) as book:
        await book.plan([entry("first")])
        print("first", flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        n = 0
        try:
            while True:
                rows = [f"row-{n + i}" for i in range(20)]
                await asyncio.gather(*(book.plan([entry(row, fields={"prompt": "x" * 3000})]) for row in rows))
                print(*rows, flush=True)
                n += 20
        except LedgerError as error:
            print("refused", error.message, flush=True)
        try:
            await book.noted("first", "later")
        except LedgerError as error:
            print("refused", error.message, flush=True)
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
asyncio.run(fill(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.parametrize("limit", [150_000, 400_000, 2_000_000])
async def test_a_full_disk_loses_nothing_and_says_so(tmp_path, limit):
    """When a file may grow no more: a clear error, all that was acknowledged is there, and the ledger goes on later."""
    process = child(FILL, tmp_path, limit)
    out, errors = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 0, errors
    told = [line for line in out.splitlines() if line.startswith("refused")]
    assert len(told) == 2
    assert all("nothing is lost, make room and run the same again" in line for line in told)
    acknowledged = {row for line in out.splitlines() if not line.startswith("refused") for row in line.split()}
    async with opened(tmp_path) as book:
        assert await book._ask("PRAGMA integrity_check") == [("ok",)]
        assert set(await book.known(sorted(acknowledged))) == acknowledged
        await book.plan([entry("more")])


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of one megabyte, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def plan(book, row):
    """Plan a row, and tell nothing."""
    await book.plan([row])


async def test_a_small_disk_that_is_full_loses_nothing(small_disk):
    """On a real full disk: the same, and there is room again when somebody makes some."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    told = set()
    book = await Ledger.open(small_disk)
    error = None
    while error is None:
        row = entry(f"row-{len(told)}", fields={"prompt": "x" * 3000})
        (error,) = await asyncio.gather(plan(book, row), return_exceptions=True)
        told |= {row.id} if error is None else set()
    assert "make room" in error.message
    await book.aclose()
    ballast.write_bytes(b"")
    async with opened(small_disk) as book:
        assert set(await book.known(sorted(told))) == told
        await book.plan([entry("more")])


async def test_a_full_disk_begins_no_ledger(small_disk):
    """What was not begun for want of room is begun when there is some."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**20 - 3 * 4096))
    assert "full" in await refused(small_disk) or "space" in await refused(small_disk)
    ballast.unlink()
    await filled(small_disk, 3)


# A killed process.

KILLED = """
import asyncio, pathlib, random
from ledgers import entry, opened
async def write(folder, life):
    chance = random.Random(life)
    async with opened(folder) as book:
        async def row(n):
            name = f"{life}-{n}"
            await book.plan([entry(name)])
            print("planned", name, flush=True)
            await book.intended(name, "abcdefgh", 1)
            print("intended", name, flush=True)
            await asyncio.sleep(chance.random() / 100)
            await book.accepted(name, [f"task-{name}"], 10)
            print("accepted", name, flush=True)
        for first in range(0, 1_000_000, 30):
            await asyncio.gather(*(row(n) for n in range(first, first + 30)))
asyncio.run(write(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
"""


async def lives_and_deaths(folder, lives, seed):
    """Kill one writer after the other in the middle of writing; gives what they were told, by row."""
    chance = random.Random(seed)
    told = {}
    for life in range(lives):
        with running(KILLED, folder, life) as process:
            first = await asyncio.to_thread(process.stdout.readline)
            await asyncio.sleep(chance.uniform(0.01, 0.25))
            process.send_signal(signal.SIGKILL)
            rest = await asyncio.to_thread(process.stdout.readlines)
        assert first
        for line in (first, *rest):
            if line.endswith("\n"):
                state, row = line.split()
                told[row] = state
        async with opened(folder) as book:
            assert await book._ask("PRAGMA integrity_check") == [("ok",)]
            known = await book.known(sorted(told))
        order = [state.value for state in State]
        lost = [
            row
            for row, state in told.items()
            if row not in known or order.index(state) > order.index(known[row].state.value)
        ]
        assert lost == []
        assert all(one.task_ids == (f"task-{row}",) for row, one in known.items() if one.state is State.ACCEPTED)
    return told


async def test_sigkill_in_mid_write_loses_nothing_that_was_told(tmp_path):
    """Ten deaths: every row that was acknowledged is there, and the file is sound."""
    assert len(await lives_and_deaths(tmp_path, 10, seed=1)) > 100


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_sigkill_in_mid_write_loses_nothing_that_was_told_in_sixty_lives(tmp_path):
    """Sixty deaths: the same."""
    assert len(await lives_and_deaths(tmp_path, 60, seed=2)) > 1000
