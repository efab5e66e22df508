"""Where the rows of `a2e batch run` come from: its argument and the options that say how rows are read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from a2e_async.batch.origin import KEY, STDIN, Origin
from a2e_async.batch.rows import as_given, squeezed
from a2e_async.batch.sources import RowFile
from a2e_async.batch.stored import read_entries, read_kept
from a2e_async.cli.by_family import FamilyName
from a2e_async.core.family import Family, families
from a2e_async.core.requests import fields_of
from a2e_async.core.urls import is_path
from a2e_async.errors import UsageError
from a2e_async.store.entries import Entry

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_STDIN = "a2e_async.stdin"


def _stdin_once(ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Give the one source; what stdin gives is read here, because Ctrl-C can still end the command without a loss."""
    if len(values) > 1:
        words = "give one source; a pattern for many files stands in quotes, as in 'photos/*.jpg'"
        raise click.UsageError(words, ctx)
    if values == (STDIN,):
        try:
            ctx.meta[_STDIN] = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise click.BadParameter(f"stdin must be UTF-8: {error}") from None
    return values[0] if values else None


SOURCE = click.Argument(["source"], nargs=-1, required=False, metavar="SOURCE", callback=_stdin_once)
"""A rows file, a folder, a glob, or "-"."""

OPTIONS = (
    click.Option(["--family"], type=FamilyName(), help="Family of rows that name none."),
    click.Option(
        ["--prompts"],
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help="A text file with one prompt per line, instead of SOURCE; each line is a row.",
    ),
    click.Option(["--prompt"], metavar="TEXT", help="Prompt of rows that have none."),
    click.Option(["--negative-prompt"], metavar="TEXT", help="Negative prompt of rows that have none."),
    click.Option(
        ["--set", "sets"],
        multiple=True,
        metavar="FIELD=VALUE",
        help="Any other field of rows that do not have it, such as video_time=10 or face_url=me.png, a file from here; "
        "may be repeated. A list is JSON, or has spaces or | between its values. A list that takes the files of a "
        "folder has each of them first.",
    ),
    click.Option(
        ["--field"], metavar="FIELD", help="The field that takes the files of a folder (default: the main one)."
    ),
    click.Option(
        ["--files"],
        type=_FOLDER,
        multiple=True,
        metavar="DIR",
        help="Also let rows name files in this folder, not only beside the rows file; may be repeated.",
    ),
    click.Option(
        ["--fit"],
        is_flag=True,
        help="Make images fit before upload: upright, RGB, HEIC to JPEG, shrunk to the size limit.",
    ),
    click.Option(
        ["--keep-columns"], is_flag=True, help="Keep your own columns, and show them in the manifests and on the page."
    ),
)
"""The options that an `Origin` is made of."""


def origin_of(source: str | None, given: Mapping[str, Any]) -> Origin:
    """Make the origin of rows of the command's words.

    Args:
        source: The argument.
        given: The values of `OPTIONS` by name, with `skip_bad`.

    Raises:
        UsageError: They do not go together, or name a field that no family has.
    """
    prompts: Path | None = given["prompts"]
    if (source is None) == (prompts is None):
        raise click.UsageError("give a rows file, a folder, a pattern in quotes or - as SOURCE, or --prompts FILE")
    family: Family | None = given["family"]
    origin = Origin(
        source=str(prompts or source),
        prompts=prompts is not None,
        family=family.name if family else None,
        field=given["field"],
        values=_values(given, family),
        typed_in=str(Path.cwd()) if given["sets"] else None,
        files=tuple(map(str, given["files"])),
        keep_columns=given["keep_columns"],
        fit=given["fit"],
        skip_bad=given["skip_bad"],
    )
    if origin.source != STDIN and not origin.is_there:
        raise click.UsageError(f"SOURCE: there is no file and no folder {source!r:.300}")
    if given["field"] is not None and not origin.of_files:
        raise click.UsageError("--field has no use but with a folder or a pattern of files")
    return origin


def _values(given: Mapping[str, Any], family: Family | None) -> dict[str, str]:
    values = {"prompt": given["prompt"], "negative_prompt": given["negative_prompt"]}
    values = {name: value for name, value in values.items() if value is not None}
    for pair in given["sets"]:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip() or not value:
            raise click.UsageError(f"--set: must be FIELD=VALUE, such as video_time=10, not {pair!r:.100}")
        values[name.strip()] = value
    kinds = families().values() if family is None else [family]
    known = {squeezed(field.name): field.name for kind in kinds for field in fields_of(kind.request)}
    for name in values:
        if squeezed(name) not in known:
            whose = "no family has a" if family is None else f"{family.name} has no"
            raise click.UsageError(f"{whose} field {name!r:.100}; a2e families FAMILY lists the fields of one")
    return {known[squeezed(name)]: value for name, value in values.items()}


def typed_files(origin: Origin) -> list[str]:
    """Give the files that values of all rows name, as FIELD=FILE."""
    fields = [field for family in families().values() for field in fields_of(family.request) if field.media]
    urls = {field.name for field in fields}
    return [f"{name}={text}" for name, text in origin.values.items() if name in urls and is_path(text)]


def stdin_given() -> str | None:
    """Give what stdin has given, None where it was not asked for."""
    text: str | None = click.get_current_context().meta.get(_STDIN)
    return text


# What the folder of a batch remembers.


def origin_in(ledger: Path) -> Origin | None:
    """Give where the rows of a batch came from; None where its ledger does not say, or they cannot come again."""
    origin = Origin.load(read_kept(ledger, KEY))
    return None if origin is None or origin.source == STDIN else origin


def read_again(origin: Origin, folder: Path, command: str) -> RowFile:
    """Read the rows of a batch again, before any of them is retried.

    Raises:
        UsageError: Where they came from is not there any more, or cannot be read; the words say what can be done.
    """
    try:
        return origin.read()
    except UsageError as error:
        other = f"; give their file as it is now (a2e batch {command} {folder} FILE)" if command == "retry" else ""
        words = f"the rows of this batch cannot be read again: {error.message}{other}"
        raise UsageError(f"{words}; --as-kept goes by the rows as {folder} has them") from error


def rows_in(ledger: Path, ids: tuple[str, ...] | None = None) -> RowFile:
    """Give the rows of a batch from its ledger: these, or all that were given to the last run."""
    known = [entry for entry in read_entries(ledger) if _is_wanted(entry, ids)]
    return RowFile(rows=tuple(map(as_given, known)), bad=())


def _is_wanted(entry: Entry, ids: tuple[str, ...] | None) -> bool:
    return entry.listed if ids is None else entry.id in ids
