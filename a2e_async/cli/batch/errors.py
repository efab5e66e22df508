"""What went wrong in a run of a batch: each error once, however many rows met it."""

from __future__ import annotations

import attrs

from a2e_async.cli.display.output import counted
from a2e_async.cli.run import Run
from a2e_async.errors import A2EError

_MOST_SHOWN = 20


@attrs.define
class _Kind:
    first: Exception
    row_id: str | None
    count: int = 1


@attrs.define(eq=False)
class ErrorSummary:
    """Collects errors with the same message; the first of each is kept."""

    _kinds: dict[str, _Kind] = attrs.field(factory=dict)

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def add(self, error: Exception, row_id: str | None = None) -> None:
        """Count the error of a row, or of the whole batch."""
        message = error.message if isinstance(error, A2EError) else str(error)
        known = self._kinds.get(message)
        if known is None:
            self._kinds[message] = _Kind(error, row_id)
        else:
            known.count += 1

    def print(self, run: Run) -> None:
        """Print each error once, the most frequent first."""
        kinds = sorted(self._kinds.values(), key=lambda kind: -kind.count)
        for kind in kinds[:_MOST_SHOWN]:
            run.fail(kind.first, _where(kind))
        if len(kinds) > _MOST_SHOWN:
            run.print_error(
                f"and {counted(len(kinds) - _MOST_SHOWN, 'more error')}; the page and the manifest have all"
            )


def _where(kind: _Kind) -> str:
    if kind.row_id is None:
        return ""
    return f" (row {kind.row_id} and {kind.count - 1} more)" if kind.count > 1 else f" (row {kind.row_id})"
