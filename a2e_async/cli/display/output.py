"""Results go to stdout, messages for people to stderr, and a token to neither.

Laws of this file. A task is paid for before its result is printed, so printing never loses a result: what a stream
cannot encode is escaped, and when nobody reads stdout any more, paid results are named on stderr. Text from the
service, from files and in ids may hold what a terminal takes for commands (a title, the clipboard, a line that looks
like ours): control characters are shown, never sent.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

import attrs
import click

MASK = "sk_***"

_TOKENS = re.compile(r"\bsk_[\w-]+")
VARIABLES = ("A2E_API_KEY", "A2E_API_TOKEN", "A2E_TOKEN")
"""Where the client finds its token; repeated here, because importing the client takes long."""

_SHORTEST_TOKEN = 6  # a shorter "token" would turn ordinary words into stars
_DEEPEST = 100
# C0 and C1 but tab and line end, other ends of lines, what turns the direction of reading, halves of characters.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def masked(text: str, *tokens: str | None) -> str:
    """Replace everything that is, or looks like, a token."""
    for token in (*tokens, *map(os.environ.get, VARIABLES)):
        if token and len(token) >= _SHORTEST_TOKEN:
            text = text.replace(token.strip(), MASK)
    return _TOKENS.sub(MASK, text)


def plain(text: str) -> str:
    r"""Write control characters out, as `\x1b`, so that a terminal does not obey them; line ends and tabs stay."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Put text from outside on one line, so that it cannot look like a second line of ours."""
    return plain(" ".join(text.split()))


def counted(number: int, noun: str) -> str:
    """Give a number with its noun: "1 row", "2 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def tell(text: str, *tokens: str | None) -> None:
    """Print a message on stderr; a closed stderr is ignored, as no paid task may be lost over it."""
    with contextlib.suppress(OSError):
        click.echo(_fit(plain(masked(text, *tokens)), sys.stderr), err=True)


def print_error(text: str, *tokens: str | None) -> None:
    """Print one line on stderr that says what went wrong."""
    tell(f"a2e: {one_line(text)}", *tokens)


def as_json(data: Mapping[str, Any]) -> str:
    r"""Write JSON on one line; what stdout cannot encode, or a terminal would obey, becomes `\uXXXX`."""
    shown = _cut(data)
    line = json.dumps(shown, ensure_ascii=False, default=str)
    try:
        line.encode(_encoding(sys.stdout))
    except UnicodeEncodeError:
        return json.dumps(shown, default=str).replace("\x7f", "\\u007f")
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _cut(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON is anything
    """Cut JSON that is nested too deeply to read: the service may send any depth."""
    if isinstance(value, Mapping):
        return {key: _cut(item, depth + 1) for key, item in value.items()} if depth < _DEEPEST else "{...}"
    if isinstance(value, list | tuple):
        return [_cut(item, depth + 1) for item in value] if depth < _DEEPEST else "[...]"
    return value


def _fit(text: str, stream: Any) -> str:  # noqa: ANN401 - whatever stands in for a stream
    encoding = _encoding(stream)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _encoding(stream: Any) -> str:  # noqa: ANN401 - as above
    return getattr(stream, "encoding", None) or "utf-8"


@attrs.define
class Output:
    """Prints the results of a command.

    Attributes:
        as_json: Print JSON lines instead of text.
        quiet: Print no notes.
        held: Lines held back while a live display owns the terminal, or None when none are.
        unread: Why stdout takes no more (its reader has gone, its disk is full), or None while it does.
    """

    as_json: bool = False
    quiet: bool = False
    held: list[tuple[str, str]] | None = None
    unread: OSError | None = None

    @property
    def lost(self) -> OSError | None:
        """The error for which results were not printed; a reader that has seen enough (`| head`) is none."""
        return self.unread if self.unread is not None and self.unread.errno != errno.EPIPE else None

    def result(self, text: str, data: Mapping[str, Any], *, paid: bool = False) -> None:
        """Print one result: the text for people, or the data as a JSON line; an empty text prints nothing.

        Args:
            text: What people read.
            data: What programs read.
            paid: Whether it cost coins: then it goes to stderr when stdout takes no more.
        """
        line = as_json(data) if self.as_json else _fit(plain(text), sys.stdout)
        if not line:
            return
        if self.held is not None:
            self.held.append((line, text if paid else ""))
        else:
            self._print(line, text if paid else "")

    def hold(self) -> None:
        """Hold results back until `release` if they would tear a live display apart."""
        self.held = [] if sys.stdout is not None and sys.stdout.isatty() else None

    def release(self) -> None:
        """Print what was held back."""
        held, self.held = self.held or [], None
        for line, named in held:
            self._print(line, named)

    def _print(self, line: str, named: str) -> None:
        if self.unread is None and sys.stdout is not None:  # it is None when it was closed before we began
            try:
                click.echo(line)
            except OSError as error:
                self.unread = error
                _discard_stdout()
            else:
                return
        if named:
            tell(named)

    def say(self, text: str) -> None:
        """Print a message that people need."""
        tell(text)

    def note(self, text: str) -> None:
        """Print a message that is only good to know, unless --quiet was given."""
        if not self.quiet:
            tell(text)


def _discard_stdout() -> None:
    """Discard what is still in stdout's buffer: the interpreter would fail to flush it at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
