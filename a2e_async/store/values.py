"""Rows as a store's tables have them: written from values, and read back with every type and range checked.

A store may come from somebody else, so that nothing in it is believed: what was not written by this program is damage,
said in words. Coins that make no sense are taken for unknown: a service may have named them.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final

import attrs

from a2e_async.errors import LedgerError
from a2e_async.store.entries import Entry, FileEntry, State, is_text

COLUMNS: Final = (
    "id, family, fields, state, attempt, tag, task_ids, coins, price, error, planned_at, intended_at, sent_first, "
    "sent_last, letters, accepted_at, finished_at, done_at, files, listed, edited"
)
STORED: Final = f"{COLUMNS}, key, shard, urls"
"""What a store tells of a row when it gives many."""
WHOLE: Final = f"{STORED}, records"
_MOST_COINS = 1e15
# What was charged; where the service has not said so, what was held for a start that may have been taken.
# An answer of 0 coins to a start of a known price is believed when its task has ended: some come before the charge.
_TOLD: Final = (
    f"coins BETWEEN 0 AND {_MOST_COINS:.0f} AND (coins > 0 OR coalesce(price, 0) <= 0 "
    "OR state IN ('completed', 'done', 'failed'))"
)
CHARGED: Final = (
    f"CASE WHEN {_TOLD} THEN coins "
    "WHEN state NOT IN ('planned', 'refused') AND NOT (state = 'intended' AND letters = '') "
    f"AND price BETWEEN 0 AND {_MOST_COINS:.0f} THEN price ELSE 0 END"
)
LOST: Final = f"CASE WHEN lost_coins BETWEEN 0 AND {_MOST_COINS:.0f} THEN lost_coins ELSE 0 END"
SPENT: Final = f"SELECT total({CHARGED}) + total({LOST}) FROM rows"  # noqa: S608 - constants
# What counts against a limit that many share: an intent holds its price from when it is written down.
HELD: Final = (
    f"CASE WHEN {_TOLD} THEN coins "
    f"WHEN state NOT IN ('planned', 'refused') AND price BETWEEN 0 AND {_MOST_COINS:.0f} THEN price ELSE 0 END "
    f"+ {LOST}"
)
UNPRICED: Final = (
    "coins IS NULL AND price IS NULL AND state NOT IN ('planned', 'refused') AND (state != 'intended' OR letters != '')"
)
DEEPEST = 100
_LONGEST_ERROR = 2000
_LONGEST_ID = 100
_MOST_ATTEMPTS = 1_000_000
_YEAR_10000 = 253_402_300_800
_TAG = re.compile(r"[a-z0-9]{0,40}")
_LETTERS = re.compile(r"a?b?")
_DIGEST = re.compile(r"[0-9a-f]{0,128}")
_WHOLE_DIGEST = re.compile(r"[0-9a-f]{64}")
OWN_COLUMNS: Final = "columns"
"""Under which name a row's own columns are kept beside its fields."""


def entry_of(row: tuple[Any, ...], columns: str = COLUMNS) -> Entry:
    """Make an entry of a row of these columns.

    Raises:
        LedgerError: What stands there was not written by us.
    """
    named = dict(zip(_names(columns), row, strict=True))
    try:
        return Entry(**{name: _READERS.get(name, _moment)(value) for name, value in named.items()})
    except (ValueError, TypeError, RecursionError) as problem:
        words = f"the ledger is damaged: row {ascii(named['id'])[:_LONGEST_ID]} cannot be read"
        raise LedgerError(f"{words} ({str(problem)[:_LONGEST_ID]})") from problem


@functools.cache
def _names(columns: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in columns.split(","))


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
    return _texts(value, "its task ids")


def _texts(value: object, what: str) -> tuple[str, ...]:
    found = json.loads(_words(value))
    _need(isinstance(found, list) and all(isinstance(one, str) and one for one in found), what)
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
    _need(isinstance(file.host, str) and len(file.host) <= _LONGEST_ID, "the host of a file")
    return file


def _files(value: object) -> tuple[FileEntry, ...]:
    return tuple(_file(one) for one in json.loads(_words(value)))


def _shard(value: object) -> int:
    _need(type(value) is int and value >= 0, "its shard")
    return int(str(value))


def _key(value: object) -> str | None:
    return None if value is None else _name(value)


def _urls(value: object) -> tuple[str, ...]:
    return _texts(value, "its URLs")


def _records(value: object) -> tuple[Mapping[str, Any], ...]:
    found = json.loads(_words(value))
    _need(isinstance(found, list) and all(isinstance(one, dict) for one in found), "its records")
    return tuple(found)


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
    "key": _key,
    "shard": _shard,
    "urls": _urls,
    "records": _records,
}
"""What reads each column that holds no time."""


def dump(value: Mapping[str, Any] | list[Any]) -> str:
    """Write JSON; text that UTF-8 has no bytes for, which a service may well send, in ASCII."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text if is_text(text) else json.dumps(value, separators=(",", ":"))


def dump_files(files: list[FileEntry]) -> str:
    """Write files as a row has them."""
    return dump([attrs.asdict(one, filter=_but_no_host) for one in files])


def _but_no_host(field: attrs.Attribute[Any], value: object) -> bool:
    return field.name != "host" or bool(value)


def dump_records(records: Sequence[Mapping[str, Any]]) -> str:
    """Write the records of tasks as a row has them; what JSON does not know, such as a time, as its words."""
    text = json.dumps([dict(record) for record in records], separators=(",", ":"), ensure_ascii=False, default=str)
    return text if is_text(text) else json.dumps(json.loads(text), separators=(",", ":"))


def short(words: str) -> str:
    """Give the words of an error as a row has them."""
    words = words.replace("\0", " ")  # PostgreSQL takes none
    return words[:_LONGEST_ERROR] if is_text(words) else words[:_LONGEST_ERROR].encode("utf-8", "replace").decode()


def is_changed(known: Entry, family: str, fields: Mapping[str, Any]) -> bool:
    """Whether a row is given otherwise than the ledger has it."""
    if known.family != family or known.fields == fields:
        return known.family != family
    before, now = content_of(known.fields), content_of(fields)
    return before != now and before != json.loads(dump(now))


def content_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a row is started with, of its fields as they are kept: files by what is in them alone.

    A file may be called otherwise today, and own columns are nobody's but the user's: neither makes another row.
    """
    return {name: _content(value) for name, value in fields.items() if name != OWN_COLUMNS}


def _content(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, list | tuple):
        return [_content(one) for one in value]
    is_file = isinstance(value, Mapping) and "file" in value and _WHOLE_DIGEST.fullmatch(str(value.get("sha256")))
    return {"sha256": value["sha256"], "fitted": value.get("fitted", "")} if is_file else value
