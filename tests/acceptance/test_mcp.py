"""`a2e mcp` as an agent's client runs it: a process that is spoken to over stdin and stdout."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager

import pytest
from command_line import A2E, environment
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from a2e_async.simulator.media.plain import tiny_image

KITE = {"family": "text_to_image", "fields": {"prompt": "a red kite"}}


@pytest.fixture
def agent(tmp_path, sim):
    """Give a function that opens a client of the server, which has so many coins."""

    @asynccontextmanager
    async def opened(coins=50):
        env = environment({"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token})
        words = [*A2E[1:], "mcp", "--max-coins", str(coins), "--out", str(tmp_path / "media")]
        server = StdioServerParameters(command=sys.executable, args=words, env=env, cwd=tmp_path)
        with (tmp_path / "stderr").open("w+") as errors:
            async with Client(stdio_client(server, errlog=errors)) as client:
                yield client
        assert "Traceback" not in (tmp_path / "stderr").read_text()

    return opened


async def call(client, tool, **arguments):
    """Call a tool and give what it tells."""
    told = await client.call_tool(tool, arguments)
    assert not told.is_error, told.content
    return told.structured_content


async def refusal(client, tool, **arguments):
    """Call a tool that refuses, and give its words."""
    told = await client.call_tool(tool, arguments)
    assert told.is_error
    return told.content[0].text


async def test_a_repeated_call_with_one_key_bills_once(agent, sim):
    """Calls at the same time and calls later with one key are one job and one bill."""
    async with agent() as client:
        told = await asyncio.gather(*(call(client, "start", key="kite", **KITE) for _ in range(4)))
        later = await call(client, "start", key="kite", **KITE)
        words = await refusal(client, "start", key="kite", family="text_to_image", fields={"prompt": "a blue kite"})
    assert {tuple(one["task_ids"]) for one in (*told, later)} == {tuple(later["task_ids"])}
    assert "KeyConflictError" in words
    sim.book.expect(starts=1, spent=10, doubles=0)


async def test_a_key_outlives_its_server(agent, sim):
    """A server that begins later has the jobs of the one before: same key, same job, no bill, and one budget."""
    async with agent(30) as client:
        first = await call(client, "start", key="kite", **KITE)
    async with agent(30) as client:
        again = await call(client, "start", key="kite", **KITE)
        assert again["task_ids"] == first["task_ids"]
        assert (await call(client, "follow", key="kite", seconds=20))["state"] == "completed"
        assert (await call(client, "download", key="kite"))["paths"]
        assert "KeyConflictError" in await refusal(
            client, "start", key="kite", family="text_to_image", fields={"prompt": "a blue kite"}
        )
        told = [await call(client, "start", key=f"more {n}", **KITE) for n in range(3)]
    assert [one.get("error_type") for one in told] == [None, None, "BudgetExceededError"]
    sim.book.expect(starts=3, spent=30, doubles=0)


async def test_a_lost_answer_bills_once(agent, sim):
    """The start whose answer was lost is recovered, and a repeated call gives the same job."""
    sim.faults.add("text_to_image.start", "reset", when="after")
    async with agent() as client:
        first = await call(client, "start", key="kite", **KITE)
        assert (await call(client, "start", key="kite", **KITE))["task_ids"] == first["task_ids"]
    sim.book.expect(starts=1, spent=10, doubles=0)


async def test_a_budget_of_50_coins_holds(agent, sim):
    """Of ten starts at once five are paid for, the others refused; neither a batch nor a new call gets past it."""
    async with agent(50) as client:
        told = await asyncio.gather(*(call(client, "start", key=f"kite {n}", **KITE) for n in range(10)))
        refused = [one["key"] for one in told if one.get("error_type") == "BudgetExceededError"]
        assert len(refused) == 5
        again = await call(client, "start", key=refused[0], **KITE)
        assert (again["error_type"], again["budget_left"]) == ("BudgetExceededError", 0)
        batch = await call(client, "batch", key="more", rows=[{"family": "text_to_image", "prompt": "one more"}])
        assert (batch["state"], batch["left"]) == ("stopped", 1)
        assert "budget" in batch["stopped_by"]
    sim.book.expect(starts=5, spent=50)


async def test_from_price_to_files(agent, sim, tmp_path):
    """An agent asks for the price, starts, follows, and saves files below the folder of the server only."""
    async with agent() as client:
        assert (await call(client, "price", **KITE))["coins"] == 10
        await call(client, "start", key="kite", **KITE)
        followed = await call(client, "follow", key="kite", seconds=20)
        assert (followed["state"], followed["spent"], followed["budget_left"]) == ("completed", 10, 40)
        (path,) = (await call(client, "download", key="kite", folder="kites"))["paths"]
        assert "must be below" in await refusal(client, "download", key="kite", folder="../elsewhere")
        assert "no job with the key" in await refusal(client, "follow", key="another")
        assert "did you mean width" in await refusal(
            client, "start", key="wide", family="text_to_image", fields={"prompt": "a", "widht": 1}
        )
    assert path.startswith(str(tmp_path / "media" / "kites"))
    sim.book.expect(starts=1)


async def test_files_and_jobs_are_inputs(agent, sim, tmp_path):
    """A file below the server's folder is uploaded, a job is waited for, and nothing outside is read."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "me.png").write_bytes(tiny_image())
    (tmp_path / "secret.png").write_bytes(tiny_image())
    words = {"prompt": "she waves", "negative_prompt": "blurry"}
    async with agent(100) as client:
        for outside in ("../secret.png", str(tmp_path / "secret.png"), "/etc/passwd"):
            told = await refusal(
                client, "start", key="x", family="image_to_video", fields={"image_url": outside, **words}
            )
            assert "files must be below" in told
        for _ in range(2):
            await call(client, "start", key="me", family="image_to_video", fields={"image_url": "me.png", **words})
        await call(client, "start", key="kite", **KITE)
        fields = {"image_url": "job:kite", **words}
        await call(client, "start", key="kite-video", family="image_to_video", fields=fields)
        for key in ("me", "kite-video"):
            told = await call(client, "follow", key=key, seconds=40)
            assert told["state"] == "completed", told
    sim.book.expect(starts=3, spent=70, doubles=0)


async def test_a_batch_is_followed_and_resumed(agent, sim, tmp_path):
    """A batch goes on while nobody calls, is told with its files, and costs nothing when a new server repeats it."""
    rows = [
        {"id": "kite", "family": "text_to_image", "prompt": "a red kite"},
        {"family": "image_to_video", "image_from": "kite", "prompt": "it climbs", "negative_prompt": "blurry"},
    ]
    async with agent() as client:
        told = await call(client, "batch", key="kites", rows=rows, seconds=0)
        assert told["left"] == 2
        while told["state"] == "running":
            told = await call(client, "batch", key="kites", seconds=20)
    assert (told["state"], told["states"], len(told["paths"])) == ("ended", {"done": 2}, 2)
    async with agent() as client:
        again = await call(client, "batch", key="kites", rows=rows, seconds=20)
        assert again["paths"] == told["paths"]
        assert "other rows" in await refusal(client, "batch", key="kites", rows=rows[:1])
        assert "image_url" in await refusal(client, "batch", key="bad", rows=[{"family": "image_to_video"}])
    sim.book.expect(starts=2, spent=40)
    assert not (tmp_path / "media" / "bad.jsonl").exists()


@pytest.mark.parametrize(
    "how",
    [
        "SIGTERM",
        pytest.param("end of stdin", marks=pytest.mark.slow),
        pytest.param("SIGKILL", marks=pytest.mark.slow),  # its lease has to run out first
    ],
)
async def test_a_server_that_ends_loses_no_start(agent, lonely, sim, tmp_path, how):
    """Whichever way it ends while a start is on the wire, the next server has the job of that key, and one bill."""
    sim.faults.add("text_to_image.start", "delay", seconds=1.5)
    words = ("mcp", "--max-coins", "50", "--out", str(tmp_path / "media"))
    process = await lonely.start_beside(sim, *words, stdin=asyncio.subprocess.PIPE)
    hello = {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    }  # fmt: skip
    calls = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "start", "arguments": {"key": "kite", **KITE}}},
    ]
    process.stdin.write("".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in calls).encode())
    assert json.loads(await process.stdout.readline())["id"] == 1
    while not sim.counters["text_to_image.start"]:  # noqa: ASYNC110 - the simulator wakes nobody
        await asyncio.sleep(0.01)
    if how == "end of stdin":
        process.stdin.close()
    else:
        process.send_signal(signal.Signals[how])
    _out, errors = await process.communicate()
    assert (process.returncode, errors) == (-9 if how == "SIGKILL" else 0, b"")
    async with agent() as client:
        told = await call(client, "start", key="kite", **KITE)
        while told["state"] not in ("completed", "failed"):
            told = await call(client, "follow", key="kite", seconds=40)
    assert told["state"] == "completed"
    sim.book.expect(starts=1, spent=10, doubles=0)


async def test_without_the_package_it_says_what_to_install(lonely):
    """The command is listed always; without its package it names the extra."""
    hidden = "import sys; sys.modules['mcp'] = None; from a2e_async.cli.app import main; sys.exit(main())"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        hidden,
        "mcp",
        "--max-coins",
        "5",
        cwd=lonely.folder,
        env=lonely.env,
        stderr=asyncio.subprocess.PIPE,
    )
    _out, errors = await process.communicate()
    assert (process.returncode, b"pip install 'a2e-async[mcp]'" in errors) == (2, True), errors
