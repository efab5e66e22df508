"""Rows of a batch that are retried, and lines that can help."""

from __future__ import annotations

import contextlib
import json
import sqlite3

from batch_command import FAMILY, QUICK, kites, statuses, write


async def test_retry_failed(batch, sim, lonely):
    """Failed rows end with 1, stay as they are, and are retried on demand, from the folder alone."""
    sim.change(fails=lambda _family, body: "number 1" in body["prompt"])
    words = ("run", write(lonely.folder, *kites(3)), "--out", "out", *FAMILY)
    end = await batch(*words)
    assert end.code == 1
    assert end.last == ["batch", "retry", "out", "--failed"]
    assert statuses(lonely.folder / "out") == ["done", "failed", "done"]
    sim.change(fails=None)
    assert (await batch(*words)).code == 1
    assert (await batch("retry", "out")).code == 1
    assert len(sim.book.starts) == 3
    end = await batch("retry", "out", "--failed")
    assert end.code == 0, end.err
    assert statuses(lonely.folder / "out") == ["done"] * 3
    assert sorted(sim.book.bills_by_tag().values()) == [1] * 4


async def test_retry_with_a_mended_file(batch, sim, lonely):
    """A refused row is retried with the fields that a mended file has for it."""
    name = write(lonely.folder, "a kite", "a [blocked] kite")
    assert (await batch("run", name, "--out", "out", *FAMILY)).code == 1
    assert statuses(lonely.folder / "out") == ["done", "refused"]
    mended = lonely.folder / name
    lines = [{"family": "text_to_image", **json.loads(line)} for line in mended.read_text("utf-8").splitlines()]
    lines[1]["prompt"] = "a kite"
    mended.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    end = await batch("retry", "out", name, "--failed")
    assert end.code == 0, end.err
    assert len(sim.book.starts) == 2


async def test_retry_unknown(batch, sim, lonely):
    """A start that nobody can find is reported as unknown, and started again only on demand."""
    sim.change(names="drop")
    sim.faults.add("text_to_image.start", "reset", when="after")
    words = ("run", write(lonely.folder, "a kite"), "--out", "out", *FAMILY, *QUICK)
    assert (await batch(*words)).code == 1
    assert statuses(lonely.folder / "out") == ["intended"]  # a later poll may find it, as long as lists have it
    with contextlib.closing(sqlite3.connect(lonely.folder / "out" / "ledger.sqlite")) as db, db:
        db.execute("UPDATE rows SET sent_first = sent_first - 200000, sent_last = sent_last - 200000")
    end = await batch(*words)
    assert end.code == 1
    assert statuses(lonely.folder / "out") == ["unknown"]
    assert end.last == ["batch", "retry", "out", "--unknown"]
    assert (await batch(*words)).code == 1
    assert len(sim.book.starts) == 1
    assert (await batch("retry", "out", "--unknown")).code == 0
    assert len(sim.book.starts) == 2
    assert statuses(lonely.folder / "out") == ["done"]


async def test_retry_starts_only_rows_of_the_file(batch, sim, lonely):
    """A row that was taken out of the rows file is not paid for, nor shown by --dry-run; without a file it is named."""
    sim.change(fails=lambda _family, _body: True)
    name = write(lonely.folder, *kites(3))
    await batch("run", name, "--out", "out", *FAMILY)
    write(lonely.folder, *kites(2))
    await batch("run", name, "--out", "out", *FAMILY)
    assert len(sim.book.starts) == 3
    end = await batch("retry", "out", "--failed", "--dry-run", "--json")
    assert [one.get("row") for one in end.data] == ["row-0", "row-1", None]
    assert end.data[-1]["to_start"] == 2
    assert len(sim.book.starts) == 3
    await batch("retry", "out", "--failed")
    assert len(sim.book.starts) == 5
    write(lonely.folder, *kites(3))
    await batch("run", name, "--out", "out", *FAMILY, "--retry-failed")
    assert len(sim.book.starts) == 8


async def test_redo(batch, sim, lonely):
    """Rows are done again as they were given last, each for its price; others are left alone."""
    name = write(lonely.folder, *kites(3))
    assert (await batch("run", name, "--out", "out", *FAMILY)).code == 0
    write(lonely.folder, "a blue kite", *kites(3)[1:])
    end = await batch("run", name, "--out", "out", *FAMILY, "--dry-run")
    assert "done (edited since; redo starts it again)" in end.out
    assert "redo row-0" in (await batch("run", name, "--out", "out", *FAMILY)).err
    end = await batch("redo", "out", "row-0", "--dry-run", "--json")
    assert (end.data[0]["row"], end.data[0]["request"]["prompt"]) == ("row-0", "a blue kite")
    assert len(sim.book.starts) == 3
    end = await batch("redo", "out", "row-0", "row-0")
    assert (end.code, len(sim.book.starts)) == (0, 4), end.err
    assert sim.book.starts[-1].name.startswith("a blue kite")
    for words in (("redo", "out", "nobody"), ("redo", "out"), ("redo", "nowhere", "row-0")):
        end = await batch(*words)
        assert (end.code, len(sim.book.starts)) == (2, 4)
        assert "Traceback" not in end.err


async def test_a_result_that_has_gone_is_offered_for_redo(batch, sim, lonely):
    """The line can be pasted as it is, and helps."""
    name = write(lonely.folder, *kites(2))
    assert (await batch("run", name, "--out", "out", *FAMILY)).code == 0
    (lonely.folder / "out" / "row-1.png").unlink()
    sim.world.delete("text_to_image", sim.book.starts[1].task_ids[0])
    end = await batch("run", name, "--out", "out", *FAMILY)
    assert end.code == 1
    assert end.last[:3] == ["batch", "redo", "out"]
    assert statuses(lonely.folder / "out") == ["done", "expired"]
    assert (await batch(*end.last[1:])).code == 0
    assert statuses(lonely.folder / "out") == ["done", "done"]


async def test_a_line_that_would_stop_at_once_is_not_offered(batch, sim, lonely):
    """Where the coins of the batch are used up, it says what has to be raised."""
    end = await batch("run", write(lonely.folder, *kites(5)), "--out", "out", *FAMILY, "--max-coins", "20")
    assert end.code == 4
    assert "to go on, raise --max-coins (now 20)" in end.err
    assert not [line for line in end.err.splitlines() if line.startswith("a2e batch run")]


async def test_another_token_needs_a_word(batch, sim, lonely, monkeypatch):
    """The batch is refused with both accounts named; --same-account vouches."""
    name = write(lonely.folder, *kites(2))
    await batch("run", name, "--out", "out", *FAMILY)
    with contextlib.closing(sqlite3.connect(lonely.folder / "out" / "ledger.sqlite")) as db, db:
        db.execute("UPDATE about SET value = '" + "5" * 64 + "' WHERE key = 'account'")
        db.execute("DELETE FROM about WHERE key = 'user'")
    end = await batch("run", name, "--out", "out", *FAMILY)
    assert end.code == 2
    assert "account 55555555" in end.err
    assert "--same-account" in end.err
    assert (await batch("run", name, "--out", "out", *FAMILY, "--same-account")).code == 0
    assert (await batch("run", name, "--out", "out", *FAMILY)).code == 0


async def test_a_rehearsal_is_refused_for_real(batch, sim, lonely):
    """And can be rehearsed again, though its simulator has another port then."""
    name = write(lonely.folder, *kites(2))
    for _ in range(2):
        assert (await batch("run", name, "--out", "out", *FAMILY, "--simulate")).code == 0
    end = await batch("run", name, "--out", "out", *FAMILY)
    assert (end.code, len(sim.book.starts)) == (2, 0)
    assert "the simulator" in end.err
    assert sim.url in end.err


async def test_status_uses_the_words_of_people(batch, sim, lonely):
    """Its JSON has the ledger's own."""
    await batch("run", write(lonely.folder, *kites(2)), "--out", "out", *FAMILY)
    with contextlib.closing(sqlite3.connect(lonely.folder / "out" / "ledger.sqlite")) as db, db:
        db.execute("UPDATE rows SET state = 'accepted', error = 'odd' WHERE id = 'row-1'")
    end = await batch("status", "out")
    assert "       1  running\n" in end.out
    assert "running: odd" in end.out
    assert (await batch("status", "out", "--json")).data[0]["states"]["accepted"] == 1
