"""Runs a benchmark as a user would, and gives its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def figures(name, *arguments, interpreter=()):
    """Give the figures of a benchmark by name; it must end well and say nothing but them."""
    command = [sys.executable, *interpreter, "-m", f"benchmarks.{name}", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=380, check=False, cwd=ROOT)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    missed = [line for line in lines if not line.get("ok", True)]
    assert (ran.returncode, ran.stderr, missed) == (0, "", [])
    return {line["figure"]: line["value"] for line in lines}
