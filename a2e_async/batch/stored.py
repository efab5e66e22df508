"""Rows as the ledger's table has them: written from values, and read back with every type and range checked.

A ledger may come from somebody else, so that nothing in it is believed: what was not written by this program is damage,
said in words. Coins that make no sense are taken for unknown: a service may have named them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

import attrs

from a2e_async.batch.entries import Entry, FileEntry, State, is_text
from a2e_async.batch.ledger_file import BROKEN, in_words, reading
from a2e_async.errors import LedgerError

COLUMNS: Final = (
    "id, family, fields, state, attempt, tag, task_ids, coins, price, error, planned_at, intended_at, sent_first, "
    "sent_last, letters, accepted_at, finished_at, done_at, files, listed, edited"
)
_MOST_COINS = 1e15
# What was charged; where the service has not said so, what was held for a start that may have been taken.
CHARGED: Final = (
    f"CASE WHEN coins BETWEEN 0 AND {_MOST_COINS:.0f} THEN coins "
    "WHEN state NOT IN ('planned', 'refused') AND NOT (state = 'intended' AND letters = '') "
    f"AND price BETWEEN 0 AND {_MOST_COINS:.0f} THEN price ELSE 0 END"
)
_LOST = f"CASE WHEN lost_coins BETWEEN 0 AND {_MOST_COINS:.0f} THEN lost_coins ELSE 0 END"
SPENT: Final = f"SELECT total({CHARGED}) + total({_LOST}) FROM rows"  # noqa: S608 - constants
DEEPEST = 100
_LONGEST_ERROR = 2000
_LONGEST_ID = 100
_MOST_ATTEMPTS = 1_000_000
_YEAR_10000 = 253_402_300_800
_TAG = re.compile(r"[a-z0-9]{0,40}")
_LETTERS = re.compile(r"a?b?")
_DIGEST = re.compile(r"[0-9a-f]{0,128}")


def read_entries(path: Path) -> Iterator[Entry]:
    """Give the rows of a ledger, which may be in use; it is only read.

    Raises:
        LedgerError: It cannot be read.
    """
    with reading(path) as db:
        sql = f"SELECT {COLUMNS} FROM rows ORDER BY number"  # noqa: S608 - a constant
        rows = _sound(path, lambda: db.execute(sql))
        while row := _sound(path, rows.fetchone):
            yield entry_of(row)


def read_coins(path: Path) -> float:
    """Add up the coins charged in all lives of a batch, whose ledger may be in use.

    Raises:
        LedgerError: It cannot be read.
    """
    with reading(path) as db:
        return float(_sound(path, lambda: db.execute(SPENT).fetchone())[0])


def _sound(path: Path, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the query gives
    """Ask the ledger; only its own errors are put into words, never those of whoever uses what it gave."""
    try:
        return ask()
    except BROKEN as error:
        raise in_words(path, error) from error


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Make an entry of a row.

    Raises:
        LedgerError: What stands there was not written by us.
    """
    named = dict(zip((name.strip() for name in COLUMNS.split(",")), row, strict=True))
    try:
        return Entry(**{name: _READERS.get(name, _moment)(value) for name, value in named.items()})
    except (ValueError, TypeError, RecursionError) as problem:
        words = f"the ledger is damaged: row {ascii(named['id'])[:_LONGEST_ID]} cannot be read"
        raise LedgerError(f"{words} ({str(problem)[:_LONGEST_ID]})") from problem


def _need(good: object, what: str) -> None:
    if not good:
        raise ValueError(what)


def _name(value: object) -> str:
    _need(isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable(), "its id or family")
    return str(value)


def _object(value: object) -> dict[str, Any]:
    found = json.loads(_words(value))
    _need(isinstance(found, dict) and not is_deep(found), "its fields")
    return dict(found)


def _words(value: object) -> str:
    _need(isinstance(value, str), "a text")
    return str(value)


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        _need(isinstance(value, str) and pattern.fullmatch(value), what)
        return str(value)

    return read


_spelled = _matching(_TAG, "its tag")


def _tag(value: object) -> str | None:
    return None if value is None else _spelled(value)


def _attempt(value: object) -> int:
    _need(type(value) is int and 1 <= value <= _MOST_ATTEMPTS, "its attempt")
    return int(str(value))


def _ids(value: object) -> tuple[str, ...]:
    found = json.loads(_words(value))
    _need(isinstance(found, list) and all(isinstance(one, str) and one for one in found), "its task ids")
    return tuple(found)


def _moment(value: object) -> float | None:
    if value is None:
        return None
    _need(isinstance(value, float | int) and 0 <= value < _YEAR_10000, "a time")
    return float(str(value))


def _file(value: Mapping[str, Any]) -> FileEntry:
    file = FileEntry(**value)
    _need(isinstance(file.path, str) and is_inside(file.path), "the path of a file")
    _need(type(file.bytes) is int and file.bytes >= 0, "the size of a file")
    _need(isinstance(file.sha256, str) and _DIGEST.fullmatch(file.sha256), "the digest of a file")
    return file


def _files(value: object) -> tuple[FileEntry, ...]:
    return tuple(_file(one) for one in json.loads(_words(value)))


def _flag(value: object) -> bool:
    _need(value in (0, 1), "a flag")
    return bool(value)


def _edited(value: object) -> tuple[str, Mapping[str, Any]] | None:
    if value is None:
        return None
    family, fields = json.loads(_words(value))
    _need(isinstance(fields, dict) and not is_deep(fields), "its edited fields")
    return _name(family), fields


def is_inside(path: str) -> bool:
    """Whether a path leads to something inside of the folder it is relative to, on every system."""
    if not path or not path.isprintable() or "\\" in path or PureWindowsPath(path).drive:
        return False
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts


def is_deep(value: object) -> bool:
    """Whether JSON values lie deeper in each other than a row may have them."""
    level: list[object] = [value]
    for _depth in range(DEEPEST):
        inner = [part for one in level if isinstance(one, dict) for part in one.values()]
        inner += [part for one in level if isinstance(one, list | tuple) for part in one]
        if not inner:
            return False
        level = inner
    return True


def sensible(coins: object) -> float | None:
    """Give coins as a row may have them, None for what is no amount: below 0, without end, or no number."""
    if isinstance(coins, bool) or not isinstance(coins, int | float) or not 0 <= coins <= _MOST_COINS:
        return None
    return float(coins)


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "id": _name,
    "family": _name,
    "fields": _object,
    "state": State,
    "attempt": _attempt,
    "tag": _tag,
    "task_ids": _ids,
    "coins": sensible,
    "price": sensible,
    "error": _words,
    "letters": _matching(_LETTERS, "its send letters"),
    "files": _files,
    "listed": _flag,
    "edited": _edited,
}
"""What reads each column that holds no time."""


def dump(value: Mapping[str, Any] | list[Any]) -> str:
    """Write JSON; text that UTF-8 has no bytes for, which a service may well send, in ASCII."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text if is_text(text) else json.dumps(value, separators=(",", ":"))


def dump_files(files: list[FileEntry]) -> str:
    """Write files as a row has them."""
    return dump([attrs.asdict(one) for one in files])


def short(words: str) -> str:
    """Give the words of an error as a row has them."""
    return words[:_LONGEST_ERROR] if is_text(words) else words[:_LONGEST_ERROR].encode("utf-8", "replace").decode()


def is_changed(known: Entry, family: str, fields: Mapping[str, Any]) -> bool:
    """Whether a row is given otherwise than the ledger has it."""
    return known.family != family or (known.fields != fields and known.fields != json.loads(dump(dict(fields))))
