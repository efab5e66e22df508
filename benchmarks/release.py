"""What is released: `python -m benchmarks.release FOLDER` builds it twice, and checks that both are the same bytes.

The wheel and the source archive of the commit that is checked out, with its time in them. Each must hold exactly the
files it should: the wheel the package, the source archive the package and what tests it. Needs the group `lint`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
PACKAGE = "a2e_async"
IN_THE_SOURCE = (PACKAGE, "tests", "benchmarks", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".gitignore")
MADE = ("PKG-INFO",)  # by the builder
NEEDED = ("py.typed", "guide/batches.md", "batch/page/page.html", "web/example.html")


def built(folder: Path) -> Mapping[str, str]:
    """Build both archives into a folder, and give the digest of each by its name."""
    moment = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True)
    env = {**os.environ, "SOURCE_DATE_EPOCH": moment.stdout.strip()}
    words = [sys.executable, "-m", "build", "--outdir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stdout + done.stderr)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def files_of(archive: Path) -> set[str]:
    """Give the files in an archive, without the folder that they are in."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name for name in wheel.namelist() if not name.split("/")[0].endswith(".dist-info")}
    with tarfile.open(archive) as source:
        return {name.partition("/")[2] for name in source.getnames()} - set(MADE)


def tracked(*folders: str) -> set[str]:
    """Give the files of the repository below these."""
    listed = subprocess.run(["git", "ls-files", "--", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.splitlines())


def differences(archive: Path) -> list[str]:
    """Give what is missing in an archive, and what should not be in it."""
    found = files_of(archive)
    expected = tracked(PACKAGE) if archive.suffix == ".whl" else tracked(*IN_THE_SOURCE)
    needed = {f"{PACKAGE}/{name}" for name in NEEDED}
    said = [f"{archive.name} lacks {name}" for name in sorted((expected | needed) - found)]
    return said + [f"{archive.name} should not hold {name}" for name in sorted(found - expected)]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def main(folder: Path) -> None:
    """Build into FOLDER, and fail where two builds differ or an archive holds what it should not."""
    first = built(folder)
    with tempfile.TemporaryDirectory() as other:
        second = built(Path(other))
    wrong = [f"{name} is not the same in two builds" for name in first if first[name] != second.get(name)]
    wrong += [line for archive in sorted(folder.iterdir()) for line in differences(archive)]
    for name, digest in first.items():
        click.echo(f"{digest}  {name}")
    if wrong:
        raise click.ClickException("\n".join(wrong))


if __name__ == "__main__":
    main()
