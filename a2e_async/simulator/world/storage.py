"""What a user has besides tasks, such as faces and backgrounds: plain records that are added, listed and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from a2e_async.simulator.chance import digest
from a2e_async.simulator.world.messages import RefusedError
from a2e_async.simulator.world.tasks import iso


class Shelf:
    """The records of one sort, newest first.

    Args:
        what: What they are, such as "face".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._kept: dict[str, dict[str, Any]] = {}
        self._born: dict[str, float] = {}

    def add(self, fields: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Keep a record; it gets an id and its times."""
        number = len(self._born) + 1
        record_id = f"{int(now) & 0xFFFFFFFF:08x}{digest(self.what)[:8]}{number:08x}"
        self._born[record_id] = now
        self._kept[record_id] = {"_id": record_id, **fields, "createdAt": iso(now), "updatedAt": iso(now)}
        return self._kept[record_id]

    def records(self, since: float = 0.0) -> list[dict[str, Any]]:
        """Give what is there, newest first, as far as it was added since a time."""
        return [record for record_id, record in reversed(self._kept.items()) if self._born[record_id] >= since]

    def find(self, record_id: object) -> dict[str, Any]:
        """Give one record.

        Raises:
            RefusedError: It is not there.
        """
        found = self._kept.get(str(record_id))
        if found is None:
            raise RefusedError(f"The {self.what} was not found", status=404)
        return found

    def change(self, record_id: object, fields: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Change some fields of a record.

        Raises:
            RefusedError: It is not there.
        """
        found = self.find(record_id)
        found |= {**fields, "_id": found["_id"], "updatedAt": iso(now)}
        return found

    def remove(self, record_id: object) -> dict[str, Any]:
        """Take a record away.

        Raises:
            RefusedError: It is not there.
        """
        found = self.find(record_id)
        del self._kept[found["_id"]]
        return found
