"""What is wrong with the arguments of a request or a call, in the words of its fields instead of Python's."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from a2e_async.core.secrets import is_secret, masked
from a2e_async.errors import InvalidRequestError

_ALL = 12  # names of fields that a refusal tells when none is like the one that was given


def speak_of_fields(kind: type[Any]) -> None:
    """Let a class of attrs refuse arguments in the words of its fields, and keep its secrets out of every report.

    A report of what is raised shows the arguments of each frame, and the object itself, be it half made.
    """
    for name, method in {"__init__": _init_of(kind), "__repr__": _repr_of(kind)}.items():
        setattr(kind, name, method)


def _init_of(kind: type[Any]) -> Callable[..., None]:
    begin: Callable[..., None] = vars(kind)["__init__"]
    secrets = [one.name for one in attrs.fields(kind) if is_secret(one.name) and not one.repr]
    places = [one.name for one in attrs.fields(kind) if one.init and not one.kw_only]
    numbers = [places.index(name) for name in secrets if name in places]

    @functools.wraps(begin)
    def checked(self: object, *args: Any, **fields: Any) -> None:  # noqa: ANN401 - the fields of the class
        for name in secrets:
            if name in fields:
                fields[name] = masked(fields[name])
        if numbers and args:
            args = tuple(masked(value) if place in numbers else value for place, value in enumerate(args))
        try:
            begin(self, *args, **fields)
        except TypeError:
            signature = inspect.signature(begin)
            if _fits(signature, self, args, fields):
                raise  # it came from within
        else:
            return
        raise misuse(signature, (self, *args), fields, kind.__name__)

    return checked


def _repr_of(kind: type[Any]) -> Callable[[object], str]:
    show: Callable[[object], str] = vars(kind)["__repr__"]

    @functools.wraps(show)
    def shown(self: object) -> str:
        try:
            return show(self)
        except AttributeError:
            return f"<{kind.__name__} being made>"

    return shown


def _fits(signature: inspect.Signature, owner: object, args: tuple[Any, ...], fields: Mapping[str, Any]) -> bool:
    try:
        signature.bind(owner, *args, **fields)
    except TypeError:
        return False
    return True


def misuse(
    signature: inspect.Signature, args: Sequence[object], fields: Mapping[str, object], what: str = "the call"
) -> InvalidRequestError:
    """Build the error for arguments that a signature does not take; the first parameter is the object itself.

    Args:
        signature: What is taken.
        args: What was given without a name, the object first.
        fields: What was given by name.
        what: Whose arguments they are, such as "TextToImage".
    """
    _own, *known = signature.parameters.values()
    first = [one.name for one in known if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    given = first[: len(args) - 1]
    for name in fields:
        if name not in signature.parameters:
            return _refusal(name, f"{what} has no such field; {_like(name, [one.name for one in known])}")
        if name in given:
            return _refusal(name, "was given twice, by its place and by its name")
    if len(args) - 1 > len(first):
        words = f"{what} takes {', '.join(first) or 'nothing'} by its place, and everything else by name"
        return _refusal(first[0] if first else "", f"{words}; {len(args) - 1} values came without a name")
    missing = [
        one.name
        for one in known
        if one.default is inspect.Parameter.empty and one.name not in fields and one.name not in given
    ]
    return _refusal(missing[0], "must be given", ", ".join(missing))


def _like(name: str, known: Sequence[str]) -> str:
    import difflib  # noqa: PLC0415 - needed to say what was meant

    close = difflib.get_close_matches(name, known, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"it has {', '.join(known[:_ALL])}{', ...' if len(known) > _ALL else ''}"


def _refusal(field: str, rule: str, named: str = "") -> InvalidRequestError:
    return InvalidRequestError(f"{named or field}: {rule}".removeprefix(": "), field=field, rule=rule)
