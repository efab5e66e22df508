"""Where words go: results to stdout, everything meant for people to stderr, and no token to either.

Laws of this file. What a task costs is paid before its result is printed, so printing never loses one: what a stream
cannot encode is escaped, and a reader that has gone changes where a result is named, not whether. Text of the
service, of files and of ids can hold what a terminal takes for commands (a title, the clipboard, a line that polls
like ours): it is shown, never sent.
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
"""Where the client finds its token; said again here, for the client takes long to import."""

_SHORTEST_TOKEN = 6  # a shorter "token" would turn ordinary words into stars
_DEEPEST = 100
# C0 and C1 but tab and line end, other ends of lines, what turns the direction of reading, halves of characters.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def masked(text: str, *tokens: str | None) -> str:
    """Give the text without anything that is, or looks like, a token."""
    for token in (*tokens, *map(os.environ.get, VARIABLES)):
        if token and len(token) >= _SHORTEST_TOKEN:
            text = text.replace(token.strip(), MASK)
    return _TOKENS.sub(MASK, text)


def plain(text: str) -> str:
    r"""Give the text with what a terminal would obey written out, as `\x1b`; line ends and tabs stay."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Give text from outside in one line: it must not look like a second one of ours."""
    return plain(" ".join(text.split()))


def tell(text: str, *tokens: str | None) -> None:
    """Say something on stderr; nobody may be there to hear it, which is no reason to lose a paid task."""
    with contextlib.suppress(OSError):
        click.echo(_fit(plain(masked(text, *tokens)), sys.stderr), err=True)


def complain(text: str, *tokens: str | None) -> None:
    """Say in one line on stderr what went wrong."""
    tell(f"a2e: {one_line(text)}", *tokens)


def as_json(data: Mapping[str, Any]) -> str:
    r"""Give a JSON line that stdout can hold: what it cannot encode, or a terminal would obey, becomes `\uXXXX`."""
    shown = _cut(data)
    line = json.dumps(shown, ensure_ascii=False, default=str)
    try:
        line.encode(_encoding(sys.stdout))
    except UnicodeEncodeError:
        return json.dumps(shown, default=str).replace("\x7f", "\\u007f")
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _cut(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON is anything
    """Give JSON that is not nested deeper than anybody reads: what the service sends can be as deep as it likes."""
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
    """Prints what a command found.

    Attributes:
        as_json: Print JSON lines instead of text.
        quiet: Leave out what is only good to know.
        held: Lines kept back while a live display owns the terminal, or None when nothing is kept back.
        unread: Why stdout takes no more: its reader has gone, its disk is full; None while it does.
    """

    as_json: bool = False
    quiet: bool = False
    held: list[tuple[str, str]] | None = None
    unread: OSError | None = None

    @property
    def lost(self) -> OSError | None:
        """What kept results from stdout; a reader that has seen enough (`| head`) is no fault."""
        return self.unread if self.unread is not None and self.unread.errno != errno.EPIPE else None

    def result(self, text: str, data: Mapping[str, Any], *, paid: bool = False) -> None:
        """Print one result: the text for people, or the data as a JSON line; an empty text prints nothing.

        Args:
            text: What people read.
            data: What programs read.
            paid: Whether it cost something: it is named on stderr when stdout takes no more.
        """
        line = as_json(data) if self.as_json else _fit(plain(text), sys.stdout)
        if not line:
            return
        if self.held is not None:
            self.held.append((line, text if paid else ""))
        else:
            self._print(line, text if paid else "")

    def hold(self) -> None:
        """Keep results back until `release` if they would tear a live display apart."""
        self.held = [] if sys.stdout is not None and sys.stdout.isatty() else None

    def release(self) -> None:
        """Print what was kept back."""
        held, self.held = self.held or [], None
        for line, named in held:
            self._print(line, named)

    def _print(self, line: str, named: str) -> None:
        if self.unread is None and sys.stdout is not None:  # it is None when it was closed before we began
            try:
                click.echo(line)
            except OSError as error:
                self.unread = error
                _let_go_of_stdout()
            else:
                return
        if named:
            tell(named)

    def say(self, text: str) -> None:
        """Tell people what they need."""
        tell(text)

    def note(self, text: str) -> None:
        """Tell people what is good to know, unless they asked for quiet."""
        if not self.quiet:
            tell(text)


def _let_go_of_stdout() -> None:
    """Send what is still in stdout's buffer nowhere: the interpreter would complain of it at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
