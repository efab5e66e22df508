"""Mutation testing with mutmut: `python -m benchmarks.mutations ROOM [--only 'core/retry.py'] [--sample 80]`.

In a copy of the project it changes the code of a room in one small place at a time, and runs the tests that reach it;
a change that no test notices has survived. It prints the share that was noticed and the names of the survivors, which
`mutmut show NAME` explains in the copy. Needs the group `mutation`, and hours for a whole room: run one file, or a
sample of its changes, which is the same for the same seed.

mutmut switches a change on after the modules were loaded. So what only runs while they load, such as the making of a
validator or of a table, survives whatever the tests are: look at survivors with that in mind.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
ROOMS = {
    "core": ("a2e_async/core", ("tests/unit/core", "tests/unit/starts", "tests/unit/polling", "tests/wire")),
    "starts": ("a2e_async/engine/starts", ("tests/unit/starts",)),
    "polling": ("a2e_async/engine/polling", ("tests/unit/polling", "tests/unit/jobs", "tests/unit/client")),
    "jobs": ("a2e_async/engine/jobs", ("tests/unit/jobs", "tests/unit/client")),
    "store": ("a2e_async/store", ("tests/store", "tests/unit/store", "tests/unit/durable")),
}
COPIED = ("a2e_async", "benchmarks", "tests", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".github")
LEAST = 0.85
NOTICED = ("killed", "timeout", "suspicious", "segfault")
_RESULT = re.compile(r"^\s*(\S+): (.+)$", re.MULTILINE)


def copy_of_the_project(folder: Path, room: str, only: str) -> None:
    """Copy the project, and tell mutmut there what to change and what to run."""
    source, tests = ROOMS[room]
    for name in COPIED:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        elif place.exists():
            shutil.copy(place, folder / name)
    changed = [f"a2e_async/{only}"] if only else [f"{source}/*"]
    settings = {
        "source_paths": ["a2e_async"],
        "only_mutate": changed,
        "also_copy": [name for name in COPIED if name != "a2e_async"],
        "pytest_add_cli_args_test_selection": list(tests),
        "pytest_add_cli_args": ["-m", "not slow", "-p", "no:randomly", "-x"],
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.mutmut]\n{lines}")


def mutmut(folder: Path, *words: str, seconds: float | None = None) -> str:
    """Run mutmut in the copy, for so long at most, and give what it prints."""
    command = [sys.executable, "-m", "mutmut", *words]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return "the time is up: what follows is of the changes that were tried"
    return done.stdout + done.stderr


def sample_of(folder: Path, count: int, seed: int) -> list[str]:
    """Give the names of some changes, chosen by a seed."""
    told = mutmut(
        folder, "run", "--max-children", "1", "none"
    )  # makes all changes, and finds the tests that reach them
    names = [name for name, _word in _RESULT.findall(mutmut(folder, "results", "--all", "true"))]
    if not names:
        raise click.ClickException(f"no changes were made:\n{told[-3000:]}")
    return random.Random(seed).sample(sorted(names), min(count, len(names)))


@click.command()
@click.argument("room", type=click.Choice(list(ROOMS)))
@click.option("--only", default="", metavar="FILE", help="One file of it, below a2e_async.")
@click.option("--sample", type=click.IntRange(0), default=0, help="How many changes are tried; 0: all of them.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which of them are in the sample.")
@click.option("--minutes", type=float, default=60, show_default=True, help="How long it may take.")
@click.option("--children", type=int, default=2, show_default=True, help="How many processes run tests.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where the copy goes; it is kept.")
def main(*, room: str, only: str, sample: int, seed: int, minutes: float, children: int, folder: Path) -> None:
    """Change the code of ROOM, and tell which changes no test notices."""
    copy_of_the_project(folder, room, only)
    names = sample_of(folder, sample, seed) if sample else []
    told = mutmut(folder, "run", "--max-children", str(children), *names, seconds=minutes * 60)
    results = dict(_RESULT.findall(mutmut(folder, "results", "--all", "true")))
    counts = Counter(results.values())
    tried = sum(count for word, count in counts.items() if word != "not checked")
    if not tried:
        raise click.ClickException(f"nothing was tried:\n{told[-3000:]}")
    noticed = sum(counts[word] for word in NOTICED)
    click.echo(json.dumps({"room": only or room, "tried": tried, "noticed": round(noticed / tried, 3), **counts}))
    for name, word in results.items():
        if word not in (*NOTICED, "not checked"):
            click.echo(f"{word}: {name}")
    if noticed / tried < LEAST:
        sys.exit(1)


if __name__ == "__main__":
    main()
