"""Commands that cannot do what was asked say why at once, and what to do next; the package runs wherever it lies."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import a2e_async
from a2e_async import simulator

OLD = "65f000000000000000000001"


@pytest.fixture
async def sim():
    """Give a quick simulator in this process."""
    async with simulator.serve(task_seconds=0.2, media="tiny") as sim:
        yield sim


async def told(lonely, sim, *words: str) -> tuple[int | None, list[str], list[str]]:
    """Run a command; give its code and its lines."""
    child = await lonely.start_beside(sim, *words)
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    return child.returncode, out.decode().splitlines(), err.decode().splitlines()


async def test_no_such_task(lonely, sim):
    """An id that nobody knows is named at once, also beside others; one that is new may only not be listed yet."""
    began = time.monotonic()
    code, out, err = await told(lonely, sim, "watch", "text_to_image", OLD, "nonsense", "--timeout", "20")
    assert (code, out) == (1, [])
    assert [line for line in err if "has no task" in line] == [
        f"a2e: text_to_image has no task {one}; a2e list text_to_image shows yours" for one in (OLD, "nonsense")
    ]
    assert not any("goes on" in line or line.startswith("a2e watch") for line in err)
    assert time.monotonic() - began < 15
    new = f"{int(time.time()):08x}0000000000000001"
    code, _out, err = await told(lonely, sim, "watch", "text_to_image", new, "--timeout", "1")
    assert code == 1
    assert not any("has no task" in line for line in err)


async def test_one_known_among_unknown(lonely, sim):
    """The tasks that are there are watched; the exit code tells of the others."""
    _code, out, _err = await told(lonely, sim, "text-to-image", "a kite", "--no-wait")
    code, urls, err = await told(lonely, sim, "watch", "text_to_image", OLD, *out)
    assert (code, len(urls)) == (1, 1)
    assert any(f"has no task {OLD}" in line for line in err)


async def test_nothing_to_download(lonely, sim):
    """A failed task says why, a running one gives the line that waits for it; the others are downloaded."""
    await told(lonely, sim, "text-to-image", "a [fail]", "b", "--no-download")
    failed, done = sim.book.tasks
    sim.change(task_seconds=30)
    await told(lonely, sim, "text-to-image", "c", "--no-wait")
    running = list(sim.book.tasks)[-1]
    code, out, err = await told(lonely, sim, "download", "text_to_image", failed, running, OLD, done, "--out", "my out")
    assert (code, len(out)) == (1, 1)
    assert any(failed in line and "failed: " in line and "please try again" in line for line in err)
    assert shlex.split(err[2])[1:] == ["watch", "text_to_image", "--out", "my out", "--", running]
    assert any(OLD in line or "not found" in line for line in err[3:])


async def test_the_prompt_that_failed(lonely, sim):
    """Of many prompts the one that failed is named, and what came back is not counted as spent."""
    prompts = [f"kite {number}" for number in range(30)]
    prompts[17] += " [fail]"
    code, _out, err = await told(lonely, sim, "text-to-image", *prompts, "--no-download")
    assert code == 1
    assert any('("kite 17 [fail]")' in line for line in err if line.startswith("a2e: "))


@pytest.mark.parametrize("folder", ["afile/sub", "afile", "/proc/nowhere"])
async def test_a_folder_that_takes_nothing(lonely, sim, folder):
    """It is refused before anything is sent."""
    (lonely.folder / "afile").write_text("no folder")
    code, out, err = await told(lonely, sim, "text-to-image", "a kite", "--out", folder)
    assert (code, out, sim.book.starts) == (2, [], [])
    assert folder.rpartition("/")[2] in err[-1]


def test_a_port_that_is_taken(lonely):
    """The port is named, with what takes another one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        end = lonely("simulator", "--port", str(port))
    assert (end.code, end.err) == (2, f"a2e: port {port} of 127.0.0.1 is in use; --port 0 chooses a free one\n")


def test_no_token(lonely):
    """Where it is looked for, the option, and where it is made."""
    end = lonely("balance")
    assert end.code == 4
    assert all(words in end.err for words in ("A2E_API_KEY", "--token", "account page"))


def test_unreachable(lonely):
    """Why nothing moves is told while it is tried again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    words = ("text-to-image", "a kite", "--token", "sk_12345678", "--base-url", address)
    with lonely.start(*words, stderr=subprocess.PIPE) as child:
        line = child.stderr.readline()
        child.terminate()
        rest = child.stderr.read()
    assert line.startswith("a2e: ")
    assert address in line
    assert "(2/6)" in line
    assert "1 start not sent" in rest
    assert shlex.split(rest.splitlines()[-1])[:3] == ["a2e", "text-to-image", "a kite"]


@pytest.mark.parametrize("shell", ["bash", *(pytest.param(shell, marks=pytest.mark.slow) for shell in ("zsh", "fish"))])
def test_completion(lonely, shell):
    """Every shell gets its script, and what the script asks for is answered: commands, families, options, files."""
    assert "_A2E_COMPLETE" in lonely("completion", shell).out
    for words, wanted in (
        ("a2e text", "text-to-image"),
        ("a2e families flux", "flux2"),
        ("a2e balance --js", "--json"),
        ("a2e image-to-video x", "file"),
    ):
        number = len(words.split()) - 1
        asked = lonely.env | {"_A2E_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
        child = subprocess.run(lonely.A2E, env=asked, capture_output=True, text=True, check=False)
        assert wanted in child.stdout, words


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Give the package as a zip."""
    package, path = Path(a2e_async.__file__).parent, tmp_path_factory.mktemp("zip") / "app.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in package.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, Path("a2e_async") / file.relative_to(package))
        archive.writestr("__main__.py", "from a2e_async.__main__ import main\nmain()\n")
    return path


@pytest.mark.parametrize("optimize", [pytest.param((), marks=pytest.mark.slow), ("-OO",)])
def test_from_a_zip(archive, tmp_path, optimize):
    """Data files are read from wherever the package lies, and helps are there without docstrings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("A2E_", "PYTHON"))}

    def run(*words: str) -> str:
        python = [sys.executable, *optimize, str(archive), *words]
        done = subprocess.run(python, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(run("--simulate", "balance", "--json"))["coins"] == 10_000
    assert "Width in pixels" in run("text-to-image", "--help")
    assert "Print the coins" in run("balance", "--help")
    run("demo", "--count", "1", "--speed", "20", "--media", "tiny", "--out", "demo")
    assert (tmp_path / "demo" / "index.html").stat().st_size > 1000


async def test_cancel_the_others(lonely, sim):
    """An id that nobody knows keeps no other task from being cancelled."""
    sim.change(task_seconds=3600)
    await told(lonely, sim, "text-to-image", "a", "b", "--no-wait")
    first, second = sim.book.tasks
    code, out, err = await told(lonely, sim, "cancel", "text_to_image", first, OLD, second)
    assert (code, out) == (1, [f"{first} cancelled", f"{second} cancelled"])
    assert err == [f"a2e: text_to_image has no task {OLD}; a2e list text_to_image shows yours"]
