"""`a2e batch` with several processes, as people call it: begun, watched, stopped, resumed, retried, and refused."""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.error
import urllib.request

import pytest
from batch_command import FAMILY, kites, statuses, told, until, write

TWO = ("--workers", "2", "--lease", "2")


@pytest.mark.slow
async def test_interrupted_and_resumed_by_its_last_line(tmp_path, lonely, sim, process):
    """Ctrl-C lets running rows finish, and the line that it prints brings the rest; nothing is billed twice."""
    sim.change(task_seconds=1.0)
    file = write(tmp_path, *kites(40))
    child = await lonely.start_beside(
        sim, "batch", "run", file, *FAMILY, "--out", "out", *TWO, "--max-running", "4", start_new_session=True
    )
    await until(lambda: len(sim.book.starts) >= 4)
    child.send_signal(signal.SIGINT)
    first = await told(child)
    assert first.code == 130
    assert "interrupted; to resume:" in first.err
    assert "done" in statuses(tmp_path / "out")
    assert "planned" in statuses(tmp_path / "out")
    sim.change(task_seconds=0.1)
    second = await process(*first.last[1:])
    assert (second.code, statuses(tmp_path / "out")) == (0, ["done"] * 40)
    assert sorted(sim.book.bills_by_tag().values()) == [1] * 40
    assert all(json.loads(line)["host"] for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines())


@pytest.mark.slow
async def test_one_that_failed_is_retried_and_one_redone(tmp_path, process, sim):
    """`retry`, `redo`, `status` and `report` of the folder find the store in it by themselves."""
    file = write(tmp_path, "a kite", "a kite [fail]")
    first = await process("run", file, *FAMILY, "--out", "out", "--workers", "1", "--lease", "2")
    assert first.code == 1
    told_of = await process("status", "out", "--json")
    assert told_of.data[0]["states"]["failed"] == 1
    assert (await process("redo", "out", "row-0")).code == 1
    assert (await process("retry", "out", "--failed")).code == 1
    assert sorted(sim.book.bills_by_tag().values()) == [1] * 4
    (tmp_path / "out" / "index.html").unlink()
    assert (await process("report", "out")).code == 0
    assert '"fleet":{' in (tmp_path / "out" / "index.html").read_text("utf-8")


async def test_a_folder_of_one_process_is_not_begun_again_by_several(tmp_path, process, sim):
    """Its rows are in no store: they would be paid for a second time."""
    file = write(tmp_path, "a kite")
    assert (await process("run", file, *FAMILY, "--out", "out")).code == 0
    refused = await process("run", file, *FAMILY, "--out", "out", *TWO)
    assert refused.code == 2
    assert "holds a batch that one process runs" in refused.err
    assert len(sim.book.starts) == 1


async def test_what_cannot_be_is_said_in_one_sentence(tmp_path, process, lonely, sim):
    """A batch that is not there, a store that is none, an engine without its database, a stop of one process."""
    file = write(tmp_path, "a kite")
    for words, expected in (
        (("status", "films", "--store", "sqlite:///fleet.sqlite"), "there is no batch 'films' in"),
        (("run", file, *FAMILY, "--out", "out", "--store", "mysql://db/a2e"), "unknown address 'mysql://db/a2e'"),
        (("stop", "out"), "a batch that one process runs is stopped with Ctrl-C"),
        (("watch", "out"), "a batch that one process runs is watched with a2e batch status"),
    ):
        ended = await process(*words)
        assert (ended.code, len(ended.err.splitlines())) == (2, 1), ended.err
        assert expected in ended.err
    for words, expected in (
        (("work", "--out", "out"), "no store: set A2E_STORE"),
        (("work", "--out", "out", "--store", "sqlite:///f.sqlite", "--engine", "procrastinate"), "needs a store in"),
    ):
        ended = await told(await lonely.start_beside(sim, *words))
        assert ended.code == 2
        assert expected in ended.err
    assert not sim.book.starts


async def test_a_stranger_leaves_with_one_sentence(tmp_path, process, lonely, sim):
    """Another token, and another address, than the batch was begun with; what it says helps a worker of a store."""
    file, store = write(tmp_path, "a kite", "a boat"), ("--store", "sqlite:///fleet.sqlite", "--lease", "2")
    await process("run", file, *FAMILY, "--out", "out", *store, "--max-coins", "10", "--price", "10")
    assert len(sim.book.starts) == 1
    work = ("work", "--out", "out", *store)
    account = await lonely.start_beside(sim, *work, "--token", "sk_other")
    address = await lonely.start_beside(sim, *work, "--base-url", "http://127.0.0.1:9")
    for child, expected in (
        (account, "use the first token, or another store"),
        (address, "its tasks are not there. Nothing was sent; use http"),
    ):
        ended = await told(child)
        assert (ended.code, len(ended.err.splitlines())) == (2, 1), ended.err
        assert expected in ended.err
    assert len(sim.book.starts) == 1


async def test_two_folders_of_one_name_are_not_mixed(tmp_path, process, sim):
    """A store has one batch of a name: another folder that is called so is refused until somebody names it."""
    file, store = write(tmp_path, "a kite"), ("--store", "sqlite:///fleet.sqlite", "--lease", "2")
    assert (await process("run", file, *FAMILY, "--out", "one/out", *store)).code == 0
    refused = await process("run", file, *FAMILY, "--out", "two/out", *store)
    assert refused.code == 2
    assert "has a batch 'out' already, and two/out is not its folder: give --name out" in refused.err
    assert len(sim.book.starts) == 1


@pytest.mark.slow
async def test_a_worker_joins_and_its_page_is_served(tmp_path, lonely, sim):
    """`a2e work` takes part of what another machine has planned; `watch --serve` shows who works to this machine."""
    sim.change(task_seconds=1.0)
    file, store = write(tmp_path, *kites(24)), ("--store", "sqlite:///fleet.sqlite")
    run = ("batch", "run", file, *FAMILY, "--out", "out", *store, "--max-running", "4", "--lease", "2")
    first = await lonely.start_beside(sim, *run)
    await until(lambda: len(sim.book.starts) >= 2)
    second = await lonely.start_beside(sim, "work", "--out", "other", *store, "--lease", "2")
    watcher = await lonely.start_beside(sim, "batch", "watch", "out", *store, "--serve", "--port", "0")
    url = (await watcher.stdout.readline()).decode().strip()
    await until((tmp_path / "out" / "index.html").exists)
    assert '"fleet":{"workers":[' in await _get(url)
    for secret in ("fleet.sqlite", ".a2e-batch", "../fleet.sqlite"):
        with pytest.raises(urllib.error.HTTPError):
            await _get(url + secret)
    with pytest.raises(urllib.error.HTTPError):
        await _get(url, host="a2e.example:80")
    ended = [await told(one) for one in (first, second)]
    watcher.send_signal(signal.SIGINT)
    await told(watcher)
    assert [one.code for one in ended] == [0, 0]
    assert statuses(tmp_path / "out") == ["done"] * 24
    assert sorted(sim.book.bills_by_tag().values()) == [1] * 24
    assert (tmp_path / "other" / ".a2e-batch").read_text() == (tmp_path / "out" / ".a2e-batch").read_text()


async def _get(url, host=None):
    asked = urllib.request.Request(url, headers={"Host": host} if host else {})
    reply = await asyncio.to_thread(urllib.request.urlopen, asked, timeout=10)
    return reply.read().decode()
