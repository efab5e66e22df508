"""The public API as type checkers see it: right code passes, wrong code is refused."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
API = ROOT / "tests" / "typing" / "api.py"
REFUSED = re.compile(r"# type: ignore\[([\w-]+)\]")


def checked(tool, *words):
    """Run a type checker over a file, as a fresh process in the project's folder."""
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    words = [sys.executable, "-m", tool, *map(str, words)]
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Give a folder for mypy's cache, shared by the tests of this file."""
    return tmp_path_factory.mktemp("mypy")


def marked():
    """Give the lines that must be refused, with the reason."""
    lines = API.read_text(encoding="utf-8").splitlines()
    return {number: found[1] for number, line in enumerate(lines, 1) if (found := REFUSED.search(line))}


def test_right_code_passes_mypy(cache):
    """Strict mypy agrees with every line of the folder's files, and needs each of their ignores."""
    outcome = checked("mypy", "--strict", "--cache-dir", cache, *sorted(API.parent.glob("*.py")))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_wrong_code_is_refused_by_mypy(cache, tmp_path):
    """Without their ignores exactly the marked lines are refused: misspelt, missing and wrong arguments."""
    bare = tmp_path / "api.py"
    bare.write_text(REFUSED.sub("#", API.read_text(encoding="utf-8")), encoding="utf-8")
    outcome = checked("mypy", "--strict", "--cache-dir", cache, bare)
    found = re.findall(r"api\.py:(\d+): error: .*\[([\w-]+)\]$", outcome.stdout, re.MULTILINE)
    assert {int(number): code for number, code in found} == marked()
    assert {"call-arg", "arg-type", "misc"} <= set(marked().values())


@pytest.mark.slow
def test_pyright_agrees(tmp_path):
    """The second checker, pyright, passes the API file as it is, and refuses the marked lines without their ignores."""
    outcome = checked("pyright", "--outputjson", API)
    assert outcome.returncode == 0, outcome.stdout
    bare = tmp_path / "api.py"
    bare.write_text(REFUSED.sub("#", API.read_text(encoding="utf-8")), encoding="utf-8")
    outcome = checked("pyright", "--outputjson", "--pythonpath", sys.executable, bare)
    report = json.loads(outcome.stdout)
    lines = {one["range"]["start"]["line"] + 1 for one in report["generalDiagnostics"] if one["severity"] == "error"}
    assert lines == set(marked())
