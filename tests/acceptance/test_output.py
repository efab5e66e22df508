"""What comes out of a command, wherever it goes: nothing that was paid for is lost on its way to somebody's eyes."""

from __future__ import annotations

import asyncio
import json
import os
import shlex

import pytest

from a2e_async import simulator

ODD = "кот \x1b]0;owned\x07\x1b[2J\x9b2J\u202eb\ud800 é😀"


@pytest.fixture
async def sim():
    """Give a quick simulator in this process, whose book can be read."""
    async with simulator.serve(task_seconds=0.2, media="tiny") as sim:
        yield sim


async def end_of(child: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Wait for a command and give its exit code and what it has printed."""
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    assert b"a mistake in a2e itself" not in err, err.decode()
    return child.returncode, (out or b"").decode(), err.decode()


async def unread(lonely, sim, *words: str) -> tuple[int | None, str]:
    """Run a command whose stdout nobody reads, as after `| head -1`; give its code and stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    env = lonely.env | {"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token}
    child = await asyncio.create_subprocess_exec(
        *lonely.A2E, *words, cwd=lonely.folder, env=env, stdout=writing, stderr=asyncio.subprocess.PIPE
    )
    os.close(writing)
    code, _out, err = await end_of(child)
    return code, err


@pytest.mark.parametrize("form", [pytest.param((), marks=pytest.mark.slow), ("--json",)])
async def test_a_reader_that_has_seen_enough(lonely, sim, form):
    """Every task that is paid for is saved and named, on stderr where nobody reads stdout; the code tells the truth."""
    code, err = await unread(lonely, sim, "text-to-image", "a", "b", "c", "--no-wait", *form)
    assert (code, set(err.splitlines()) >= set(sim.book.tasks)) == (0, True)
    code, err = await unread(lonely, sim, "text-to-image", "a", "b", "c", "--out", "out", *form)
    saved = sorted(path.name for path in (lonely.folder / "out").iterdir())
    assert (code, len(saved)) == (0, 3), err
    assert all(name in err for name in saved)
    code, err = await unread(lonely, sim, "text-to-image", "d", "e [fail]", *form)
    assert (code, "e [fail]" in err) == (1, True)


async def test_a_batch_that_nobody_reads(lonely, sim):
    """Nothing more is started; what runs is finished, and the line that goes on is there."""
    rows = [json.dumps({"id": f"r{n}", "family": "text_to_image", "prompt": f"kite {n}"}) for n in range(6)]
    (lonely.folder / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    words = ("batch", "run", "rows.jsonl", "--out", "out", "--max-running", "1", "--json")
    code, err = await unread(lonely, sim, *words)
    assert code == 1
    assert "rows left; to resume" in err
    lines = (lonely.folder / "out" / "manifest.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["status"] for line in lines} <= {"planned", "done"}
    assert len(sim.book.starts) < 6


async def test_lists_end_with_their_reader(lonely, sim):
    """What cost nothing is not named a second time, and is no failure."""
    code, err = await unread(lonely, sim, "families")
    assert (code, err) == (0, "")


@pytest.fixture
def full():
    """Give a file that takes nothing, as on a disk that is full."""
    try:
        number = os.open("/dev/full", os.O_WRONLY)
    except OSError:
        pytest.skip("there is no /dev/full")
    yield number
    os.close(number)


async def test_a_disk_that_is_full(lonely, sim, full):
    """Results that cannot be printed are named on stderr, and the command has failed."""
    env = lonely.env | {"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token}
    child = await asyncio.create_subprocess_exec(
        *lonely.A2E, "text-to-image", "a", "b", cwd=lonely.folder, env=env, stdout=full, stderr=asyncio.subprocess.PIPE
    )
    code, _out, err = await end_of(child)
    assert code == 1
    assert "results could not be printed" in err
    assert all(path.name in err for path in lonely.folder.glob("*.png"))
    assert len(list(lonely.folder.glob("*.png"))) == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"])
async def test_streams_that_are_closed(lonely, sim, closed):
    """A command without stdout or stderr does its work, names what it saved where it can, and uses no number twice."""
    env = lonely.env | {"A2E_BASE_URL": sim.url, "A2E_API_KEY": sim.token}
    line = f"{shlex.join(lonely.A2E)} text-to-image a b --out out {closed}"
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    code, out, err = await end_of(await asyncio.create_subprocess_shell(line, cwd=lonely.folder, env=env, **pipes))
    names = [path.name for path in (lonely.folder / "out").iterdir()]
    assert (code, len(names)) == (0, 2)
    assert all(name in out + err for name in names) == (closed != ">&- 2>&-")


@pytest.mark.parametrize(
    "encoding", ["cp1252", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ascii", "utf-8", "latin-1"))]
)
async def test_every_character_comes_out(lonely, sim, encoding):
    """What stdout cannot hold is escaped: JSON reads as what was sent, text keeps its place, nothing is a command."""
    prompt = ODD.replace("\ud800", "").replace("\x1b", "")  # those are refused
    lonely.env["PYTHONIOENCODING"] = encoding
    for form in ((), ("--json",)):
        child = await lonely.start_beside(sim, "text-to-image", prompt, "--no-download", *form)
        async with asyncio.timeout(60):
            raw, err = await child.communicate()
        assert child.returncode == 0, err
        assert not {0x1B, 0x07}.intersection(raw + err)
        assert "\x9b" not in raw.decode(encoding) + err.decode(encoding)
        if form:
            assert json.loads(raw.decode(encoding))["request"]["prompt"] == prompt


async def test_texts_of_the_service_are_shown_and_never_obeyed(lonely, sim):
    """Names, failures' words and log lines of a hostile service reach no terminal raw, and forge no line of ours."""
    evil = "kite\na2e: paid\r\n" + ODD
    sim.change(fails=lambda _family, _body: True)
    made = await lonely.start_beside(sim, "text-to-image", "a kite", "--name", "x", "--json", "-vv")
    _code, out, _err = await end_of(made)
    [task_id] = json.loads(out)["task_ids"]
    task = sim.world.task(task_id)
    task.name, task.failure = evil, ("x", evil)
    words = [("show", "text_to_image", task_id), ("list", "text_to_image", "--json")]
    words += [("watch", "text_to_image", task_id, "-vv"), ("download", "text_to_image", task_id)]
    children = [await lonely.start_beside(sim, *one) for one in words]
    for _code, out, err in await asyncio.gather(*map(end_of, children)):
        assert not set("\x1b\x07\x9b\u202e\r") & set(out + err)
        assert not any(line.startswith("a2e: paid") for line in (out + err).splitlines())


async def test_quiet(lonely, sim):
    """-q leaves results and errors, and the lines that resume."""
    code, out, err = await end_of(await lonely.start_beside(sim, "text-to-image", "a", "b", "-q"))
    assert (code, len(out.splitlines()), err) == (0, 2, "")
    code, out, err = await end_of(await lonely.start_beside(sim, "text-to-image", "a [fail]", "-q"))
    assert (code, out) == (1, "")
    assert err.startswith("a2e: ")
    sim.change(task_seconds=30)
    code, out, err = await end_of(await lonely.start_beside(sim, "text-to-image", "a", "-q", "--timeout", "0.3"))
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("a2e watch text_to_image ")


async def test_each_request(lonely, sim):
    """-v tells method, path, status, time and trace id of each request, and each file; never the token."""
    sim.faults.add("text_to_image.start", "status", status=429, hits=1)
    code, out, err = await end_of(await lonely.start_beside(sim, "text-to-image", "a kite", "-v"))
    assert (code, len(out.splitlines())) == (0, 1)
    starts = [line for line in err.splitlines() if "POST /api/v1/userText2image/start: " in line]
    assert [line.partition("start: ")[2][:3] for line in starts] == ["429", "200"]
    assert all(" ms" in line and "trace " in line for line in starts[1:])
    assert any("sent again in " in line and "(2 of " in line for line in err.splitlines())
    assert any(f"GET {sim.url}/" in line and ": 200 in " in line for line in err.splitlines())
    assert sim.token not in err
