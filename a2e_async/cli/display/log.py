"""What the package logs, told on stderr: all of it with `-v`, else only what people must know."""

from __future__ import annotations

import logging

from a2e_async.cli.display.output import tell

_QUEUED = "queued"  # marks the one warning at close, which the command's own lines to resume say better


class _ToStderr(logging.Handler):
    """Writes to what stderr is at that moment: a live display redirects it."""

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self._token = token

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record in one go; whatever follows its first line is indented, so that nothing forges a record."""
        tell(self.format(record).replace("\n", "\n  "), self._token)


def set_up(verbose: int, token: str | None = None) -> None:
    """Let the package's logger write to stderr.

    Args:
        verbose: 0: what people must know; 1: what happens, each request with it; 2: everything.
        token: What is written as stars.
    """
    handler = _ToStderr(token)
    if verbose:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("a2e: %(message)s"))
        handler.addFilter(_must_be_known)
    logger = logging.getLogger("a2e_async")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
    logging.getLogger("a2e_async.http").setLevel(logging.DEBUG if verbose else logging.NOTSET)


def _must_be_known(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING and not hasattr(record, _QUEUED)
