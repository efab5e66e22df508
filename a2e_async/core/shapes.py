"""Rules of objects inside requests: which fields they have, and what each of these may hold.

A field that is not named passes: the service may know more of them than this version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from a2e_async.core import rules

Inner: TypeAlias = Mapping[str, rules.Rule]
Kinds: TypeAlias = Mapping[str, tuple[str, ...]]
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
        kinds: What the URL of an object shows, by the object's `type`: some of "image", "video" and "audio", () for
            what is none of these, such as a page.
    """

    outer: Callable[[Any], bool]
    needed: Inner
    known: Inner
    many: bool
    kinds: Kinds

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
    return _shape("must be an object", rules.mapping().check, needed, known)


def shapes(needed: Inner, known: Inner, at_most: int | None = None, *, kinds: Kinds | None = None) -> Shape:
    """A list of so many objects, each as of `shape`; `kinds` says what their URLs show, by their `type`."""
    what = f"must be a list of {f'1 to {at_most}' if at_most else 'at least one'} object(s)"
    return _shape(what, rules.mappings(at_most).check, needed, known, many=True, kinds=kinds)


def _shape(
    what: str,
    outer: Callable[[Any], bool],
    needed: Inner,
    known: Inner,
    *,
    many: bool = False,
    kinds: Kinds | None = None,
) -> Shape:
    def check(value: object) -> bool:
        return outer(value) and _wrong_inside(made, value) is None

    words = f"{what} with {', '.join(needed or known)}"
    made = Shape(words=words, check=check, outer=outer, needed=needed, known=known, many=many, kinds=kinds or {})
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
    return at_kinds(rule, value, lambda one, _kinds: give(one))


def at_kinds(
    rule: rules.Rule,
    value: Any,  # noqa: ANN401 - whatever the field holds
    give: Callable[[Any, tuple[str, ...] | None], Any],
    kinds: tuple[str, ...] | None = None,
) -> Any:  # noqa: ANN401 - likewise
    """Do the same; `give` is also told what the URL there shows, where an object says it, else None."""
    if isinstance(rule, Shape):
        if rule.many and isinstance(value, list | tuple):
            return [_inside(rule, one, give, kinds) for one in value]
        return _inside(rule, value, give, kinds)
    if not rule.link:
        return value
    return [give(one, kinds) for one in value] if isinstance(value, list | tuple) else give(value, kinds)


def _inside(
    rule: Shape,
    value: Any,  # noqa: ANN401 - an object, or what is none
    give: Callable[[Any, tuple[str, ...] | None], Any],
    kinds: tuple[str, ...] | None,
) -> Any:  # noqa: ANN401 - likewise
    if not isinstance(value, Mapping):
        return value
    inner, kinds = {**rule.needed, **rule.known}, kinds_of(rule, value, kinds)
    return {name: at_kinds(inner[name], held, give, kinds) if name in inner else held for name, held in value.items()}


def kinds_of(
    rule: rules.Rule, value: Mapping[str, Any], kinds: tuple[str, ...] | None = None
) -> tuple[str, ...] | None:
    """Give what the URLs of an object show, as its `type` says; what it was said before where that says nothing."""
    said = value.get("type")
    return rule.kinds.get(said, kinds) if isinstance(rule, Shape) and isinstance(said, str) else kinds
