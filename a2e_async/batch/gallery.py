"""The page of a batch: one HTML file with the rows in it and the media beside it, for which no network is needed.

The rows stand in the page as JSON that no browser takes for anything else; the page's own policy allows its one style
and its one script, known by their digests, and media from where the page is. So a prompt can do nothing.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, TextIO

from a2e_async.batch.manifest import number, without_secrets
from a2e_async.core.secrets import is_secret
from a2e_async.store.entries import Entry, State, is_text
from a2e_async.store.values import OWN_COLUMNS

_SCRIPTS = ("data.js", "view.js", "cards.js", "grid.js", "timeline.js", "dialog.js", "fleet.js", "main.js")
_LONGEST = 20_000  # characters of a text that the page shows
_MOST_WORDS = 1000  # values that are kept once for all rows
_SAFE_INTEGER = 2**53 - 1  # beyond it JavaScript loses digits
_MARK = "\0"
_STATES = tuple(State)
_STATE_NUMBERS = {state: at for at, state in enumerate(_STATES)}
# Inside a script element; U+2028 and U+2029 for whoever copies the data into a script of his own.
_ESCAPES = {ord("<"): "\\u003c", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class _Words:
    """Values that many rows share: the first thousand have a number and are written once, after the rows."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int | None:
        """Give the text's number, from 1, or None when the thousand are given away."""
        if text not in self._numbers and len(self._numbers) < _MOST_WORDS:
            self._numbers[text] = len(self._numbers) + 1
        return self._numbers.get(text)

    def __str__(self) -> str:
        return f"[{','.join(self._numbers)}]"


class Gallery:
    """Writes the page, a row at a time.

    Args:
        out: Where it goes.
        title: The batch's name.
        now: Seconds since 1970.
        fleet: Who works on the batch, where several processes do: `workers`, each with worker, lease, silent and ttl
            (seconds), places, running, open, rate (rows a second or None) and shards (numbers); `live` says that the
            page is written again, so that it loads itself anew.
        folder: Where the page lies, so that it can show the files that rows have taken; None to show none.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        title: str,
        now: float,
        fleet: Mapping[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._folder = None if folder is None else folder.absolute()
        self._fleet = fleet
        self._out = out
        self._now = now
        self._base: float | None = None
        self._families = _Words()
        self._settings = _Words()
        head, self._tail = _frame(title)
        out.write(head + '{"rows":[')
        self._comma = "\n"

    def add(self, entry: Entry) -> None:
        """Write one row."""
        self._out.write(self._comma + _safe(_encode(self._row(entry))))
        self._comma = ",\n"

    def end(self) -> None:
        """Write what comes after the rows."""
        states = [[state.word, int(state.bad)] for state in _STATES]
        words = f'"families":{self._families},"settings":{self._settings}'
        told = f'"states":{_encode(states)},"base":{_encode(self._base or self._now)},"now":{_encode(self._now)}'
        told += "" if self._fleet is None else f',"fleet":{_safe(_encode(self._fleet))}'
        self._out.write(f"\n],{_safe(words)},{told}}}{self._tail}")

    def _row(self, entry: Entry) -> list[Any]:
        """Give a row as `data.js` reads it, without the empty values at its end."""
        fields = dict(entry.fields)
        own = fields.pop(OWN_COLUMNS, None)
        row = [
            entry.id,
            _STATE_NUMBERS[entry.state],
            self._shared(self._families, entry.family),
            _text(fields.pop("prompt", None)),
            _text(fields.pop("negative_prompt", None)),
            [part for file in entry.files for part in (file.path, file.bytes)],
            number(entry.coins),
            self._times(entry),
            _cut(entry.error),
            entry.task_ids,
            self._shared(self._settings, _settings(fields)),
            entry.attempt if entry.attempt > 1 else 0,
            "" if entry.task_ids else entry.tag,
            [part for value in fields.values() for part in self._inputs(value)],
            _settings(own) if isinstance(own, Mapping) else 0,
        ]
        while not row[-1]:
            row.pop()
        return [None if value is None else value or 0 for value in row]  # coins may be unknown, and may be none

    def _inputs(self, value: Any) -> Iterator[str]:  # noqa: ANN401 - what the ledger keeps of a field
        """Give name and relative place of each file that a field takes and that lies on this machine."""
        for one in value if isinstance(value, list | tuple) else (value,):
            place = one.get("at") if isinstance(one, Mapping) and "sha256" in one else None
            if self._folder is None or not isinstance(place, str) or not is_text(place):
                continue
            with contextlib.suppress(ValueError):  # it lies on another drive
                yield _cut(str(one.get("file")))
                yield Path(os.path.relpath(place, self._folder)).as_posix()

    def _shared(self, words: _Words, value: Any) -> Any:  # noqa: ANN401 - a JSON value
        return (words.number(_encode(value)) or value) if value else 0

    def _times(self, entry: Entry) -> list[int | None]:
        moments = (entry.planned_at, entry.intended_at, entry.accepted_at, entry.finished_at, entry.done_at)
        if self._base is None:
            self._base = next((moment for moment in moments if moment is not None), None)
        return [None if moment is None else round((moment - (self._base or 0)) * 1000) for moment in moments]


def _safe(text: str) -> str:
    return text.translate(_ESCAPES) if _needs(text) else text


def _needs(text: str) -> bool:
    return "<" in text or not text.isascii()


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields that the page shows as a table; never a secret."""
    return {
        name: _plain(without_secrets(_named(value)))
        for name, value in fields.items()
        if value is not None and not is_secret(name)
    }


def _plain(value: Any) -> str | float:  # noqa: ANN401 - whatever the row's author gave
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) <= _SAFE_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return _cut(" ".join(str(_named(one)) for one in value))
    return _text(value)


def _named(value: Any) -> Any:  # noqa: ANN401 - what the ledger keeps
    """Give a file by its name, anything else as it is."""
    return value["file"] if isinstance(value, Mapping) and "file" in value and "sha256" in value else value


def _text(value: Any) -> str:  # noqa: ANN401 - whatever the row's author gave
    return "" if value is None else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text):,} characters)"


def _frame(title: str) -> tuple[str, str]:
    """Give what stands before and after the data."""
    page, style, script = _parts()
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src 'self' file: data:; media-src 'self' file:; "
        f"style-src {_digest(style)}; script-src {_digest(script)}"
    )
    whole = page.substitute(
        title=escape(title).replace(_MARK, " "), policy=escape(policy), style=style, script=script, data=_MARK
    )
    head, _, tail = whole.partition(_MARK)
    return head, tail


@functools.cache
def _parts() -> tuple[Template, str, str]:
    folder = files("a2e_async.batch") / "page"
    scripts = "\n".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    style = (folder / "page.css").read_text(encoding="utf-8")
    page = (folder / "page.html").read_text(encoding="utf-8")
    return Template(page), f"\n{style}", f'\n"use strict";\n(() => {{\n{scripts}}})();\n'


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
