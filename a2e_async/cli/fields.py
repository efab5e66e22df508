"""Turn the fields of a request class into options of a command, and options into a request.

It serves every family alike: an option's name, type and whether it is required come from the field, its help from the
class's docstring.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from a2e_async.cli.local_files import as_text, with_paths
from a2e_async.cli.settings import NAMES
from a2e_async.core.family import families
from a2e_async.core.records import Result
from a2e_async.core.requests import Field, Request, fields_of
from a2e_async.errors import InvalidRequestError

_ENTRY = re.compile(r"^(\w+): (.*)$")
_SCALARS: dict[object, click.ParamType[Any]] = {str: click.STRING, int: click.INT, float: click.FLOAT}


class MediaType(click.ParamType[str]):
    """A URL or a file of this machine; the shell completes file names."""

    name = "url or file"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - as above
        incomplete: str,
    ) -> list[CompletionItem]:
        """Let the shell complete file names."""
        return [CompletionItem(incomplete, type="file")]


class _Json(click.ParamType[Any]):
    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - JSON is anything
        try:
            return json.loads(value)
        except ValueError:
            self.fail("must be JSON", param, ctx)


def options_of(request: type[Request[Result]], *, skip: Sequence[str] = ()) -> list[click.Parameter]:
    """Make an option of each field of a request class, except those to skip."""
    helps = helps_of(request)
    return [_option(field, helps.get(field.name, "")) for field in fields_of(request) if field.name not in skip]


def option_name(field: str) -> str:
    """Give the name of a field's option; a name that every command already has gets `--task` before it."""
    name = "--" + field.replace("_", "-")
    return f"--task{name[1:]}" if name in NAMES else name


def _option(field: Field, text: str) -> click.Parameter:
    # Not `required` for click, which stops at the first missing option: `build` names all errors at once.
    name, text = option_name(field.name), f"{text.rstrip()}  [required]" if field.required else text
    if field.kind is bool:
        return click.Option([f"{name}/--no-{name[2:]}", field.name], default=None, help=text)
    if field.kind is list:
        inner = MediaType() if field.media and field.item is str else _SCALARS.get(field.item, _Json())
        words = f"Give it once for each, in order ({name} A {name} B): {text}"
        return click.Option([name, field.name], type=inner, multiple=True, help=words)
    return click.Option([name, field.name], type=_type_of(field), help=text)


def _type_of(field: Field) -> click.ParamType[Any]:
    """Give the type of a field's option; one with choices lets the shell complete them."""
    if field.media and field.kind is str:
        return MediaType()
    return click.Choice(field.choices) if field.choices else _SCALARS.get(field.kind, _Json())


def helps_of(request: type) -> dict[str, str]:
    """Give the help of each field: the entries of `Args:` in the docstrings of the class and its bases."""
    helps: dict[str, str] = {}
    for kind in reversed(request.__mro__):
        name = ""
        for line in _section(doc_of(kind), "Args:"):
            entry = _ENTRY.match(line)
            if entry:
                name, helps[entry[1]] = entry[1], entry[2]
            elif name:
                helps[name] += " " + line.strip()
    return helps


def doc_of(thing: Any) -> str:  # noqa: ANN401 - a class or a function
    """Give the docstring, also where `python -OO` has removed it: it is the help of the command."""
    if thing.__doc__ is not None:
        return inspect.cleandoc(thing.__doc__)  # Python 3.13 removes the indentation itself
    try:
        [node] = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # no source, or more than one definition
        return ""
    return (ast.get_docstring(node) if isinstance(node, ast.ClassDef | ast.AsyncFunctionDef) else None) or ""


def _section(doc: str, title: str) -> list[str]:
    lines = doc.splitlines()
    if title not in lines:
        return []
    taken = []
    for line in lines[lines.index(title) + 1 :]:
        if line and not line.startswith("    "):
            break
        taken.append(line[4:])
    return [line for line in taken if line]


def build(request: type[Request[Result]], values: Mapping[str, Any]) -> Request[Result]:
    """Make a request of the options that were given.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """
    given = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None and value != ()
    }
    given = with_paths(request, given)
    try:
        return request(**given)
    except InvalidRequestError as error:
        raise _with_others(error, request, given) from None


def _with_others(
    first: InvalidRequestError, request: Callable[..., Request[Result]], given: dict[str, Any]
) -> Exception:
    """Give one error for all fields that are wrong or missing: each is corrected in turn, by the family's example."""
    example = next((family.example for family in families().values() if family.request is request), {})
    faults: dict[str, InvalidRequestError] = {}
    error: InvalidRequestError | None = first
    while error is not None and error.field and error.field not in faults:
        faults[error.field] = error
        given = {name: value for name, value in given.items() if name != error.field}
        given |= {error.field: example[error.field]} if error.field in example else {}
        try:
            request(**given)
        except InvalidRequestError as another:
            error = another
        else:
            error = None
    if len(faults) < 2:  # noqa: PLR2004 - one speaks for itself
        return first
    return InvalidRequestError(
        "; ".join(fault.message for fault in faults.values()), field=first.field, rule=first.rule
    )


def given_fields(request: Request[Any] | None) -> dict[str, Any]:
    """Give the fields that were set, without secrets, for output."""
    if request is None:
        return {}
    known = ((field, getattr(request, field.name)) for field in fields_of(type(request)))
    return {field.name: as_text(value) for field, value in known if not field.secret and value is not None}


def label_of(request: Request[Any] | None) -> str:
    """Say in a few words what a request is about."""
    values = given_fields(request)
    return str(values.get("name") or values.get("prompt") or next(iter(values.values()), ""))
