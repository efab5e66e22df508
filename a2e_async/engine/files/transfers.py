"""What goes where: which files a result has and what they are called, and how a file becomes a link."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import attrs

from a2e_async.calls import storage
from a2e_async.core import media
from a2e_async.core.family import family_of
from a2e_async.core.records import Record, Result
from a2e_async.engine.engine import Engine
from a2e_async.engine.files.downloads import Files, Progress, Relink
from a2e_async.engine.http.service import Service
from a2e_async.engine.jobs.events import Downloaded
from a2e_async.errors import A2EError, DownloadError, UsageError

Outputs = Result | Record | str | Sequence[str]

_DIGEST = 16


@attrs.frozen
class _Output:
    """One file to fetch: its link, its name, and where a fresh link comes from."""

    url: str
    name: str
    record: Record | None = None
    index: int = 0


async def download(engine: Engine, files: Files, what: Outputs, folder: Path, name: str | None) -> list[Path]:
    """Fetch every output, and tell of it."""
    events = engine.events
    if not events.heard:
        return await _download(engine, files, what, folder, name)
    began, paths, failure = events.now(), list[Path](), None
    try:
        paths = await _download(engine, files, what, folder, name)
    except BaseException as error:
        failure = error
        raise
    finally:
        records = what.records if isinstance(what, Result) else [what] if isinstance(what, Record) else []
        ids = tuple(record.id for record in records)
        events.tell(Downloaded(at=events.now(), began=began, task_ids=ids, paths=tuple(paths), error=failure))
        del failure  # its traceback holds this frame
    return paths


async def _download(engine: Engine, files: Files, what: Outputs, folder: Path, name: str | None) -> list[Path]:
    """Fetch every output; the others go on when one fails, and the first failure is raised at the end."""
    outputs = _outputs(what, name)
    fetched = await asyncio.gather(
        *(files.download(one.url, folder, one.name, _relink(engine, one)) for one in outputs), return_exceptions=True
    )
    paths = []
    for one, path in zip(outputs, fetched, strict=True):
        if isinstance(path, BaseException):
            if isinstance(path, A2EError) and one.record is not None:
                path.about(None, [one.record.id], one.record.tag)
            raise path
        paths.append(path)
    return paths


async def upload(service: Service, files: Files, path: Path, progress: Progress | None) -> str:
    """Ask for a link, put the file there, and give its public link."""
    kind, size, digest = await asyncio.to_thread(_examine, path)
    key = f"{digest}-{media.safe_name(path.stem)}{path.suffix.lower()}"
    # Every link is charged to an API token, so a request whose answer was lost is not repeated.
    data = await service.ask_again(storage.upload_link(key, kind, size), reads=False)
    link = storage.read_upload_link(data)
    await files.upload(link.put_url, path, kind, progress)
    return link.public_url


def _examine(path: Path) -> tuple[str, int, str]:
    try:
        with path.open("rb") as source:
            head = source.read(media.SNIFFED)
            source.seek(0)
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            size = source.tell()
    except OSError as error:
        raise UsageError(f"upload: {path} cannot be read: {error.strerror or error}") from error
    known = media.sniff(head)
    if known is None:
        raise UsageError(f"upload: {path} must be a picture, film or sound, and its first bytes are none's")
    return known[1], size, digest[:_DIGEST]


def _outputs(what: Outputs, name: str | None) -> list[_Output]:
    base = None if name is None else media.safe_name(name)
    if isinstance(what, Result | Record):
        records = what.records if isinstance(what, Result) else (what,)
        found = [
            _Output(url, base or _name_of(record), record, index)
            for record in records
            for index, url in enumerate(record.urls)
        ]
    else:
        urls = [what] if isinstance(what, str) else list(what)
        found = [_Output(url, base or _name_in(url)) for url in urls]
    for one in found:
        if urlsplit(one.url).scheme not in ("http", "https"):
            raise DownloadError("a result link is no http or https URL", url=media.without_query(one.url))
    return _numbered(found)


def _numbered(outputs: list[_Output]) -> list[_Output]:
    """Number the outputs that would have the same name."""
    names = [one.name for one in outputs]
    counted: dict[str, int] = {}
    result = []
    for one in outputs:
        counted[one.name] = counted.get(one.name, 0) + 1
        many = names.count(one.name) > 1
        result.append(attrs.evolve(one, name=f"{one.name}-{counted[one.name]}") if many else one)
    return result


def _name_of(record: Record) -> str:
    return f"{media.safe_name(record.name, record.family or 'task')}-{media.safe_name(record.id)}"


def _name_in(url: str) -> str:
    return media.safe_name(PurePosixPath(unquote(urlsplit(url).path)).stem)


def _relink(engine: Engine, output: _Output) -> Relink:
    async def relink() -> str | None:
        if output.record is None or not output.record.family:
            return None
        fresh = await engine.tasks.record(family_of(output.record.family), output.record.id)
        return fresh.urls[output.index] if output.index < len(fresh.urls) else None

    return relink
