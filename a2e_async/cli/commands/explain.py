"""All that is known of a family, from its own data: fields, endpoints, price and an example."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from a2e_async.cli.by_family import example_of
from a2e_async.cli.fields import helps_of, option_name
from a2e_async.client import A2EClient
from a2e_async.core import rules
from a2e_async.core.family import Endpoint, Family
from a2e_async.core.requests import Field, fields_of

_TYPES: Mapping[type, str] = {
    str: "text", int: "integer", float: "number", bool: "yes or no", list: "list", dict: "JSON",
}  # fmt: skip
_PLURALS = {
    "URL": "URLs",
    "text": "texts",
    "JSON": "JSON objects",
    "integer": "integers",
    "number": "numbers",
}
_SAID_BY_THE_TYPE = frozenset(
    rule.words for rule in (rules.text(), rules.flag(), rules.whole(), rules.mapping(), rules.url())
)
_DEFAULT = re.compile(r"\((?:service |the )?default:? ([^)]+)\)|(\S+) \((?:service|the) default\)")
_REFUNDS = {
    True: "A failed task is refunded.",
    False: "A failed task is not refunded.",
    None: "The service does not say whether a failed task is refunded.",
}
_MADE = {"image": "an image", "video": "a video", "audio": "audio", "record": "no file"}
_HOUR = 3600
_WIDE = 26


def fields_as_data(family: Family) -> list[dict[str, Any]]:
    """Give each field of a family's requests as a JSON object."""
    helps = helps_of(family.request)
    return [_field_as_data(family, field, helps.get(field.name, "")) for field in fields_of(family.request)]


def _field_as_data(family: Family, field: Field, text: str) -> dict[str, Any]:
    default = _DEFAULT.search(text)
    return {
        "family": family.name,
        "field": field.name,
        "option": option_name(field.name),
        "sent_as": field.key,
        "type": _type_of(field),
        "required": field.required,
        "choices": list(field.choices),
        "rule": field.rule.words,
        "default": (default[1] or default[2]).strip('",:') if default else None,
        "help": text,
    }


def endpoints_of(family: Family) -> list[dict[str, str]]:
    """Give the endpoints of a family: action, method, path, and a note where one is uncertain."""
    found = [endpoint_data("POST", form.path, form.note, "start") for form in family.forms]
    for action in ("detail", "listing", "batch", "delete"):
        endpoint: Endpoint | None = getattr(family, action)
        while endpoint is not None:
            name = "list" if action == "listing" else action
            found.append(endpoint_data(endpoint.method, endpoint.path, endpoint.note, name))
            endpoint = endpoint.older
    return found


def endpoint_data(method: str, path: str, note: str, action: str = "") -> dict[str, str]:
    """Give one endpoint as a JSON object, with its action and a note where there are such."""
    named = {"action": action} if action else {}
    return {**named, "method": method, "path": path, **({"note": note} if note else {})}


def python_example(family: Family) -> str:
    """Give a family's example as a line of Python."""
    kind: Any = family.request  # mypy does not know it as a class of attrs
    leading = next((field.name for field in attrs.fields(kind) if not field.kw_only), None)
    given = dict(family.example)
    words = [repr(given.pop(leading))] if leading in given else []
    words += [f"{name}={value!r}" for name, value in given.items()]
    if hasattr(A2EClient, family.name):
        return f"await a2e.{family.name}({', '.join(words)})"
    return f"await a2e.start({family.request.__name__}({', '.join(words)}))"


def shell_example(family: Family) -> str:
    """Give a family's example as a line for the shell."""
    return shlex.join(["a2e", "start", family.name, *example_of(family)])


def lines_of(family: Family) -> Iterator[str]:
    """Give all that is known of a family as lines for people."""
    yield f"{family.name}: {family.title}"
    yield ""
    yield from facts_of(family)
    yield ""
    yield "Fields (* is required):"
    for field, shown in zip(fields_of(family.request), fields_as_data(family), strict=True):
        yield f"  {shown['option']:<{_WIDE}}{'*' if field.required else ' '} {shown['type']}. {shown['help']}"
        if field.rule.words not in _SAID_BY_THE_TYPE:
            yield f"  {'':<{_WIDE}}  {field.rule.words}"
    yield ""
    yield "Endpoints:"
    for told in endpoints_of(family):
        note = f"  ({told['note']})" if "note" in told else ""
        yield f"  {told['action']:<7}{told['method']:<7}{told['path']}{note}"
    yield ""
    yield "Example:"
    yield f"  {python_example(family)}"
    yield f"  {shell_example(family)}"


def facts_of(family: Family) -> Iterator[str]:
    """Give what is to be known of a family before it is started, in sentences."""
    yield f"Makes {_MADE[family.makes]}."
    if family.price:
        yield f"Price: {family.price}"
    yield f"{_REFUNDS[family.refunds]} `a2e quote {family.name} ...` prints the price."
    yield "Can call a webhook when it ends." if family.webhook else "Calls no webhook."
    if not family.is_findable:
        yield "Has no name, so a start whose answer is lost cannot be found."
    yield f"A job times out after {family.timeout / _HOUR:g} h."
    yield from family.notes


def _type_of(field: Field) -> str:
    inner = "URL" if field.rule.link else _TYPES.get(field.item if field.kind is list else field.kind, "JSON")
    return f"list of {_PLURALS[inner]}" if field.kind is list else inner
