"""What went wrong in a run of a batch: each kind of error once, however many rows met it."""

from __future__ import annotations

import attrs

from a2e_async.cli.run import Run
from a2e_async.errors import A2EError

_MOST_KINDS = 20


@attrs.define
class _Kind:
    first: Exception
    row_id: str
    count: int = 1


@attrs.define(eq=False)
class Troubles:
    """Collects errors by their words; of each kind the first is kept."""

    _kinds: dict[str, _Kind] = attrs.field(factory=dict)

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def note(self, row_id: str, error: Exception) -> None:
        """Note the error of a row."""
        words = error.message if isinstance(error, A2EError) else str(error)
        known = self._kinds.get(words)
        if known is None:
            self._kinds[words] = _Kind(error, row_id)
        else:
            known.count += 1

    def tell(self, run: Run) -> None:
        """Say what went wrong, the most frequent first."""
        kinds = sorted(self._kinds.values(), key=lambda kind: -kind.count)
        for kind in kinds[:_MOST_KINDS]:
            others = f" (row {kind.row_id} and {kind.count - 1} more)" if kind.count > 1 else f" (row {kind.row_id})"
            run.fail(kind.first, others)
        if len(kinds) > _MOST_KINDS:
            run.complain(f"and {len(kinds) - _MOST_KINDS} more kinds of errors; the report has them all")
