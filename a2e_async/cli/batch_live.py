"""The live display of a running batch on a terminal: one bar per stage, pace, coins, and how the service is."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from a2e_async.cli.batch_board import BatchBoard
from a2e_async.cli.batch_tally import Tally
from a2e_async.client import A2EClient

_STYLES = {
    "queued": "dim",
    "starting": "cyan",
    "running": "cyan",
    "downloading": "blue",
    "done": "green",
    "failed": "red",
}
_BAR = 40


class LiveBatchBoard(BatchBoard):
    """Redraws the bars a few times a second, in the event loop's own thread, where the client may be asked."""

    live = True
    every = 0.2

    def __init__(self, tally: Tally, a2e: A2EClient) -> None:
        super().__init__(tally, a2e)
        self._console = Console(stderr=True, highlight=False)
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

    def draw(self) -> RenderableType:
        """Give what is shown now."""
        tally = self.tally
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(width=_BAR)
        table.add_column(justify="right", no_wrap=True)
        for stage, count in tally.stages.items():
            style = _STYLES[stage]
            bar = ProgressBar(tally.total or 1, count, width=_BAR, complete_style=style, finished_style=style)
            table.add_row(Text(stage, style=style), bar, str(count))
        pace = " · ".join(filter(None, (f"{tally.stages['done']} of {tally.total} done", tally.pace())))
        health = Text(tally.health(), style="dim" if tally.outage is None else "bold red")
        return Group(table, Text(pace, style="bold"), Text.assemble(tally.money(), " · ", health))
