"""Exit codes: what a script can tell from how a command ended."""

from __future__ import annotations

import click

from a2e_async import errors

DONE, FAILED, USAGE, UNREACHABLE, MONEY, INTERRUPTED = 0, 1, 2, 3, 4, 130

_CODES: tuple[tuple[tuple[type[BaseException], ...], int], ...] = (
    (
        (
            errors.AuthenticationError,
            errors.MissingTokenError,
            errors.InsufficientCoinsError,
            errors.BudgetExceededError,
        ),
        MONEY,
    ),
    ((errors.UsageError, errors.LedgerError, click.UsageError), USAGE),
    # Nonsense in place of an answer (a captive portal, a proxy's error page) is a service that cannot be reached.
    ((errors.TransportError, errors.ProtocolError), UNREACHABLE),
)


def exit_code(error: BaseException) -> int:
    """Give the exit code for an error."""
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), FAILED)
