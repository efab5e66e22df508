"""What is said in several places of the repository says the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import a2e_async

ROOT = Path(__file__).parents[2]


def test_the_version_is_the_same_everywhere():
    """`__version__`, the package's and that of the newest release in the changelog, which has its date."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    headings = re.findall(r"^## \[(.+)\](.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert project["version"] == a2e_async.__version__
    assert headings[0] == ("Unreleased", "")
    newest, when = headings[1]
    assert newest == a2e_async.__version__
    assert re.fullmatch(r" - \d{4}-\d\d-\d\d", when)


def test_the_pythons_that_are_promised_are_those_that_are_tested():
    """Classifiers and the matrix of the continuous integration name the same versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = [one.rpartition(" ")[2] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert project["requires-python"] == f">={promised[0]}"
    workflow = ROOT / ".github" / "workflows" / "ci.yml"
    if workflow.is_file():  # it is no part of the source archive
        assert re.findall(r'"(3\.\d+)"', workflow.read_text(encoding="utf-8")) == promised


def test_actions_are_pinned_by_commit():
    """What runs for us elsewhere is named by its commit; the version is a comment that people read."""
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))  # no part of the source archive
    used = [line.strip() for file in workflows for line in file.read_text("utf-8").splitlines() if "uses:" in line]
    assert [line for line in used if not re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v[\d.]+$", line)] == []
