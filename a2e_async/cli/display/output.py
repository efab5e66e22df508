"""Where words go: results to stdout, everything meant for people to stderr, and no token to either."""

from __future__ import annotations

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


def masked(text: str, *tokens: str | None) -> str:
    """Give the text without anything that is, or looks like, a token."""
    for token in (*tokens, *map(os.environ.get, VARIABLES)):
        if token and len(token) >= _SHORTEST_TOKEN:
            text = text.replace(token.strip(), MASK)
    return _TOKENS.sub(MASK, text)


def complain(text: str, *tokens: str | None) -> None:
    """Say in one line on stderr what went wrong."""
    click.echo(f"a2e: {' '.join(masked(text, *tokens).split())}", err=True)


@attrs.define
class Output:
    """Prints what a command found.

    Attributes:
        as_json: Print JSON lines instead of text.
        held: Lines kept back while a live display owns the terminal, or None when nothing is kept back.
    """

    as_json: bool = False
    held: list[str] | None = None

    def result(self, text: str, data: Mapping[str, Any]) -> None:
        """Print one result: the text for people, or the data as a JSON line; an empty text prints nothing."""
        line = json.dumps(data, ensure_ascii=False, default=str) if self.as_json else text
        if not line:
            return
        if self.held is not None:
            self.held.append(line)
        else:
            click.echo(line)

    def hold(self) -> None:
        """Keep results back until `release` if they would tear a live display apart."""
        self.held = [] if sys.stdout.isatty() else None

    def release(self) -> None:
        """Print what was kept back."""
        held, self.held = self.held or [], None
        for line in held:
            click.echo(line)

    def say(self, text: str) -> None:
        """Tell people something."""
        click.echo(text, err=True)
