"""The fields of a row as a store writes them: a million rows on their way into one are not read for that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from a2e_async.store.values import dump


class DumpedFields(Mapping[str, Any]):
    """Fields that lie there as JSON already, and are read when somebody asks for one of them.

    Args:
        text: The JSON, as `dump` writes it.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever the field holds
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def dump_fields(fields: Mapping[str, Any]) -> str:
    """Write fields as a row has them."""
    return fields.text if isinstance(fields, DumpedFields) else dump(dict(fields))
