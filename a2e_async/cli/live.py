"""The live display of running jobs on a terminal: one line per job, and a total."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from a2e_async.cli.progress import Board, Row, total

_LINES_FOR_OTHERS = 4  # the total, the line that counts what is not shown, and room for the prompt


class LiveBoard(Board):
    """Redraws all jobs a few times a second, as many as the terminal has lines for."""

    live = True

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True, highlight=False)
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=self._console, get_renderable=self._draw, redirect_stdout=False, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _show(self, row: Row) -> None:
        """Do nothing: the next redraw shows it."""

    def _draw(self) -> RenderableType:
        rows = list(self.rows)  # the redraw runs in a thread of its own
        shown = _most_telling(rows, self._console.height - _LINES_FOR_OTHERS)
        table = Table.grid(padding=(0, 2))
        table.add_column(width=1)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for _ in range(3):
            table.add_column(justify="right", no_wrap=True)
        for row in shown:
            table.add_row(*self._cells(row))
        lines: list[RenderableType] = [table]
        if len(shown) < len(rows):
            lines.append(Text(f"  and {len(rows) - len(shown)} more", style="dim"))
        lines.append(Text(total(rows, time.monotonic() - self.begun), style="bold"))
        return Group(*lines)

    def _cells(self, row: Row) -> tuple[RenderableType, ...]:
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("", "dim")}[row.good]
        return (
            Text(mark, style=style) if mark else self._spinner.render(time.monotonic()),
            Text.assemble((f"{row.family}  ", "dim"), row.label),
            Text(row.state, style=style),
            Text(f"{row.coins:g} coins" if row.coins is not None else "", style="dim"),
            Text(f"{row.seconds:.1f} s", style="dim"),
        )


def _most_telling(rows: list[Row], lines: int) -> list[Row]:
    """Give as many rows as fit, in their order: first the failed and the running ones."""
    if len(rows) <= lines:
        return rows
    ranks = {False: 0, None: 1, True: 2}
    kept = sorted(rows, key=lambda row: ranks[row.good])[: max(lines, 1)]
    return [row for row in rows if row in kept]
