"""Ctrl-C, SIGTERM and a terminal that closes, sent to real commands: no id is lost, and every end is a clean one."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from a2e_async import _quiet, simulator


def every(*quick):
    """Give each signal that ends a command; all but these are for the slow tests."""
    slow = [one for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if one not in quick]
    return [*quick, *(pytest.param(one, marks=pytest.mark.slow) for one in slow)]


@pytest.fixture
async def sim():
    """Give a simulator in this process, slow enough to be interrupted."""
    async with simulator.serve(task_seconds=30.0, media="tiny") as sim:
        yield sim


async def until(condition) -> None:
    """Wait for something that a child does."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the child does not tell this process
            await asyncio.sleep(0.02)


async def end_of(child: asyncio.subprocess.Process) -> list[str]:
    """Wait for a command that was interrupted; give its lines on stderr."""
    async with asyncio.timeout(30):
        out, err = await child.communicate()
    assert (child.returncode, out) == (130, b""), err
    assert b"Traceback" not in err
    return err.decode().splitlines()


@pytest.mark.parametrize("number", every(signal.SIGINT))
async def test_commands_that_start(lonely, sim, number):
    """Ids and a line that, pasted, goes on with the same tasks and saves where they were to be saved."""
    commands = [("text-to-image", "a kite", "--out", "my out"), ("start", "text_to_image", "--prompt", "b", "--json")]
    children = [await lonely.start_beside(sim, *words) for words in commands]
    await until(lambda: len(sim.book.starts) == 2)
    await asyncio.sleep(0.3)
    for child in children:
        child.send_signal(number)
    ends = [await end_of(child) for child in children]
    assert all("a2e: interrupted" in lines for lines in ends)
    lines = [shlex.split(lines[-1]) for lines in ends]
    assert [line[:-1] for line in lines] == [
        ["a2e", "watch", "text_to_image", "--out", out, "--"] for out in ("my out", ".")
    ]
    assert {line[-1] for line in lines} == set(sim.book.tasks)
    sim.change(task_seconds=0.1)
    for task in sim.world.tasks:
        task.ends = task.created
    resumed = [await lonely.start_beside(sim, *line[1:]) for line in lines]
    for child in resumed:
        _out, err = await child.communicate()
        assert child.returncode == 0, err
    assert len(list(lonely.folder.rglob("*.png"))) == 2
    assert len(sim.book.starts) == 2


@pytest.mark.parametrize("number", every(signal.SIGTERM))
async def test_commands_that_only_ask(lonely, sim, number):
    """The line that resumes is the command itself: it costs nothing to ask once more."""
    sim.faults.add("*", "stall", hits=None)
    commands = [
        ("balance",),
        ("show", "text_to_image", "65f000000000000000000001"),
        ("list", "text-to-image", "--limit", "3"),
        ("download", "text_to_image", "65f000000000000000000001", "--out", "my out"),
        ("quote", "text_to_image", "--prompt", "a kite"),
    ]
    children = [await lonely.start_beside(sim, *words) for words in commands]
    await until(lambda: sim.counters.total() >= len(commands))
    for child in children:
        child.send_signal(number)
    for words, child in zip(commands, children, strict=True):
        lines = await end_of(child)
        assert lines[-2] == "a2e: interrupted"
        again = shlex.split(lines[-1])
        assert again[0] == "a2e"
        assert sorted(word.replace("-", "_") for word in again[1:]) == sorted(word.replace("-", "_") for word in words)


async def test_once_more_leaves_at_once(lonely, sim):
    """A start whose answer does not come is waited for; asked again, the command says its tag and goes."""
    sim.faults.add("text_to_image.start", "stall", when="after", hits=None)
    child = await lonely.start_beside(sim, "text-to-image", "a kite")
    await until(lambda: sim.book.starts)
    child.send_signal(signal.SIGINT)
    while b"waiting for the answer to 1 start," not in await child.stderr.readline():
        assert not child.stderr.at_eof()
    assert child.returncode is None
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    lines = await end_of(child)
    assert time.monotonic() - began < 3
    [tag] = sim.book.bills_by_tag()
    assert any(tag in line for line in lines)


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "a2e_async._quiet"),
        (signal.SIGINT, "aiohttp"),
        (signal.SIGINT, "click"),
        (signal.SIGINT, "a2e_async.simulator"),
        (signal.SIGTERM, "aiohttp"),
        (signal.SIGHUP, "click"),
    ],
)
def test_while_it_loads(lonely, number, moment):
    """In the first moments nothing has begun: it ends quietly, whatever is being loaded."""
    python = [sys.executable, "-X", "importtime", "-m", "a2e_async", "--simulate", "balance"]
    with subprocess.Popen(python, cwd=lonely.folder, env=lonely.env, stderr=subprocess.PIPE, text=True) as child:
        for line in child.stderr:
            if line.split()[-1] == moment:
                break
        child.send_signal(number)
        rest = child.stderr.read()
    assert child.returncode == 130
    assert "Traceback" not in rest


async def said(*words: str) -> tuple[int | None, str]:
    """Run a program of the system; give its exit code and what it says."""
    child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    out, _err = await child.communicate()
    return child.returncode, out.decode()


async def test_process_1(lonely, sim):
    """In a container a command is process 1, for which the kernel drops what nobody handles."""
    unshare = shutil.which("unshare")
    if unshare is None or (await said(unshare, "--pid", "--fork", "true"))[0]:
        pytest.skip("no process may have a room of its own here")
    env = lonely.env | {"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token}
    words = (unshare, "--pid", "--fork", *lonely.A2E, "text-to-image", "a kite")
    room = await asyncio.create_subprocess_exec(*words, cwd=lonely.folder, env=env, stderr=asyncio.subprocess.PIPE)
    await until(lambda: sim.book.starts)
    await asyncio.sleep(0.3)
    _code, inner = await said("pgrep", "-P", str(room.pid))
    await said("kill", "-TERM", *inner.split())
    async with asyncio.timeout(30):
        _out, err = await room.communicate()
    assert err.decode().splitlines()[-1].startswith("a2e watch text_to_image ")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals are of POSIX")
@pytest.mark.parametrize("when", ["before", "while Python goes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_when_all_is_said(number, when):
    """The code of a command that has done its work stays what it is."""
    kill = f"os.kill(os.getpid(), {int(number)})"
    late = f"class Late:\n  def __del__(self, os=os): {kill}\nlate = Late()\n"
    code = "import os, sys\nsys.argv[0] = 'a2e'\nquiet = {'__name__': 'quiet'}\n"
    code += f"exec(open({_quiet.__file__!r}).read(), quiet)\n"
    code += f"quiet['said'](3)\n{kill}" if when == "before" else f"{late}quiet['said'](3)\nsys.exit(3)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 3
