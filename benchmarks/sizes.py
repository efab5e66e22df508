"""The sizes that keep the code readable: `python -m benchmarks.sizes` says what is too long and exits with 1.

A file has at most 300 lines, a function 40. What may be longer stands below with its reason and its own limit, so that
it does not grow further.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("a2e_async", "benchmarks", "tests")
LINES, FUNCTION = 300, 40

LONG_FILES: dict[str, tuple[int, str]] = {}
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {
    "a2e_async/batch/batch.py open": (60, "more than half is the docstring of a public function"),
    "a2e_async/calls/base.py pages": (45, "a generator and its docstring: split, the two halves share five names"),
    "a2e_async/client/__init__.py __init__": (50, "one line a setting"),
    "a2e_async/client/__init__.py start": (50, "more than half is the docstring of a public function"),
    "a2e_async/simulator/serving/server.py serve": (55, "more than half is the docstring of a public function"),
    "benchmarks/fuzz_replies.py run": (50, "a loop with its counters"),
    "benchmarks/webhooks.py measure": (60, "one story from start to end"),
    "tests/integration/test_otel.py test_span_tree_of_one_job": (45, "one table of spans"),
    "tests/integration/test_testing.py test_fixtures": (60, "the text of a test file that pytest runs"),
    "tests/integration/test_testing.py test_failures_read_well": (50, "the text of a test file that pytest runs"),
}
OLD_TESTS = 900
"""Most lines of a test file that was long when the rule came; new ones keep to it, and these are split in time."""
LONG_TESTS = frozenset(
    {
        "tests/acceptance/test_batch.py",
        "tests/support/histories.py",
        "tests/support/rules_video.py",
        "tests/unit/calls/test_calls.py",
        "tests/unit/client/test_fanout.py",
        "tests/unit/polling/test_polls_never_lose.py",
        "tests/unit/core/test_replies.py",
        "tests/unit/polling/test_schedule.py",
        "tests/unit/http/test_session.py",
        "tests/unit/simulator/test_simulator_app.py",
        "tests/unit/simulator/test_simulator_calls.py",
        "tests/unit/simulator/test_simulator_families.py",
        "tests/unit/simulator/test_simulator_world.py",
    }
)


def too_long(root: Path = ROOT) -> Iterator[str]:
    """Say of each file and function that is too long how long it is and may be."""
    for path in sorted(one for folder in FOLDERS for one in (root / folder).rglob("*.py")):
        name, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        yield from _over(name, text.count("\n"), _most_lines(name))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                place = f"{name} {node.name}"
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                yield from _over(place, lines, LONG_FUNCTIONS.get(place, (FUNCTION, ""))[0])


def _most_lines(name: str) -> int:
    return OLD_TESTS if name in LONG_TESTS else LONG_FILES.get(name, (LINES, ""))[0]


def _over(name: str, lines: int, at_most: int) -> Iterator[str]:
    if lines > at_most:
        yield f"{name} has {lines} lines, at most {at_most}"


def main() -> int:
    """Print what is too long."""
    found = list(too_long())
    print("\n".join(found) or "no file and no function is too long", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
