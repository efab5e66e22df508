"""Runs a benchmark as a user would, and gives its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"


def figures(script, *arguments, interpreter=()):
    """Give the figures of a benchmark by name; it must end well and say nothing but them."""
    command = [sys.executable, *interpreter, str(FOLDER / script), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=380, check=False)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    missed = [line for line in lines if not line.get("ok", True)]
    assert (ran.returncode, ran.stderr, missed) == (0, "", [])
    return {line["figure"]: line["value"] for line in lines}
