"""The pytest plugin in a project of its own, which has installed the wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parents[2]
_CONFTEST = 'pytest_plugins = ["a2e_async.testing"]\n'
_TESTS = '''
import asyncio

import pytest
from a2e_async import A2EClient, JobFailedError, blocking


class Video:
    """The application under test."""

    async def make(self, prompt):
        async with A2EClient() as a2e:
            image = await a2e.text_to_image(prompt)
            return (await a2e.image_to_video(image.url, prompt=prompt, negative_prompt="blurry")).url


@pytest.mark.parametrize("number", range(3))
@pytest.mark.a2e(virtual=True, task_seconds=600)
async def test_ten_minutes(a2e_client, a2e_simulator, number):
    video = await a2e_client.image_to_video("http://example.com/a.png", prompt="it climbs", negative_prompt="blurry")
    assert ".mp4?" in video.url
    a2e_simulator.book.expect(starts=1, spent=30)


async def test_application_finds_the_simulator(a2e_simulator):
    assert (await Video().make("a red kite")).startswith(a2e_simulator.url)
    a2e_simulator.book.expect(starts=2, spent=40)


@pytest.mark.a2e(coins=100, faults=[("text_to_image.start", "reset", {"when": "after"})], virtual=True)
async def test_lost_answer_is_billed_once(a2e_client, a2e_simulator):
    await a2e_client.text_to_image("a red kite")
    a2e_simulator.book.expect(starts=1, spent=10)


def test_without_a_loop(a2e_simulator):
    with blocking() as a2e, pytest.raises(JobFailedError):
        a2e.text_to_image("a kite [fail]")
'''


def run(folder, *words):
    """Run a command without the developer's environment and give what it printed."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith(("A2E_", "PYTEST_", "PYTHON", "COVERAGE"))}
    done = subprocess.run(words, cwd=folder, env=usual, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_consumer_project(tmp_path):
    """A project that installs the wheel uses the plugin; its test of ten minutes takes less than 50 ms."""
    run(tmp_path, sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "dist", str(_HERE))
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run(tmp_path, sys.executable, "-m", "venv", "venv")
    python = str(tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
    run(tmp_path, python, "-m", "pip", "install", "-q", str(wheel), "pytest>=8.2", "pytest-asyncio>=1")
    tests = tmp_path / "project" / "tests"
    tests.mkdir(parents=True)
    (tests / "conftest.py").write_text(_CONFTEST)
    (tests / "test_video.py").write_text(_TESTS)
    (tests.parent / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    told = run(tests.parent, python, "-m", "pytest", "-v", "--durations=0", "--durations-min=0")
    assert "6 passed" in told
    took = re.findall(r"([\d.]+)s call +\S*::test_ten_minutes", told)
    assert len(took) == 3
    assert min(map(float, took)) < 0.5, told  # ten minutes on a busy machine
