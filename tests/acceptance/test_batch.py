"""Batches as people run them: every row once, whatever happens to the command in the middle of it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
from pathlib import Path

import pytest
from batch_command import FAMILY, QUICK, kites, says, statuses, told, until, write

HOUR = 3600


async def test_once(process, batch, sim, lonely):
    """Each row is done once: the same command does nothing twice, and an edited file adds only what is new."""
    words = ("run", write(lonely.folder, *kites(5)), "--out", "out", *FAMILY)
    first = await process(*words, "--json")
    assert first.code == 0, first.err
    courses = {
        row: [line["status"] for line in first.data if line["row"] == row] for row in {t["row"] for t in first.data}
    }
    assert courses == {f"row-{number}": ["intended", "accepted", "completed", "done"] for number in range(5)}
    for line in first.data[-5:]:
        assert set(line) == {"row", "family", "status", "ids", "coins", "error", "paths"}
    paths = [path for line in first.data if line["status"] == "done" for path in line["paths"]]
    assert sorted(paths) == [str(Path("out", f"row-{number}.png")) for number in range(5)]
    assert all((lonely.folder / path).stat().st_size for path in paths)

    before = sim.counters.total()
    again = await batch(*words)
    assert (again.code, again.out) == (0, f"{Path('out', 'index.html')}\n"), again.err
    assert sim.counters.total() == before
    write(lonely.folder, *kites(6))
    assert (await batch(*words)).code == 0
    assert len(sim.book.starts) == len(sim.book.bills_by_tag()) == 6
    assert statuses(lonely.folder / "out") == ["done"] * 6
    assert (lonely.folder / "out" / "manifest.csv").exists()


async def test_chain(batch, sim, lonely):
    """A video is made from the image that another row has made."""
    image = {"id": "kite", "family": "text_to_image", "prompt": "a kite"}
    video = {"id": "video", "family": "image-to-video", "prompt": "up", "negative_prompt": "blur", "image_from": "kite"}
    (lonely.folder / "rows.jsonl").write_text("\n".join(map(json.dumps, (video, image))), encoding="utf-8")
    assert (await batch("run", "rows.jsonl", "--out", "out")).code == 0
    assert {path.name for path in (lonely.folder / "out").iterdir()} >= {"kite.png", "video.mp4"}
    assert [start.family for start in sim.book.starts] == ["text_to_image", "image_to_video"]


async def test_bad_rows(batch, sim, lonely):
    """Every bad row is named with line, field and rule before anything is sent; others go on only if it is asked."""
    rows = "id,prompt,width,colour\na,a kite,640,\nb,,640,\nc,a kite,0,\nd,a kite,,red\n"
    (lonely.folder / "rows.csv").write_text(rows, encoding="utf-8")
    words = ("run", "rows.csv", "--out", "out", *FAMILY)
    end = await batch(*words)
    assert (end.code, end.out) == (2, "")
    for clue in ("line 3 (b): prompt: must be given", "line 4 (c): width:", "line 5 (d): colour:"):
        assert f"a2e: rows.csv: {clue}" in end.err
    assert "3 of 4 rows invalid" in end.err
    assert sim.counters.total() == 0
    assert not (lonely.folder / "out").exists()
    end = await batch(*words, "--skip-bad-rows")
    assert end.code == 1
    assert "line 4 (c): width:" in end.err
    assert statuses(lonely.folder / "out") == ["done"]


async def test_dry_run(batch, sim, lonely):
    """A dry run tells rows, errors, price and balance, and sends no start."""
    name = write(lonely.folder, *kites(3), "")
    end = await batch("run", name, "--out", "out", *FAMILY, "--dry-run", "--json")
    assert end.code == 2, end.err
    assert [line["status"] for line in end.data[:-1]] == ["planned"] * 3 + ["bad"]
    assert (end.data[3]["line"], end.data[3]["field"]) == (4, "prompt")
    priced = {"to_start": 3, "price": 30, "unpriced": 0, "bad": 1, "balance": 10_000}
    assert end.data[-1] == priced | {"uploads": 0, "upload_bytes": 0, "upload_coins": 0}
    end = await batch("run", name, "--out", "out", *FAMILY, "--dry-run", "--skip-bad-rows")
    assert "3 rows to start, about 30 coins; the account has 10000 coins" in end.out
    assert sim.book.starts == []
    assert sim.counters["quote"] == 2
    assert not (lonely.folder / "out").exists()


async def test_max_coins(batch, sim, lonely):
    """A budget holds over all runs: nothing is started that would pass it, the rest is finished, and the code is 4."""
    words = ("run", write(lonely.folder, *kites(5)), "--out", "out", *FAMILY)
    end = await batch(*words, "--max-coins", "25")
    assert end.code == 4
    assert "5 rows to start, about 50 coins; 25 of 25 coins left, the account has 10000" in end.err
    assert (sim.book.spent, sorted(statuses(lonely.folder / "out"))) == (20, ["done"] * 2 + ["planned"] * 3)
    end = await batch(*words, "--max-coins", "40")
    assert (end.code, sim.book.spent) == (4, 40)
    assert "20 of 40 coins left" in end.err
    assert (await batch(*words)).code == 0
    assert sim.book.spent == 50


async def test_no_coins(batch, sim, lonely):
    """An account without coins ends with 4, said once."""
    sim.world.coins = 0
    end = await batch("run", write(lonely.folder, *kites(3)), "--out", "out", *FAMILY)
    assert end.code == 4
    assert statuses(lonely.folder / "out") == ["planned"] * 3


async def test_stop(batch, sim, lonely):
    """The first signal starts nothing more and finishes what runs; the line it prints goes on."""
    sim.change(task_seconds=HOUR)  # nothing ends before the signal was heard, however slow this machine is
    rows = write(lonely.folder, *kites(8))
    words = ("batch", "run", rows, "--out", "my out", *FAMILY, "--max-running", "3")
    child = await lonely.start_beside(sim, *words)
    await until(lambda: len(sim.book.starts) == 3)
    child.send_signal(signal.SIGINT)
    await says(child, b"leave at once")
    sim.clock.start += HOUR
    end = await told(child)
    assert end.code == 130
    sim.change(task_seconds=0.1)
    assert sorted(statuses(lonely.folder / "my out")) == ["done"] * 3 + ["planned"] * 5
    assert len(sim.book.starts) == 3
    assert sim.token not in end.err
    assert end.last[:2] == ["batch", "run"]
    assert (await batch(*end.last[1:])).code == 0
    assert sorted(sim.book.bills_by_tag().values()) == [1] * 8


async def test_leave(batch, sim, lonely):
    """The second signal leaves at once; the line it prints takes up what runs. SIGTERM is like Ctrl-C."""
    sim.change(task_seconds=HOUR)  # a child that waited for its tasks would be waited for in vain
    child = await lonely.start_beside(sim, "batch", "run", write(lonely.folder, *kites(3)), "--out", "out", *FAMILY)
    await until(lambda: len(sim.book.starts) == 3)
    child.send_signal(signal.SIGTERM)
    await says(child, b"leave at once")
    child.send_signal(signal.SIGINT)
    end = await told(child)
    assert end.code == 130
    assert set(statuses(lonely.folder / "out")) <= {"accepted", "intended"}
    sim.clock.start += HOUR
    assert (await batch(*end.last[1:], *QUICK)).code == 0
    assert sorted(sim.book.bills_by_tag().values()) == [1] * 3


async def test_second_process(process, batch, sim, lonely):
    """A second process is refused, and says which one has the batch."""
    sim.change(task_seconds=HOUR)  # a process takes a while to begin
    words = ("run", write(lonely.folder, "a kite"), "--out", "out", *FAMILY)
    child = await lonely.start_beside(sim, "batch", *words)
    await until(lambda: sim.book.starts)
    second = await process(*words)
    assert (second.code, second.out) == (2, "")
    assert f"another process ({child.pid}) is running the batch in out" in second.err
    while not (await batch("status", "out", "--json")).data[0]["states"].get("accepted"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)  # the answer of the start is on its way to the ledger
    assert (await batch("report", "out")).code == 0
    sim.clock.start += HOUR
    assert (await told(child)).code == 0


async def test_an_outage_of_the_list_loses_nothing(batch, sim, lonely):
    """A lost start that cannot be looked for now is looked for by the next run, and recovered."""
    sim.faults.add("text_to_image.start", "reset", when="after")
    sim.faults.add("text_to_image.list", "status", hits=None)
    words = ("run", write(lonely.folder, "a kite"), "--out", "out", *FAMILY, *QUICK)
    end = await batch(*words)
    assert end.code == 1
    assert statuses(lonely.folder / "out") == ["intended"]
    assert end.last[:2] == ["batch", "run"]
    sim.faults.clear()
    assert (await batch(*words)).code == 0
    assert len(sim.book.starts) == 1


async def test_poor_resume_forgets_no_start(batch, sim, lonely):
    """A row that may have been started keeps its tag also when the next run has no coins to start it."""
    sim.faults.add("text_to_image.start", "reset", when="after")
    sim.faults.add("text_to_image.list", "status", hits=None)
    words = ("run", write(lonely.folder, "a kite"), "--out", "out", *FAMILY, *QUICK)
    assert (await batch(*words)).code == 1
    assert (await batch(*words, "--max-coins", "0")).code == 4
    sim.faults.clear()
    assert (await batch(*words)).code == 0
    assert len(sim.book.starts) == 1


async def test_folder_alone(batch, lonely):
    """Status and report need no token and no service, only the folder."""
    await batch("run", write(lonely.folder, "a kite"), "--out", "out", *FAMILY)
    for name in ("manifest.jsonl", "manifest.csv", "index.html"):
        (lonely.folder / "out" / name).unlink()
    shown, data, report, nothing = lonely.together(
        ("batch", "status", "out"),
        ("batch", "status", "out", "--json"),
        ("batch", "report", "out"),
        ("batch", "status", "nowhere"),
    )
    assert (shown.code, shown.out) == (0, "       1  done\n       1  row, 10 coins\n")
    assert (data.data[0]["rows"], data.data[0]["coins"], data.data[0]["states"]["done"]) == (1, 10, 1)
    assert (report.code, report.out) == (0, f"{Path('out', 'index.html')}\n")
    assert statuses(lonely.folder / "out") == ["done"]
    assert (nothing.code, nothing.out) == (2, "")
    assert "holds no batch" in nothing.err
    end = lonely("batch", "run", "rows.jsonl", "--out", "out", *FAMILY)
    assert end.code == 4
    assert "A2E_API_KEY" in end.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_live_display(lonely):
    """On a terminal there is a bar for each state, redrawn, and the page's path comes after it."""
    ours, theirs = pty.openpty()
    name = write(lonely.folder, *kites(4))
    with lonely.start(
        "--simulate", "batch", "run", name, "--out", "out", *FAMILY, stdin=theirs, stdout=theirs, stderr=theirs
    ) as child:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 65536):
                seen += part
        except OSError:  # how Linux says that nobody is left
            pass
        assert child.wait(30) == 0, seen
    os.close(ours)
    text = seen.decode()
    assert "\x1b[" in text
    for clue in ("planned", "starting", "running", "downloading", "4 of 4 done", "40 coins spent", "API healthy"):
        assert clue in text
    assert str(Path("out", "index.html")) in text
