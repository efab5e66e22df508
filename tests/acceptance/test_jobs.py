"""`a2e jobs` in front of what an application has left in its store when it was killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys

import pytest
from command_line import CommandLine

from a2e_async import simulator

APPLICATION = """
import asyncio, sys
from a2e_async import A2EClient, TextToImage

async def main():
    async with A2EClient(store="sqlite:///jobs.sqlite", lease=1, max_starts=4) as a2e:
        jobs = [a2e.start(TextToImage(f"kite {n}"), key=f"order-{n}") for n in range(6)]
        await asyncio.gather(*(job.accepted() for job in jobs))
        print("accepted", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


async def killed_application(sim, folder):
    """Run the application until its jobs are accepted, and kill it."""
    env = {**os.environ, "A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token}
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APPLICATION, cwd=folder, env=env, stdout=pipe, stderr=pipe
    )
    assert await child.stdout.readline() == b"accepted\n", (await child.communicate())[1].decode()
    child.send_signal(signal.SIGKILL)
    await child.communicate()


async def test_what_a_killed_application_left_is_listed_resumed_and_reported(tmp_path):
    """List and show read, resume takes over and downloads, the page has a card for each; nothing is billed twice."""
    async with simulator.serve(task_seconds=2, media="tiny") as sim:
        await killed_application(sim, tmp_path)
        env = {"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token, "A2E_STORE": "sqlite:///jobs.sqlite"}
        line = CommandLine(tmp_path, env)

        async def a2e(*words):
            end = await asyncio.to_thread(line, "jobs", *words)
            assert "Traceback" not in end.err
            return end

        listed = await a2e("list", "--json")
        assert listed.code == 0, listed.err
        assert [one["key"] for one in listed.data] == [f"order-{n}" for n in range(6)]
        assert {one["state"] for one in listed.data} == {"accepted"}
        shown = await a2e("show", "order-3")
        assert "kite 3" in shown.out
        resumed = await a2e("resume", "--out", "images")
        assert resumed.code == 0, resumed.err
        assert len(list((tmp_path / "images").iterdir())) == 6
        assert (await a2e("list", "--state", "done", "--json")).out.count('"done"') == 6
        assert (await a2e()).out == (await a2e("list")).out
        assert (await a2e("cancel", "order-3")).code == 1
        assert (await a2e("show", "order-9")).code == 2
        reported = await a2e("report", "--out", "page")
        assert "kite 5" in (tmp_path / "page" / "index.html").read_text(), reported.err
        assert len(sim.book.starts) == 6


async def test_what_was_started_at_a_simulator_is_refused_elsewhere(tmp_path):
    """Another address is refused with both named, and so is another account; nothing is sent."""
    async with simulator.serve(task_seconds=0.1, media="tiny") as sim, simulator.serve() as other:
        await killed_application(sim, tmp_path)
        for service, token, words in ((other, sim.token, other.url), (sim, "sk_another", "of account")):
            env = {"A2E_BASE_URL": service.url, "A2E_API_KEY": token, "A2E_STORE": "sqlite:///jobs.sqlite"}
            end = await asyncio.to_thread(CommandLine(tmp_path, env), "jobs", "resume")
            assert (end.code, words in end.err) == (2, True), end.err
        assert len(sim.book.starts) == 6
        assert other.book.starts == []


def test_no_store_says_how_to_give_one(tmp_path):
    """Without an address there is nothing to read; the folder is left as it was."""
    end = CommandLine(tmp_path)("jobs", "list")
    assert (end.code, "A2E_STORE" in end.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("show", "order-1"), ("report",), ("resume", "--token", "sk_a")])
def test_a_store_that_is_not_there_is_not_made(tmp_path, words):
    """A slip in its address is told, with the file; --store may stand before the command, and it lists by itself."""
    end = CommandLine(tmp_path)("jobs", "--store", "sqlite:///jbos.sqlite", *words)
    assert (end.code, "there is no store in jbos.sqlite" in end.err) == (2, True), end.err
    assert not list(tmp_path.glob("jbos*"))


def test_the_token_is_not_in_the_store(tmp_path):
    """What is kept of the account is a keyed hash."""

    async def story():
        async with simulator.serve(task_seconds=0.1, media="tiny") as sim:
            await killed_application(sim, tmp_path)
            return sim.token

    token = asyncio.run(story())
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as db:
        assert token not in "\n".join(db.iterdump())
    assert token.encode() not in (tmp_path / "jobs.sqlite").read_bytes()
