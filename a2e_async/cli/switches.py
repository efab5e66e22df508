"""How the switches of the simulator are given on the command line: `--switch list_lag=5 --switch poor=402`."""

from __future__ import annotations

import collections.abc
import json
import re
import types
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import click

from a2e_async.cli.fields import doc_of
from a2e_async.core.rules import kind_of
from a2e_async.errors import UsageError
from a2e_async.simulator import Switches

_OWN = frozenset({"token", "coins", "seed", "media", "fails"})  # options of their own, and what only Python can say
_ENTRY = re.compile(r" {4}(\w+): (.*)")
_UNIONS = (Union, types.UnionType)
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", tuple: "a list of two numbers", dict: "JSON"}


def switch_option() -> click.Option:
    """Make the option, whose help lists every switch."""
    lines = "\n\n".join(f"{name}={_shown(name)}  {text}" for name, text in _helps().items())
    text = f"How the service behaves; values are JSON or plain text, times are in seconds. May be repeated:\n\n{lines}"
    return click.Option(["--switch", "switches"], multiple=True, metavar="NAME=VALUE", help=text)


def switches_of(given: Sequence[str]) -> dict[str, Any]:
    """Read switches, each NAME=VALUE.

    Raises:
        UsageError: There is no such switch, it is given twice, or its value is none of its values.
    """
    found: dict[str, Any] = {}
    for one in given:
        name, equals, text = one.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in _kinds():
            raise UsageError(f"--switch: must be NAME=VALUE with one of {', '.join(_kinds())}, not {kind_of(one)}")
        if name in found:
            raise UsageError(f"--switch {name}: is given twice")
        found[name] = _value(name, text.strip())
    try:
        Switches(**found)
    except ValueError as error:  # its own words name the switch and its values; attrs gives what it has judged, too
        raise UsageError(f"--switch: {error.args[0]}") from None
    return found


def _kinds() -> dict[str, Any]:
    hints = get_type_hints(Switches)
    return {field.name: hints[field.name] for field in attrs.fields(Switches) if field.name not in _OWN}


def _options(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - a type
    """Give the plain types that a switch may have, and each of its words."""
    if get_origin(kind) in _UNIONS or get_origin(kind) is Literal:
        for part in get_args(kind):
            yield from _options(part)
    else:
        origin = get_origin(kind) or kind
        yield dict if origin is collections.abc.Mapping else origin


def _value(name: str, text: str) -> Any:  # noqa: ANN401 - what the switch takes
    options = [one for one in _options(_kinds()[name]) if one is not collections.abc.Callable]
    if text in options:  # a word such as "402", which is no number here
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    value = tuple(value) if isinstance(value, list) else value
    kinds = [one for one in options if isinstance(one, type)]
    fits = (
        type(value) in kinds or (float in kinds and type(value) is int) or (value is None and types.NoneType in kinds)
    )
    if not fits:
        words = [repr(one) for one in options if isinstance(one, str)] + [_WORDS[one] for one in kinds if one in _WORDS]
        raise UsageError(f"--switch {name}: must be {' or '.join(dict.fromkeys(words))}, not {kind_of(text)}")
    return value


def _helps() -> dict[str, str]:
    """Give the words of each switch, as the class has them."""
    helps, name = {}, ""
    for line in doc_of(Switches).splitlines():
        if entry := _ENTRY.fullmatch(line):
            name = entry[1]
            helps[name] = entry[2]
        elif name and line.startswith("        "):
            helps[name] += f" {line.strip()}"
    return {name: helps.get(name, "") for name in _kinds()}


def _shown(name: str) -> str:
    """Show the words that a switch takes, or what it is by default."""
    default = getattr(attrs.fields(Switches), name).default
    words = [one for one in _options(_kinds()[name]) if isinstance(one, str)]
    rest = "" if default is None or isinstance(default, attrs.Factory) else json.dumps(default).strip('"')  # type: ignore[arg-type]  # a class
    number = ["N"] if words and int in _options(_kinds()[name]) else []
    return "|".join([*(one for one in words if one == rest), *(one for one in words if one != rest), *number]) or rest
