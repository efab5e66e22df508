"""What the package logs, told on stderr: all of it with `-v`, else only what people must know."""

from __future__ import annotations

import logging

import click

from a2e_async.cli.display.output import masked

_QUEUED = "queued"  # marks the one warning at close, which the command's own lines to resume say better


class _ToStderr(logging.Handler):
    """Writes to what stderr is at that moment: a live display redirects it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record in one go."""
        click.echo(masked(self.format(record)), err=True)


def set_up(verbose: int) -> None:
    """Let the package's logger write to stderr."""
    handler = _ToStderr()
    if verbose:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("a2e: %(message)s"))
        handler.addFilter(_must_be_known)
    logger = logging.getLogger("a2e_async")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)


def _must_be_known(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING and not hasattr(record, _QUEUED)
