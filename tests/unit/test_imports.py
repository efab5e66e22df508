"""What `import a2e_async` loads, seen from a fresh interpreter."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import a2e_async

LATE = ["cattrs"]
EXTRAS = ["PIL", "av", "click", "dask", "distributed", "orjson", "rich", "uvloop"]
OWN = [
    "a2e_async.batch",
    "a2e_async.calls",
    "a2e_async.cli",
    "a2e_async.engine.durable",
    "a2e_async.engine.jobs.events",
    "a2e_async.engine.jobs.stats",
    "a2e_async.families.image_to_video",
    "a2e_async.simulator",
    "a2e_async.store",
    "a2e_async.testing",
    "a2e_async.web",
]
MOST_MODULES = 104


def loaded_by(statement):
    """Give the names of all modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    words = [sys.executable, "-W", "error", "-c", code]
    return json.loads(subprocess.run(words, check=True, capture_output=True, timeout=60).stdout)


@pytest.fixture(scope="module")
def loaded():
    """Give the modules that the root loads."""
    return loaded_by("import a2e_async")


@pytest.mark.parametrize("name", [*EXTRAS, *LATE, *OWN, "sqlite3", "http.server", "multiprocessing"])
def test_the_root_loads_no_extra(loaded, name):
    """Neither an extra nor what only some users need is loaded with the root."""
    assert [module for module in loaded if module == name or module.startswith(f"{name}.")] == []


def test_the_root_stays_small(loaded):
    """The root loads few modules of its own; a gate against imports that creep in."""
    own = [module for module in loaded if module.partition(".")[0] == "a2e_async"]
    assert 20 < len(own) <= MOST_MODULES, own


def test_a_client_without_a_store_loads_none_of_it():
    """Neither making nor opening it does: who has no store pays nothing for it."""
    opened = "import a2e_async, asyncio\n"
    opened += "async def main():\n    async with a2e_async.A2EClient('sk_a') as a2e: assert a2e.jobs() == []\n"
    found = loaded_by(f"{opened}asyncio.run(main())")
    parts = ("a2e_async.store", "a2e_async.engine.durable", "psycopg", "sqlite3")
    assert [name for name in found if name.startswith(parts)] == []


def test_a_client_has_loaded_what_writes_requests():
    """No first start waits for cattrs: it comes with the client, not in its event loop."""
    assert "cattrs" in loaded_by("import a2e_async\na2e_async.A2EClient('sk_a')")


def test_importing_makes_no_event_loop_and_no_thread():
    """Importing the root starts nothing: no thread, no event loop, no log handler."""
    checks = "import a2e_async, asyncio, logging, threading\n"
    checks += "assert threading.active_count() == 1\n"
    checks += "assert not [h for h in logging.getLogger('a2e_async').handlers if type(h) is not logging.NullHandler]\n"
    checks += "assert logging.getLogger('a2e_async').level == logging.NOTSET\n"
    checks += "assert not logging.getLogger().handlers\n"
    checks += "client = a2e_async.A2EClient('sk_a')\n"
    checks += "assert threading.active_count() == 1\n"
    assert "a2e_async" in loaded_by(checks)


def test_data_files_are_resources():
    """No module reads a file beside it by its path: in a zip there is none."""
    package = Path(a2e_async.__file__).parent
    own = re.compile(r"(?<!\.)__file__")  # where another library's module lies is another matter
    assert [str(file) for file in package.rglob("*.py") if own.search(file.read_text("utf-8"))] == []
