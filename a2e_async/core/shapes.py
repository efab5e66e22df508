"""Rules of objects inside requests: which fields they have, and what each of these may hold.

A field that is not named passes: the service may know more of them than this version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from a2e_async.core import rules

Inner: TypeAlias = Mapping[str, rules.Rule]
_Wrong: TypeAlias = tuple[object, str]
"""A value that breaks a rule, and the rule in words."""


@attrs.frozen(kw_only=True, eq=False)  # a rule is itself alone, and can stand in a type, which is hashed
class Shape(rules.Rule):
    """What an object, or each object of a list, may hold.

    Attributes:
        outer: Whether the value is an object, or a list of them, at all.
        needed: The rules of the fields that each object must have.
        known: The rules of those that it may have.
        many: Whether the value is a list of objects.
    """

    outer: Callable[[Any], bool]
    needed: Inner
    known: Inner
    many: bool

    def refuse(self, field: str, value: object) -> None:
        """Refuse a value that breaks the rule, and name the field inside that does."""
        if not self.outer(value):
            raise rules.refuse(field, value, self.words)
        if wrong := _wrong_inside(self, value):
            raise rules.refuse(field, *wrong)

    @property
    def takes_files(self) -> bool:
        """Whether there are URLs in the objects."""
        return any(inner.takes_files for inner in (*self.needed.values(), *self.known.values()))

    def urls(self, held: Any) -> Iterator[str]:  # noqa: ANN401 - an object or a list of them
        """Give the URLs in the fields of the objects."""
        for one in held if self.many else [held]:
            for key, inner in (*self.needed.items(), *self.known.items()):
                if one.get(key) is not None:
                    yield from inner.urls(one[key])


def shape(needed: Inner, known: Inner) -> Shape:
    """An object that has all of the needed fields and may have the known ones."""
    return _shape("must be an object", rules.mapping().check, needed, known, many=False)


def shapes(needed: Inner, known: Inner, at_most: int | None = None) -> Shape:
    """A list of so many objects, each as of `shape`."""
    many = f"1 to {at_most}" if at_most else "at least one"
    return _shape(f"must be a list of {many} object(s)", rules.mappings(at_most).check, needed, known, many=True)


def _shape(what: str, outer: Callable[[Any], bool], needed: Inner, known: Inner, *, many: bool) -> Shape:
    def check(value: object) -> bool:
        return outer(value) and _wrong_inside(made, value) is None

    words = f"{what} with {', '.join(needed or known)}"
    made = Shape(words=words, check=check, outer=outer, needed=needed, known=known, many=many)
    return made


def _wrong_inside(rule: Shape, value: Any) -> _Wrong | None:  # noqa: ANN401 - an object or a list of them
    for number, one in enumerate(value if rule.many else [value], 1):
        for key, inner in (*rule.needed.items(), *rule.known.items()):
            held = one.get(key)
            if held is None and key not in rule.needed:
                continue
            if wrong := _wrong_with(inner, held):
                return wrong[0], f"{f'item {number}: ' if rule.many else ''}{key} {wrong[1]}"
    return None


def _wrong_with(rule: rules.Rule, held: object) -> _Wrong | None:
    if isinstance(rule, Shape) and rule.outer(held):
        return _wrong_inside(rule, held)
    return None if rule.check(held) else (held, rule.words)


def at_urls(rule: rules.Rule, value: Any, give: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give a field's value with something else wherever it has a URL, or what becomes one, also inside of objects.

    Args:
        rule: The field's rule.
        value: The value.
        give: Called with what stands in each of these places.
    """
    if isinstance(rule, Shape):
        if rule.many and isinstance(value, list | tuple):
            return [_inside(rule, one, give) for one in value]
        return _inside(rule, value, give)
    if not rule.link:
        return value
    return [give(one) for one in value] if isinstance(value, list | tuple) else give(value)


def _inside(rule: Shape, value: Any, give: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - an object, or what is none
    if not isinstance(value, Mapping):
        return value
    inner = {**rule.needed, **rule.known}
    return {name: at_urls(inner[name], held, give) if name in inner else held for name, held in value.items()}
