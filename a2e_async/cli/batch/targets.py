"""Which batch of a store a command means, by its name or by its folder."""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from a2e_async.cli.batch.where import LOCAL_TTL, file_url
from a2e_async.cli.batch.workers import FleetOptions
from a2e_async.fleet.planning import check_name
from a2e_async.fleet.terms import read_mark
from a2e_async.store.ports import TTL


@attrs.frozen(kw_only=True)
class FleetPlace:
    """Where a batch is.

    Attributes:
        folder: Where its files and its report are, as far as this machine has them.
        url: The address of its store.
        name: Its name in the store.
        named: Whether somebody has given the name, and it is not just that of the folder.
    """

    folder: Path
    url: str
    name: str
    named: bool = False

    def fleet(
        self, *, workers: int | None = None, lease: float | None = None, shared: bool = False, kill_one: bool = False
    ) -> FleetOptions:
        """Give who works on it.

        Args:
            workers: How many processes of this machine, by default one.
            lease: Seconds of a lease, by default as suits the store.
            shared: Whether all machines must see the same folder.
            kill_one: Whether one worker is killed in the middle.
        """
        ttl = lease or (LOCAL_TTL if self.url == file_url(self.folder) else TTL)
        return FleetOptions(
            url=self.url,
            name=self.name,
            workers=workers or 1,
            lease=ttl,
            shared=shared,
            named=self.named,
            kill_one=kill_one,
        )


def place_of(folder: Path, url: str, name: str | None = None) -> FleetPlace:
    """Find out which batch of a store a command means.

    Args:
        folder: The folder that was given, or the name of the batch.
        url: The store's address.
        name: The name that was given.
    """
    return FleetPlace(
        folder=folder, url=url, name=check_name(name or _marked(folder) or folder.resolve().name or "batch")
    )


def _marked(folder: Path) -> str | None:
    """Give the name of the batch whose files a folder has."""
    try:
        found = json.loads(read_mark(folder))
    except (OSError, ValueError, RecursionError):
        return None
    name = found.get("batch") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
