"""From an address to a store: `sqlite:///path`, `postgresql://...` or `memory:`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from a2e_async.core.secrets import hide
from a2e_async.errors import UsageError
from a2e_async.store.memory import MemoryStore
from a2e_async.store.ports import Store
from a2e_async.store.sql_store import SqlStore
from a2e_async.store.sqlite import SqliteEngine

STORE_VARIABLE: Final = "A2E_STORE"
_KNOWN: Final = "sqlite:///path/to/jobs.sqlite, postgresql://user@host/database or memory:"
_POSTGRES: Final = frozenset({"postgresql", "postgres"})


def open_store(url: str) -> Store:
    """Make the store of an address; nothing is opened before its `open`.

    Args:
        url: `sqlite:///jobs.sqlite` is a file of the current folder, `sqlite:////var/lib/app/jobs.sqlite` one with four
            slashes a file of that place; `postgresql://user:password@host:5432/database` is a database; `memory:` is
            gone with the process.

    Raises:
        UsageError: It is no address of a store, or PostgreSQL is asked for without the extra that it needs.
    """
    if not isinstance(url, str) or not url.strip():
        raise UsageError(f"store: must be an address such as {_KNOWN}, not {_shown(url)}")
    scheme = url.split(":", 1)[0].lower()
    if url == "memory:":
        return MemoryStore()
    if scheme == "sqlite":
        return SqlStore(SqliteEngine(_path_of(url)))
    if scheme in _POSTGRES:
        return _postgres(url)
    raise UsageError(f"store: unknown address {_shown(url)}; give {_KNOWN}")


def file_of(url: str) -> Path | None:
    """Give the file of a store's address, None where it has none."""
    return _path_of(url) if url[:7].lower() == "sqlite:" else None


def _path_of(url: str) -> Path:
    """Give the file of an address: what stands behind the third slash, as every tool reads it."""
    parts = urlsplit(url)
    if not url.lower().startswith("sqlite:///") or parts.query or parts.fragment or len(parts.path) < len("/x"):
        raise UsageError(f"store: must be sqlite:/// and a path, such as sqlite:///jobs.sqlite, not {_shown(url)}")
    path = Path(unquote(parts.path[1:]))
    if path.is_dir():
        raise UsageError(f"store: {path} is a folder; give the path of a file, such as sqlite:///{path}/jobs.sqlite")
    return path


def _postgres(url: str) -> Store:
    if importlib.util.find_spec("psycopg") is None:
        raise UsageError("store: PostgreSQL needs psycopg: pip install 'a2e_async[postgres]'")
    from a2e_async.store.postgres import PostgresEngine  # noqa: PLC0415 - an optional extra

    return SqlStore(PostgresEngine(url))


def _shown(url: object) -> str:
    """Show what was given, without what may be a password in it."""
    return repr(hide(url)[:80]) if isinstance(url, str) else type(url).__name__
