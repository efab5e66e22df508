"""Everything that the README and the guide show is run."""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from command_line import CommandLine, environment, serving
from documents import DOCUMENTS, GUIDE, ROOT, blocks, blocks_of, furnish, is_a_test

from a2e_async import A2EClient, errors, families
from a2e_async.core import family

_PYTHON = {place: block for place, block in blocks("python").items() if not is_a_test(block) and not block.file}
_LONG = {
    "guide/agent",
    "guide/batches",
    "guide/examples",
}  # tens of seconds on a machine that does other things as well


def _pages(places):
    """Give the documents of these places as parameters of a test."""
    names = sorted({place.partition(":")[0] for place in places})
    return [pytest.param(name, marks=pytest.mark.slow) if name in _LONG else name for name in names]


_SHELL = _pages(blocks("sh"))
_TESTS = _pages(place for place, block in blocks("python").items() if is_a_test(block))
_LANGUAGES = {"python", "sh", "csv", "json", "toml", "text", "html", "ini", "js"}
_PYTEST_INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Run one fast simulator for all blocks."""
    alone = CommandLine(tmp_path_factory.mktemp("simulator"))
    with serving(alone, "--speed", "60", "--coins", "1000000") as found:
        yield found


@pytest.mark.parametrize("place", _PYTHON)
async def test_python_block_runs(place, monkeypatch, tmp_path, service):
    """Each Python block runs as it stands; a script's `main` is called."""
    for name, value in service.env.items():
        monkeypatch.setenv(name, value)
    furnish(tmp_path, place.partition(":")[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    families()  # all are loaded before: only what a block declares is forgotten after it
    for known in ("by_name", "by_request"):
        monkeypatch.setattr(family._registry, known, dict(getattr(family._registry, known)))
    code = compile(_PYTHON[place].text, place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    names = {"__name__": "document", "__builtins__": builtins}
    running = types.FunctionType(code, names)()
    if running is not None:
        await running
    main = names.get("main")  # a script, which stands below `if __name__ == "__main__"`
    if inspect.iscoroutinefunction(main):
        await main()
    elif main is not None:
        await asyncio.to_thread(main)


@pytest.mark.timeout(400)  # many commands, each of which takes seconds on a crowded machine
@pytest.mark.parametrize("name", _SHELL)
def test_shell_blocks_run(name, tmp_path, service):
    """All lines for the shell of a document run in one folder, one after the other, and none fails."""
    furnish(tmp_path, name)
    shown = [block for block in blocks_of(name) if block.language == "sh" and not block.needs and not block.left_out]
    lines = "\n".join(f": {block.place}\n{block.text}" for block in shown)
    done = shell(tmp_path, "sh", "-exc", lines, **service.env)
    assert done.returncode == 0, done.stderr + done.stdout


def test_blocks_that_are_not_run_are_the_quick_start():
    """Only the quick start is run by other means: the demo by its own test, the line of the tests by the check."""
    left_out = [block.text.strip() for name in DOCUMENTS for block in blocks_of(name) if block.left_out]
    assert [line.rpartition(" && ")[2].split()[:3] for line in left_out] == [
        [".venv/bin/python", "-m", "a2e_async"],
        [".venv/bin/python", "-m", "pytest"],
    ]


@pytest.mark.parametrize("name", _TESTS)
def test_tests_pass(name, tmp_path, service):
    """The tests that a document shows pass in a project of their own."""
    furnish(tmp_path, name)
    (tmp_path / "pytest.ini").write_text(_PYTEST_INI)
    shown = [block for block in blocks_of(name) if is_a_test(block) and not block.file]
    for number, block in enumerate(shown):
        (tmp_path / f"test_block_{number}.py").write_text(block.text)
    words = ("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider")
    done = shell(tmp_path, sys.executable, *words, **service.env)
    assert done.returncode == 0, done.stdout + done.stderr


def shell(folder, *words, **env):
    """Run a command as a user does, whose virtual environment is active."""
    env = environment({**env, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"})
    env = {name: value for name, value in env.items() if not name.startswith("PYTEST_")}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=380, check=False)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_code_hides_from_the_tests(name):
    """What is meant for the shell stands in a block that runs, or says why it does not."""
    hidden = [one.place for one in blocks_of(name) if re.search(r"^(\$|>>>) ", one.text, re.MULTILINE)]
    assert hidden == []
    assert {one.language for one in blocks_of(name)} <= _LANGUAGES


@pytest.mark.parametrize("name", DOCUMENTS)
def test_page_begins_with_its_title(name):
    """A page has one title, which stands first, and lines that fit a screen."""
    lines = DOCUMENTS[name].read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    prose = re.sub(r"^```.*?^```$", "", "\n".join(lines), flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1


@pytest.mark.parametrize("name", DOCUMENTS)
def test_urls_lead_somewhere(name):
    """Each file and each heading that a document leads to is there."""
    document = DOCUMENTS[name]
    if name == "README" and not (ROOT / ".github").exists():
        pytest.skip("the source archive has no .github")
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        file, _, heading = target.partition("#")
        path = (document.parent / file) if file else document
        if not path.exists() or (heading and heading not in headings(path)):
            dead.append(target)
    assert dead == []


def headings(path):
    """Give the names by which the headings of a page are reached."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_readme_is_short():
    """It fits into 250 lines; the guide has the rest."""
    assert len(DOCUMENTS["README"].read_text(encoding="utf-8").splitlines()) <= 250


def test_quick_start_begins_with_two_lines():
    """The quick start begins with exactly two sh blocks of one line each: the demo, and the tests."""
    text = DOCUMENTS["README"].read_text(encoding="utf-8")
    start = text.index("## Quick start")
    section = text[start : text.index("\n## ", start + 1)]
    found = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert [block.count("\n") for block in found] == [1, 1]
    assert found[0].rstrip().endswith("-m a2e_async demo")
    assert "-m pytest" in found[1]


def test_error_tree_is_the_real_one():
    """The errors that the guide draws are all errors there are."""
    text = (GUIDE / "errors.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^(?:[│├└─ ]*)(\w+Error)\b", text, re.MULTILINE))
    real = {name for name in vars(errors) if name.endswith("Error") and isinstance(vars(errors)[name], type)}
    assert drawn == real


def test_settings_name_every_option_of_the_client():
    """The table has each option of `A2EClient`, and none that there is not."""
    text = (GUIDE / "settings.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`.+?`) \|", text, re.MULTILINE)
    named = {name for cell in table for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(inspect.signature(A2EClient).parameters)


def test_families_page_names_every_family():
    """Whatever can be started stands in the table of the guide."""
    text = (GUIDE / "families.md").read_text(encoding="utf-8")
    known = {name for name, one in families().items() if one.request.__module__.startswith("a2e_async.")}
    assert set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| .*$", text, re.MULTILINE)))) == known
