"""Which files a result has, what they are called, where they go, and all of them at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import attrs

from a2e_async.core import media, rules, urls
from a2e_async.core.family import family_of
from a2e_async.core.names import safe_name, without_suffix
from a2e_async.core.records import Record, Result
from a2e_async.engine.engine import Engine
from a2e_async.engine.files.contents import at_home
from a2e_async.engine.files.disk import require_room
from a2e_async.engine.files.downloads import Downloads, Relink, WantedFile
from a2e_async.engine.jobs.events import Downloaded
from a2e_async.engine.jobs.outputs import Outputs, finished
from a2e_async.errors import A2EError, UsageError

_MOST_BYTES = 200  # of a name without suffix, number and what makes it hidden
_KEPT_BYTES = 180


@attrs.frozen
class Named:
    """One file of a result: how it is fetched, and the record that it belongs to."""

    wanted: WantedFile
    record: Record | None = None


def place(folder: str | os.PathLike[str], name: str | None) -> tuple[Path, str | None]:
    """Give the folder and the name of a download; `out/kite.png` that is no folder names the file.

    Raises:
        UsageError: They are no path and no text.
    """
    if not isinstance(folder, str | os.PathLike) or isinstance(folder, bytes):
        raise UsageError(f"folder: must be a path, not {rules.kind_of(folder)}")
    if name is not None and not isinstance(name, str):
        raise UsageError(f"name: must be text, not {rules.kind_of(name)}")
    path = at_home(folder)
    if name is None and media.is_media_suffix(path.suffix) and path.stem and not path.is_dir():
        return path.parent, path.stem
    return path, None if name is None else without_suffix(name)


def files_of(engine: Engine, what: Sequence[Result | Record | str], name: str | None) -> list[Named]:
    """Give every file to fetch, numbered where several would have the same name."""
    base = None if name is None else safe_name(name)
    found = [one for thing in what for one in _files_of(engine, thing, base)]
    many = Counter(one.wanted.stem.casefold() for one in found)
    counted: Counter[str] = Counter()
    result = []
    for one in found:
        stem = one.wanted.stem
        counted[stem.casefold()] += 1
        number = f"-{counted[stem.casefold()]}" if many[stem.casefold()] > 1 else ""
        result.append(attrs.evolve(one, wanted=attrs.evolve(one.wanted, stem=f"{_short(stem)}{number}")))
    return result


def require_writable(folder: Path) -> None:
    """Refuse a folder that cannot be written to, before anything is paid for what would go there.

    Raises:
        UsageError: It cannot be made, or cannot be written to, or its disk has no room.
    """
    folder, _name = place(folder, None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".a2e-{os.urandom(4).hex()}"
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        probe.unlink()
        require_room(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written to: {error.strerror or error}") from error


def _files_of(engine: Engine, what: Result | Record | str, base: str | None) -> list[Named]:
    if isinstance(what, str):
        return [Named(WantedFile(url=what, stem=base or _name_in(what)))]
    return [
        Named(
            WantedFile(
                url=url,
                stem=base or _name_of(record),
                output=f"{record.family}/{record.id}#{index}",
                relink=_relink(engine, record, index),
            ),
            record,
        )
        for record in (what.records if isinstance(what, Result) else (what,))
        for index, url in enumerate(record.urls)
    ]


def _name_of(record: Record) -> str:
    return f"{safe_name(record.name, record.family or 'task')}-{safe_name(record.id)}"


def _name_in(url: str) -> str:
    return safe_name("" if urls.fault_of(url) else urls.name_in(url))


def _short(stem: str) -> str:
    """Cut what is too long for a file's name, and tell it from others by its digest."""
    whole = stem.encode("utf-8")
    if len(whole) <= _MOST_BYTES:
        return stem
    return f"{whole[:_KEPT_BYTES].decode('utf-8', 'ignore')}-{hashlib.sha256(whole).hexdigest()[:16]}"


def _relink(engine: Engine, record: Record, index: int) -> Relink | None:
    if not record.family:
        return None
    family = family_of(record.family)

    async def relink() -> str | None:
        fresh = await engine.tasks.record(family, record.id)
        return fresh.urls[index] if index < len(fresh.urls) else None

    return relink


async def download(engine: Engine, downloads: Downloads, what: Outputs, folder: Path, name: str | None) -> list[Path]:
    """Fetch every output, and tell the listeners of events."""
    things = await finished(what)
    events = engine.events
    began, paths, failure = events.now(), list[Path](), None
    try:
        paths = await _all(downloads, files_of(engine, things, name), folder)
    except BaseException as error:
        failure = error
        raise
    finally:
        if events.heard:
            told = Downloaded(at=events.now(), began=began, task_ids=_ids_of(things), paths=tuple(paths), error=failure)
            events.tell(told)
        del failure  # its traceback holds this frame
    return paths


async def _all(downloads: Downloads, files: Sequence[Named], folder: Path) -> list[Path]:
    """Fetch every file; the others go on when one fails, and the first failure is raised at the end."""
    fetched = await asyncio.gather(*(downloads.fetch(one.wanted, folder) for one in files), return_exceptions=True)
    paths = []
    for one, path in zip(files, fetched, strict=True):
        if isinstance(path, BaseException):
            if isinstance(path, A2EError) and one.record is not None:
                path.about(None, [one.record.id], one.record.tag)
            raise path
        paths.append(path)
    return paths


def _ids_of(things: Sequence[Result | Record | str]) -> tuple[str, ...]:
    records = [(one.records if isinstance(one, Result) else (one,)) for one in things if not isinstance(one, str)]
    return tuple(record.id for some in records for record in some)
