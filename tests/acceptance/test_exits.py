"""How commands end when something is wrong: an exit code, one line, never a token."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import socket

import pytest

from a2e_async import simulator

SECRET = "sk_live_do_not_show_4711"
VIDEO = ("--prompt", "it climbs", "--negative-prompt", "blurry")


@pytest.fixture
def closed_port():
    """Give a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def one_line(text: str) -> str:
    """Give the only line of a text, which must be one of ours."""
    (line,) = text.splitlines()
    assert line.startswith("a2e: ")
    return line


USED_WRONGLY = [
    (("text-to-image", "a kite", "--wide", "3"), "--wide"),
    (("image-to-video", "https://example.org/a.png", "--prompt", "p"), "negative_prompt"),
    (("balance", SECRET), "balance --help"),
]
"""More of them in tests/unit/cli/test_app.py, without processes."""


def test_usage(a2e):
    """What is used wrongly ends with 2 and a line that says what; a token in the wrong place is not repeated."""
    ends = a2e.together(*(words for words, _ in USED_WRONGLY))
    for (words, clue), end in zip(USED_WRONGLY, ends, strict=True):
        assert (end.code, end.out) == (2, ""), words
        assert clue in one_line(end.err)
        assert SECRET not in end.err


def test_unreachable(a2e, closed_port):
    """A service that is not there ends with 3."""
    end = a2e("balance", "--base-url", f"http://127.0.0.1:{closed_port}")
    assert (end.code, end.out) == (3, "")
    one_line(end.err)


def test_no_token(lonely, service):
    """No token ends with 4, and names where it would be looked for."""
    end = lonely("balance", "--base-url", service.url)
    assert (end.code, end.out) == (4, "")
    assert "A2E_API_KEY" in one_line(end.err)


@pytest.mark.parametrize("verbose", [(), ("-vv",)])
def test_wrong_token(lonely, service, verbose):
    """A wrong token ends with 4 and is shown nowhere, not even in a traceback or log."""
    end = lonely("balance", "--base-url", service.url, "--token", SECRET, *verbose)
    assert (end.code, end.out) == (4, "")
    assert SECRET not in end.err
    assert ("Traceback" in end.err) == bool(verbose)


@pytest.fixture
async def sim():
    """Give a simulator in this process, slow enough to be interrupted and quick enough to wait for."""
    async with simulator.serve(task_seconds=2.0, media="tiny") as sim:
        yield sim


async def words_of(child: asyncio.subprocess.Process) -> tuple[str, str]:
    """Wait for a command and give what it has printed."""
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    return out.decode(), err.decode()


async def test_dry_run(lonely, sim):
    """A dry run prints the request as a curl command, sends nothing, and shows no token."""
    words = ("text-to-image", 'Ann\'s "kite" $HOME', "--width", "640", "--webhook-token", "hush", "--dry-run")
    child = await lonely.start_beside(sim, *words)
    out, err = await words_of(child)
    assert (child.returncode, err) == (0, "")
    curl = shlex.split(out)
    assert curl[:4] == ["curl", "-X", "POST", f"{sim.url}/api/v1/userText2image/start"]
    assert "Authorization: Bearer sk_***" in curl
    body = json.loads(curl[curl.index("-d") + 1])
    assert (body["prompt"], body["width"], body["height"]) == ('Ann\'s "kite" $HOME', 640, 1024)
    assert body["webhook_token"] == "***"
    assert sim.token not in out
    assert sim.counters.total() == 0
    assert sim.book.starts == []


async def test_dry_run_of_an_upload(lonely, sim):
    """A dry run uploads nothing either, and says so."""
    (lonely.folder / "kite.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    child = await lonely.start_beside(sim, "image-to-video", "kite.png", *VIDEO, "--dry-run", "--json")
    out, err = await words_of(child)
    assert child.returncode == 0, err
    assert "would be uploaded" in err
    assert json.loads(out)["body"]["image_url"].endswith("/kite.png")
    assert sim.counters.total() == 0


async def test_interrupt(lonely, sim):
    """Ctrl-C ends with 130 and a line that, pasted, goes on with the same tasks."""
    child = await lonely.start_beside(sim, "text-to-image", "a kite", "a moon", "--out", "my kites")
    while len(sim.book.starts) < 2:  # noqa: ASYNC110 - the child does not tell this process
        await asyncio.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = await words_of(child)
    assert (child.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert sim.token not in err
    line = err.splitlines()[-1]
    _a2e, *words = shlex.split(line)
    assert words[:2] == ["watch", "text_to_image"]
    assert set(words) >= set(sim.book.tasks)
    resumed = await lonely.start_beside(sim, *words)
    out, err = await words_of(resumed)
    assert resumed.returncode == 0, err
    assert len(list((lonely.folder / "my kites").iterdir())) == len(out.splitlines()) == 2
    assert len(sim.book.starts) == 2


async def test_time_limit(lonely, sim):
    """A job that takes longer than --timeout ends with 1; its task goes on and can be resumed."""
    child = await lonely.start_beside(sim, "text-to-image", "a kite", "--timeout", "0.5")
    out, err = await words_of(child)
    assert (child.returncode, out) == (1, "")
    assert err.splitlines()[-1].startswith(f"a2e watch text_to_image --out . -- {next(iter(sim.book.tasks))}")


async def test_no_coins(lonely, sim):
    """Too few coins end with 4, said once for all jobs."""
    sim.world.coins = 0
    child = await lonely.start_beside(sim, "text-to-image", "a kite", "a moon")
    out, err = await words_of(child)
    assert (child.returncode, out) == (4, "")
    assert len([line for line in err.splitlines() if line.startswith("a2e: ")]) == 1
