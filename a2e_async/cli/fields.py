"""From the fields of a request class to the options of a command, and back.

One machinery for every family: the option's name, type and whether it must be given come from the field, its help
from the class's docstring.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import click

from a2e_async.cli.settings import NAMES
from a2e_async.core.family import Request
from a2e_async.core.records import Result

_ENTRY = re.compile(r"^(\w+): (.*)$")
_SCALARS: dict[object, click.ParamType[Any]] = {str: click.STRING, int: click.INT, float: click.FLOAT}


class _Json(click.ParamType[Any]):
    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - JSON is anything
        try:
            return json.loads(value)
        except ValueError:
            self.fail("must be JSON", param, ctx)


def options_of(request: type[Request[Result]], *, skip: Sequence[str] = ()) -> list[click.Parameter]:
    """Give one option for each field of a request class, except those to skip."""
    hints, helps = get_type_hints(request), helps_of(request)
    return [
        _option(field, hints[field.name], helps.get(field.name, ""))
        for field in attrs.fields(request)  # type: ignore[arg-type] # every request is an attrs class
        if field.name not in skip
    ]


def option_name(field: str) -> str:
    """Give the name of a field's option; a name that every command already has gets `--task` before it."""
    name = "--" + field.replace("_", "-")
    return f"--task{name[1:]}" if name in NAMES else name


def _option(field: attrs.Attribute[Any], hint: object, text: str) -> click.Parameter:
    required = field.default is attrs.NOTHING
    name, kind = option_name(field.name), _plain(hint)
    if kind is bool:
        return click.Option([f"{name}/--no-{name[2:]}", field.name], default=None, required=required, help=text)
    if get_origin(kind) in (list, tuple, Sequence):
        inner = _SCALARS.get(get_args(kind)[0], _Json())
        text = f"{text.rstrip('.')}; give it once for each."
        return click.Option([name, field.name], type=inner, multiple=True, required=required, help=text)
    return click.Option([name, field.name], type=_SCALARS.get(kind, _Json()), required=required, help=text)


def _plain(hint: object) -> object:
    """Give the type without its `| None`; anything but one plain type is read as JSON."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not types.NoneType]
    return kinds[0] if len(kinds) == 1 else None


def helps_of(request: type) -> dict[str, str]:
    """Give the help of each field: the entries of `Args:` in the class's docstring."""
    helps: dict[str, str] = {}
    name = ""
    for line in _section(request.__doc__ or "", "Args:"):
        entry = _ENTRY.match(line)
        if entry:
            name, helps[entry[1]] = entry[1], entry[2]
        elif name:
            helps[name] += " " + line.strip()
    return helps


def _section(doc: str, title: str) -> list[str]:
    lines = [line.removeprefix("    ") for line in doc.splitlines()]
    if title not in lines:
        return []
    taken = []
    for line in lines[lines.index(title) + 1 :]:
        if line and not line.startswith("    "):
            break
        taken.append(line[4:])
    return [line for line in taken if line]


def build(request: type[Request[Result]], values: Mapping[str, Any]) -> Request[Result]:
    """Make the request from what was given.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """
    given = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None and value != ()
    }
    return request(**given)


def fields_of(request: object) -> dict[str, Any]:
    """Give the fields that were set, for output; secrets (fields that are left out of repr) stay out."""
    kind = type(request)
    if not attrs.has(kind):
        return {}
    known = ((field, getattr(request, field.name)) for field in attrs.fields(kind))
    return {field.name: value for field, value in known if field.repr and value is not None}
