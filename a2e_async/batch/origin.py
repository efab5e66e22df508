"""Where the rows of a batch come from, as its ledger remembers it: so that they are read again before any is retried.

A row that was taken out of its file, or edited, since the last run is not started as it was then.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs

from a2e_async.batch.files import Files
from a2e_async.batch.fit import made_fit
from a2e_async.batch.folders import file_rows, folder_of, is_glob
from a2e_async.batch.reading import RowReading
from a2e_async.batch.rows import BadRow, Row
from a2e_async.batch.sources import RowFile, read_file, read_rows, read_text
from a2e_async.core.media import is_media_suffix
from a2e_async.errors import UsageError

KEY: Final = "origin"
"""Under which key a ledger keeps it."""

STDIN: Final = "-"


@attrs.frozen(kw_only=True)
class Origin:
    """Where rows come from, and how they are read.

    Attributes:
        source: A file of rows, a folder or a glob of images, videos or audio, or "-" for what stdin gives.
        prompts: Whether the source is a list of prompts, one a line, whatever its name ends in.
        family: The family of rows that name none.
        field: The field that takes the files of a folder, None for the family's main one.
        values: Fields, as text, for rows that have none of their own.
        typed_in: The folder in which the values were typed: paths in them are relative to it, and may lead anywhere, as
            in every command. None, as in ledgers of old, for the folder of the rows.
        files: Folders whose files rows may name besides their own.
        keep_columns: Whether columns that are no fields are kept, as the user's own.
        fit: Whether images are made fit before they are uploaded.
        skip_bad: Whether the others are run when some rows cannot be.
    """

    source: str
    prompts: bool = False
    family: str | None = None
    field: str | None = None
    values: Mapping[str, str] = attrs.field(factory=dict)
    typed_in: str | None = None
    files: tuple[str, ...] = ()
    keep_columns: bool = False
    fit: bool = False
    skip_bad: bool = False

    @property
    def of_files(self) -> bool:
        """Whether each file is a row, and not each line of a file."""
        return not self.prompts and self.source != STDIN and _is_many(self.source)

    @property
    def is_there(self) -> bool:
        """Whether there is anything of this name; a glob is always."""
        return is_glob(self.source) or Path(self.source).exists()

    def read(self, *, stdin: str | None = None) -> RowFile:
        """Read the rows.

        Args:
            stdin: What stdin has given, for `source` "-".

        Raises:
            UsageError: They cannot be read at all, or are not there any more.
        """
        if self.source == STDIN:
            if stdin is None:
                raise UsageError("stdin cannot be read a second time")
            return read_text(stdin, "stdin", self._reading(Path()))
        if self.of_files:
            return file_rows(self.source, self._reading(folder_of(self.source)), field=self.field)
        path = Path(self.source)
        if self.prompts:
            return read_text(_text_of(path), str(path), self._reading(path.parent))
        return read_file(path, how=self._reading(path.parent))

    def rows(self, *, stdin: str | None = None) -> Iterator[Row | BadRow]:
        """Give the rows one by one, each checked by itself only; a file of a million is never held as a whole.

        Args:
            stdin: As above.

        Raises:
            UsageError: As above.
        """
        if self.source != STDIN and not self.prompts and not self.of_files:
            path = Path(self.source)
            yield from read_rows(path, how=self._reading(path.parent))
            return
        found = self.read(stdin=stdin)
        yield from found.bad
        yield from found.rows

    def _reading(self, base: Path) -> RowReading:
        fit = made_fit if self.fit else None
        typed = None if self.typed_in is None else Files(Path(self.typed_in), [Path(Path(self.typed_in).anchor)], fit)
        return RowReading(
            family=self.family,
            values=self.values,
            files=Files(base, [Path(folder) for folder in self.files], fit),
            typed_files=typed,
            keep_columns=self.keep_columns,
        )

    def dump(self) -> str:
        """Write it down, with absolute paths: the next command may run elsewhere."""
        place = self.source if self.source == STDIN else str(Path(self.source).absolute())
        files = [str(Path(folder).absolute()) for folder in self.files]
        typed = None if self.typed_in is None else str(Path(self.typed_in).absolute())
        told = {"source": place, "values": dict(self.values), "typed_in": typed, "files": files}
        return json.dumps(attrs.asdict(self) | told)

    @classmethod
    def load(cls, words: str | None) -> Self | None:
        """Read what was written down; None where nothing was, or by somebody else."""
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            told: dict[str, Any] = json.loads(words or "null")
            made = cls(**{**told, "files": tuple(told["files"]), "values": dict(told["values"])})
            return made if _is_sound(made) else None
        return None


def _is_sound(origin: Origin) -> bool:
    texts = (origin.source, *origin.files, *origin.values, *origin.values.values())
    names = (one for one in (origin.family, origin.field, origin.typed_in) if one is not None)
    flags = (origin.prompts, origin.keep_columns, origin.fit, origin.skip_bad)
    texts_are = all(isinstance(one, str) and "\0" not in one for one in (*texts, *names))
    return texts_are and all(isinstance(one, bool) for one in flags)


def _is_many(source: str) -> bool:
    path = Path(source)
    if path.is_file():  # a pattern that the shell has found one file for
        return is_media_suffix(path.suffix)
    return path.is_dir() or is_glob(source)


def _text_of(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no plain file; give prompts of another program on stdin: a2e batch run -")
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path} must be UTF-8 text") from None
