"""Tables of refused values: what is checked of each row, and that no rule of a request class is without one."""

from __future__ import annotations

import ast
import inspect
import re
import traceback
from pathlib import Path

import attrs
import pytest

from a2e_async import InvalidRequestError
from a2e_async.core.requests import fields_of

TEXT = "must be text that is not blank"
FLAG = "must be True or False"
LINK = "must be an http or https URL with a host and without spaces (no data: URL)"
HTTPS = "must be an https URL without spaces, at most 2048 characters"
COMMON = {
    "extra": ([], "must be a mapping with text as keys"),
    "name": ("n" * 101, f"{TEXT}, at most 100 characters"),
    "webhook_url": ("http://hooks.example.net/a2e", HTTPS),
    "webhook_token": ("", f"{TEXT}, at most 256 characters"),
}
"""A refused value of each field that many requests have."""

_RULES = frozenset({"need", "need_one", "forbid", "narrow"})


def links(many):
    """Give the words of a rule of so many links."""
    return f"must be a list of {many} http or https URLs without spaces (no data: URL)"


def rows_of(kind, right, table):
    """Give the rows of a class: the fields of a right request with the wrong ones in them, the field and the rule."""
    shared = [({field: wrong}, field, rule) for field, (wrong, rule) in COMMON.items() if field in _names(kind)]
    return [(kind, right | wrong, field, rule) for wrong, field, rule in [*table, *shared]]


def refusal(kind, fields):
    """Give the error that these fields bring."""
    with pytest.raises(InvalidRequestError) as caught:
        kind(**fields)
    return caught.value


def in_any_order(rule):
    """Give the words of a rule sorted: `typing` has one Literal for equal sets, in the order of the one read first."""
    return sorted(re.findall(r"'[^']*'|\w+", rule))


def assert_refused(kind, fields, field, rule):
    """The refusal names the field and the rule, and then the kind of the value."""
    error = refusal(kind, fields)
    assert (error.field, in_any_order(error.rule)) == (field, in_any_order(rule))
    assert str(error).startswith(f"{field}: {error.rule}, not ")


def assert_none_is_missing(kind, rows):
    """Each field has a refused value of its own, and each line of `check` that refuses has been seen to refuse."""
    errors = [(field, refusal(kind, fields)) for _kind, fields, field, _rule in rows]
    own = {field.name: field.rule.words for field in fields_of(kind)}
    assert set(own) == {field for field, error in errors if error.rule == own[field]}
    seen = {line for _field, error in errors if (line := _line_in(_source(kind), error))}
    assert seen == _refusing_lines(_source(kind))


def _names(kind):
    return {field.name for field in attrs.fields(kind)}


def _source(kind):
    return inspect.getsourcefile(kind)


def _line_in(source, error):
    """Give the line of a file from which an error came, None where it came from elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == source), None)


def _refusing_lines(source):
    nodes = ast.walk(ast.parse(Path(source).read_text(encoding="utf-8")))
    return {
        node.lineno
        for node in nodes
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and getattr(node.func, "id", "") in _RULES)
    }
