"""How a job, a result and a record show themselves: as a card with its files in a notebook, in order in rich."""

from __future__ import annotations

from collections.abc import Iterator


class Rendered:
    """Shows what an object knows; `urls`, or those of its `records`, are shown inline.

    What draws it is loaded when somebody looks: most programs never do.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        from a2e_async.core.cards import card_of  # noqa: PLC0415 - see above

        return card_of(self)

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        from a2e_async.core.cards import facts_of  # noqa: PLC0415 - see above

        return facts_of(self)
