"""The live displays on a terminal: a line per job, or a bar per state of a batch's rows; and which display to use."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from a2e_async.cli.display.board import BatchBoard, Board, BoardRow, summary
from a2e_async.cli.display.output import one_line
from a2e_async.cli.display.progress import Progress
from a2e_async.client import A2EClient
from a2e_async.store.entries import State

_STYLES = {
    State.PLANNED: "dim",
    State.INTENDED: "cyan",
    State.ACCEPTED: "cyan",
    State.COMPLETED: "blue",
    State.DONE: "green",
    State.FAILED: "red",
    State.REFUSED: "red",
    State.UNKNOWN: "magenta",
    State.EXPIRED: "red",
}
_BAR = 40
_BESIDE_A_BAR = 26  # the name of a state, a count of up to seven digits, and the spaces between
_ROOM_FOR_FAMILY, _ROOM_FOR_NUMBERS = 72, 56  # columns of a terminal; below them the label needs the room
_WIDEST = 110
_LINES_FOR_OTHERS = 4  # the total, the line that counts hidden jobs, and the shell's prompt


class _Terminal:
    """Stderr without the errors of a terminal that has gone: the jobs go on without it."""

    def __init__(self) -> None:
        self._file = sys.stderr

    def write(self, text: str) -> int:
        """Write, if it can be written."""
        with contextlib.suppress(OSError):
            return self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if it can be flushed."""
        with contextlib.suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any other attribute of a file
        return getattr(self._file, name)


def _console() -> Console:
    return Console(file=cast("TextIO", _Terminal()), highlight=False)


class LiveBoard(Board):
    """Redraws all jobs a few times a second, as many as the terminal has lines for."""

    live = True

    def __init__(self) -> None:
        super().__init__()
        self._console = _console()
        self._notice = ""
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=self._console, get_renderable=self._draw, redirect_stdout=False, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def notice(self, text: str) -> None:
        """Show it below the jobs: the next redraw would tear a line that is printed in between."""
        self._notice = one_line(text)

    def _show(self, row: BoardRow) -> None:
        """Do nothing: the next redraw shows it."""

    def _draw(self) -> RenderableType:
        rows = list(self.rows)  # the redraw runs in a thread of its own
        shown = _most_important(rows, self._console.height - _LINES_FOR_OTHERS)
        # What does not fit is cut from the label: the other columns are useless when cut.
        table = Table.grid(padding=(0, 2))
        table.width = min(self._console.width, _WIDEST)
        table.add_column(width=1)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for _ in range(3 if self._is_wide else 1):
            table.add_column(justify="right", no_wrap=True)
        for row in shown:
            table.add_row(*self._cells(row))
        lines: list[RenderableType] = [table]
        if len(shown) < len(rows):
            lines.append(Text(f"  and {len(rows) - len(shown)} more", style="dim"))
        lines.append(Text(summary(rows, time.monotonic() - self.begun), style="bold"))
        if self._notice:
            lines.append(Text(self._notice, style="bold red"))
        return Group(*lines)

    def _cells(self, row: BoardRow) -> tuple[RenderableType, ...]:
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("", "dim")}[row.good]
        family = f"{row.family}  " if self._console.width >= _ROOM_FOR_FAMILY else ""
        cells = (
            Text(mark, style=style) if mark else self._spinner.render(time.monotonic()),
            Text.assemble((family, "dim"), row.label),
            Text(row.state, style=style),
        )
        coins = Text(f"{row.coins:g} coins" if row.coins is not None else "", style="dim")
        return (*cells, coins, Text(f"{row.seconds:.1f} s", style="dim")) if self._is_wide else cells

    @property
    def _is_wide(self) -> bool:
        return self._console.width >= _ROOM_FOR_NUMBERS


def _most_important(rows: list[BoardRow], lines: int) -> list[BoardRow]:
    """Choose the rows that fit: failed ones before running ones before done ones; in their order."""
    if len(rows) <= lines:
        return rows
    ranks = {False: 0, None: 1, True: 2}
    kept = sorted(rows, key=lambda row: ranks[row.good])[: max(lines, 1)]
    return [row for row in rows if row in kept]


class LiveBatchBoard(BatchBoard):
    """Redraws the bars a few times a second, in the event loop's own thread, where the client may be asked."""

    live = True
    every = 0.2

    def __init__(self, progress: Progress, a2e: A2EClient) -> None:
        super().__init__(progress, a2e)
        self._console = _console()
        self._notice = ""
        self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False)

    async def __aenter__(self) -> Self:
        self._live.start()
        self.show()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        self._live.stop()

    def show(self) -> None:
        """Redraw."""
        self._live.update(self.draw(), refresh=True)

    def notice(self, text: str) -> None:
        """Show it below the bars, at once."""
        self._notice = text
        self.show()

    def draw(self) -> RenderableType:
        """Give what is shown now."""
        progress, wide = self.progress, max(4, min(_BAR, self._console.width - _BESIDE_A_BAR))
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(width=wide)
        table.add_column(justify="right", no_wrap=True)
        for state, count in progress.shown.items():
            style = _STYLES[state]
            bar = ProgressBar(progress.total or 1, count, width=wide, complete_style=style, finished_style=style)
            table.add_row(Text(state.word, style=style), bar, str(count))
        between = " · " if self._console.width >= _ROOM_FOR_NUMBERS else "\n"
        speed = between.join(filter(None, (progress.done_text(), progress.speed_text())))
        health = Text(progress.health_text(), style="dim" if progress.outage is None else "bold red")
        lines = [Text(speed, style="bold"), Text.assemble(progress.coins_text(), between, health)]
        return Group(table, *lines, *([Text(self._notice, style="bold")] if self._notice else []))
