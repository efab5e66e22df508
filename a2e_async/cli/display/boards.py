"""Which display a command has; what draws on a terminal is loaded where there is one, for it takes a while."""

from __future__ import annotations

import os
import sys

from a2e_async.cli.display.board import BatchBoard, Board
from a2e_async.cli.display.progress import Progress
from a2e_async.client import A2EClient


def board_for(*, quiet: bool = False) -> Board:
    """Give the live display on a terminal, the plain one elsewhere; a quiet one shows nothing."""
    if quiet or not _is_terminal():
        return Board(quiet=quiet)
    from a2e_async.cli.display.live import LiveBoard  # noqa: PLC0415 - a worker of a fleet draws nothing

    return LiveBoard()


def batch_board_for(progress: Progress, a2e: A2EClient, *, quiet: bool = False) -> BatchBoard:
    """Give the live display of a batch on a terminal, the plain one elsewhere; a quiet one shows nothing."""
    if quiet or not _is_terminal():
        return BatchBoard(progress, a2e, quiet=quiet)
    from a2e_async.cli.display.live import LiveBatchBoard  # noqa: PLC0415 - as above

    return LiveBatchBoard(progress, a2e)


def _is_terminal() -> bool:
    # A stream that was closed before we began is None.
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
