"""Blocks of the README and the guide that need more than a folder and a service: a database, a clone, a Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from command_line import CommandLine, environment, serving
from documents import DOCUMENTS, ROOT, blocks_of, furnish
from postgres_server import missing, postgres_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_NEEDING = {
    needs: sorted({name for name in DOCUMENTS for block in blocks_of(name) if block.needs == needs})
    for needs in ("PostgreSQL", "a clone", "Ctrl-C")
}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Run one fast simulator for all blocks."""
    alone = CommandLine(tmp_path_factory.mktemp("simulator"))
    with serving(alone, "--speed", "60", "--coins", "1000000") as found:
        yield found


def lines_of(name, needs):
    """Give what a document shows for the shell with one need."""
    return "\n".join(f": {block.place}\n{block.text}" for block in blocks_of(name) if block.needs == needs)


def users(folder, **env):
    """Give the environment of a user whose virtual environment is active."""
    env = environment({**env, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"})
    return {"cwd": folder, "env": {key: value for key, value in env.items() if not key.startswith("PYTEST_")}}


def test_every_need_is_met_here():
    """No block waits for a test that nobody wrote."""
    assert {block.needs for name in DOCUMENTS for block in blocks_of(name)} == {"", *_NEEDING}


@pytest.mark.skipif(bool(missing()), reason=missing() or "PostgreSQL is here")
@pytest.mark.parametrize("name", _NEEDING["PostgreSQL"])
def test_blocks_with_postgresql_run(name, tmp_path, service):
    """The reader's database, folder and machines stand for one of ours; the page is served until Ctrl-C elsewhere."""
    furnish(tmp_path, name)
    for source in (block for block in blocks_of("README") if block.file == "prompts.csv"):
        (tmp_path / source.file).write_text(source.text, encoding="utf-8")
    with postgres_server() as server:
        lines = lines_of(name, "PostgreSQL").replace("/mnt/", f"{tmp_path}/").replace(" --serve", "")
        for theirs in ("postgresql://me@db.example/a2e", "postgresql://a2e@db/a2e"):
            lines = lines.replace(theirs, server.url)
        shell = ["sh", "-exc", lines]
        done = subprocess.run(
            shell, **users(tmp_path, **service.env), capture_output=True, text=True, timeout=250, check=False
        )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "postgresql://" not in lines.replace(server.url, "")


@pytest.mark.parametrize("name", _NEEDING["a clone"])
def test_the_package_is_installed_from_a_clone(name, tmp_path):
    """Each line of the installation installs the command, from the clone's folder and from its URL."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    lines = lines_of(name, "a clone").replace("file:///path/to/the/clone", ROOT.as_uri())
    lines = lines.replace("git+https://git.example/a2e_async.git", f"git+{ROOT.as_uri()}").splitlines()
    for number, line in enumerate(line for line in lines if not line.startswith(":")):
        env = {"PIP_TARGET": str(tmp_path / str(number))}
        shell = ["sh", "-exc", f"{Path(sys.executable).parent}/python -m {line}"]
        done = subprocess.run(shell, **users(tmp_path, **env), capture_output=True, text=True, timeout=250, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        assert (tmp_path / str(number) / "bin" / "a2e").exists()


@pytest.mark.parametrize("name", _NEEDING["Ctrl-C"])
def test_what_serves_until_ctrl_c_serves(name, tmp_path):
    """The lines bring the page up, and Ctrl-C ends all that they have begun."""
    for port in (8765, 8080):
        if answers(port):
            pytest.skip(f"port {port} is somebody else's")
    with (tmp_path / "out").open("wb") as out:
        running = subprocess.Popen(
            ["sh", "-c", lines_of(name, "Ctrl-C")], **users(tmp_path), stdout=out, stderr=out, start_new_session=True
        )
        try:
            until = time.monotonic() + 60
            while not answers(8080) and running.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
            assert answers(8080), (tmp_path / "out").read_text()
        finally:
            os.killpg(running.pid, signal.SIGINT)
            try:
                running.wait(30)
            finally:
                with_all_gone(running.pid)
    assert not answers(8080)


def with_all_gone(group):
    """End what is left of a group of processes: a shell lets what it has put behind itself ignore Ctrl-C."""
    try:
        os.killpg(group, signal.SIGTERM)
    except ProcessLookupError:
        return


def answers(port):
    """Tell whether an HTTP server answers at a port of this machine."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
