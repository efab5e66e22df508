"""The three life cycles as tables for people: `python -m benchmarks.life_cycles` writes them into the documents.

They are made from the tables that the code itself goes by, and stand between two marks in a page of the guide and in
CONTRIBUTING.md. A test fails while a document says something else.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import a2e_async
from a2e_async.core.status import SPELLINGS, STAGES, Stage, Status, may_follow
from a2e_async.store.entries import MOVES, State

ROOT = Path(__file__).parents[1]
BEGIN = "<!-- life cycles, written by `python -m benchmarks.life_cycles` -->\n"
END = "<!-- end of life cycles -->\n"


def overview() -> str:
    """Give the table for users: what each life goes through, and how it ends."""
    rows = [
        ("task", "`record.status`, `job.status`", _life((status.value, status.final) for status in Status)),
        ("job", "`repr(job)`, `a2e.stats()`", _life((stage.value, stage is Stage.DONE) for stage in Stage)),
        ("row of a batch", "`a2e batch status`", _life((state.word, state.final) for state in State)),
    ]
    return _table(("of a", "you read it in", "goes through", "ends as"), [(*row, *lives) for *row, lives in rows])


def tables() -> str:
    """Give the tables for contributors: which event may come when, and where it leads."""
    words = ", ".join(f"`{state.word}` for `{state.value}`" for state in State if state.word != state.value)
    return "\n".join(
        [
            "A task's `Status` (`core/status.py`). A record that would set a task back is older: it is ignored.\n",
            _table(("status", "spelled by the service", "may become"), [_status_row(status) for status in Status]),
            "A job's `Stage` (`core/status.py`). In any other stage an event changes nothing.\n",
            _events({event: (list(before), after) for event, (before, after) in STAGES.items()}, Stage),
            "A row's `State` (`store/entries.py`). In any other state an event changes nothing.",
            f"People read {words}.\n",
            _events({event: (list(before), after) for event, (before, after) in MOVES.items()}, State),
        ]
    )


DOCUMENTS: dict[Path, Callable[[], str]] = {
    Path(a2e_async.__file__).parent / "guide" / "how-it-works.md": overview,
    ROOT / ".github" / "CONTRIBUTING.md": tables,
}
"""Which table stands in which document; the guide is where the package is, which may be an installed wheel."""


def renewed(text: str, table: str) -> str:
    """Give a document with this table between its marks.

    Raises:
        ValueError: It has no marks.
    """
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"no {BEGIN.strip()} and {END.strip()} in the document")
    return f"{before}{begin}\n{table}\n{end}{after}"


def _status_row(status: Status) -> Sequence[str]:
    spellings = [spelling for spelling, read in SPELLINGS.items() if read is status]
    followers = [other.value for other in Status if other is not status and may_follow(status, other)]
    return (
        f"`{status.value}`",
        _names(spellings) or "anything else, which counts as still running",
        _names(followers) or "nothing: it is final",
    )


def _events(moves: Mapping[Any, tuple[Collection[Any], Any]], life: type[enum.Enum]) -> str:
    rows = []
    for event, (before, after) in moves.items():
        whenever = "always" if len(before) == len(life) else _names(one.value for one in life if one in before)
        rows.append((f"`{event.name}`", event.value, whenever, "the same" if after is None else f"`{after.value}`"))
    return _table(("event", "what it says", "may come when", "leads to"), rows)


def _life(members: Iterable[tuple[str, bool]]) -> tuple[str, str]:
    known = list(members)
    return _names(name for name, final in known if not final), _names(name for name, final in known if final)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> int:
    """Write the tables into the documents."""
    for path, table in DOCUMENTS.items():
        path.write_text(renewed(path.read_text(encoding="utf-8"), table()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
