"""What a row takes besides plain values: files of the user's, and outputs of other rows.

Laws of this file: what a row is follows from the content of its files, never from where they lie and never from the
URL of an upload, so that a run that is repeated pays for nothing twice.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from a2e_async.batch.cells import UnclearError
from a2e_async.core.inputs import replaced
from a2e_async.core.requests import Field
from a2e_async.core.rules import kind_of
from a2e_async.core.secrets import hide_secrets
from a2e_async.core.shapes import at_urls
from a2e_async.errors import InvalidRequestError

PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""Types of values in which nothing can be taken; most values of most rows are of these."""

_REFERENCE = "row:"
_NUMBERED = re.compile(r"(?P<id>.+)#(?P<number>[0-9]{1,4})", re.DOTALL)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NOWHERE = "https://input.invalid/"
_SUFFIXES = {"image": ".png", "video": ".mp4", "audio": ".mp3"}
_MOST_BYTES = 1 << 60
_TOLD = ("file", "sha256", "bytes", "fitted")


@attrs.frozen(kw_only=True)
class FileInput:
    """A file that a row takes; two with the same content are the same.

    Attributes:
        sha256: The digest of its content in hexadecimal.
        fitted: What is done to it before it is uploaded, "" for nothing.
        name: What people call it, such as "photos/me.png".
        size: Its bytes.
        kind: Its content type.
        suffix: What its name ends in once it is uploaded.
        path: Where it lies, None for one that a program has given as bytes.
        content: What a program has given, such as bytes or an open file.
    """

    sha256: str
    fitted: str = ""
    name: str = attrs.field(eq=False)
    size: int = attrs.field(eq=False)
    kind: str = attrs.field(eq=False)
    suffix: str = attrs.field(eq=False)
    path: Path | None = attrs.field(default=None, eq=False)
    content: Any = attrs.field(default=None, eq=False, repr=False)

    def kept(self) -> dict[str, Any]:
        """Give it as the ledger keeps it."""
        told = {"file": self.name, "sha256": self.sha256, "bytes": self.size, "kind": self.kind, "suffix": self.suffix}
        told |= {"fitted": self.fitted} if self.fitted else {}
        return told | ({"at": str(self.path)} if self.path is not None else {})


@attrs.frozen
class OutputOf:
    """An output of another row.

    Attributes:
        row_id: The other row's id.
        number: Which of its outputs, counted from 1.
    """

    row_id: str
    number: int = 1

    def __str__(self) -> str:
        numbered = self.number != 1 or _NUMBERED.fullmatch(self.row_id)
        return f"{_REFERENCE}{self.row_id}" + (f"#{self.number}" if numbered else "")

    def kept(self) -> str:
        """Give it as the ledger keeps it."""
        return str(self)


Input = FileInput | OutputOf


def is_reference(text: object) -> bool:
    """Whether a text names another row's output."""
    return isinstance(text, str) and text[: len(_REFERENCE)].lower() == _REFERENCE


def reference(text: str) -> OutputOf:
    """Read `row:ID` or `row:ID#2`.

    Raises:
        UnclearError: It names no row, or an output before the first.
    """
    named = text[len(_REFERENCE) :].strip()
    found = _NUMBERED.fullmatch(named)
    row_id, number = (found["id"].strip(), int(found["number"])) if found else (named, 1)
    if not row_id or number < 1:
        raise UnclearError(f"must be row:ID, or row:ID#2 for the second output of that row, not {kind_of(text)}")
    return OutputOf(row_id, number)


def inputs_in(value: object) -> Iterator[Input]:
    """Give what a field's value takes, in order, at whatever depth."""
    if isinstance(value, FileInput | OutputOf):
        yield value
    elif isinstance(value, list | tuple | Mapping):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from inputs_in(one)


def filled(value: Any, urls: Mapping[Input, str]) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give a field's value with URLs in the place of what it takes."""
    return replaced(value, lambda one: urls.get(one, one)) if _takes(value) else value


def kept(value: Any) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give a field's value as the ledger keeps it."""
    return replaced(value, lambda one: one.kept() if _takes(one) else one) if _takes(value) else value


def _takes(value: object) -> bool:
    return type(value) not in PLAIN and next(inputs_in(value), None) is not None


def told(value: Any) -> Any:  # noqa: ANN401 - what the ledger keeps
    """Give what the ledger keeps of a field's value for people: where a file lies on this machine is nobody's."""
    if isinstance(value, list | tuple):
        return [told(one) for one in value]
    if isinstance(value, Mapping) and "file" in value and "sha256" in value:
        return {name: one for name, one in value.items() if name in _TOLD}
    return value


def revived(value: Any, field: Field | None) -> Any:  # noqa: ANN401 - whatever the ledger has
    """Give a field's value of what the ledger keeps of it; what was not written by us is left as it is."""
    return value if field is None or not field.media else at_urls(field.rule, value, _revived)


def _revived(value: Any) -> Any:  # noqa: ANN401 - whatever the ledger has
    if is_reference(value):
        return reference(value)
    return _file(value) if isinstance(value, Mapping) else value


def _file(told: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a file, or what stood there
    texts = {key: told.get(key, "") for key in ("file", "sha256", "kind", "suffix", "fitted", "at")}
    size = told.get("bytes")
    good = all(isinstance(text, str) for text in texts.values()) and type(size) is int and 0 < size < _MOST_BYTES
    if not (good and texts["file"] and _DIGEST.fullmatch(texts["sha256"])) or "\0" in texts["at"]:
        return told
    return FileInput(
        sha256=texts["sha256"],
        fitted=texts["fitted"],
        name=texts["file"],
        size=int(str(size)),
        kind=texts["kind"],
        suffix=texts["suffix"],
        path=Path(texts["at"]) if texts["at"] else None,
    )


def placeholder(one: Input, field: Field) -> str:
    """Give a URL that stands for an input until it has one, so that a row's rules can be checked before it is run."""
    if isinstance(one, FileInput):
        return f"{_NOWHERE}file{one.suffix}"
    # Which of these it will be, the other row knows; some fields take one suffix only.
    suffixes = (*field.rule.suffixes, *(_SUFFIXES[kind] for kind in field.media), ".png")
    return f"{_NOWHERE}output{suffixes[0]}"


@contextlib.contextmanager
def own_names(stand_ins: Mapping[Input, str]) -> Iterator[None]:
    """Let errors of this block show inputs by their own names, and not by the URLs that stand for them."""
    try:
        yield
    except InvalidRequestError as error:
        message = error.message
        for one, url in stand_ins.items():
            name = hide_secrets(one.name if isinstance(one, FileInput) else str(one))
            message = message.replace(url, name if name.isprintable() else ascii(name), 1)
        raise InvalidRequestError(message, field=error.field, rule=error.rule) from None
