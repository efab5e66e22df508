"""Requests: frozen values that describe one task to start, whose fields carry their own rules.

A field's type says what it may hold: `Literal["a", "b"]` one of these, `bool` True or False, `str` text that is not
blank, `Annotated[int, rules.whole(1, 8)]` whatever the rule says. A field that may be None is not sent when it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, Self, TypeVar, dataclass_transform

import attrs

from a2e_async.core import addresses, rules
from a2e_async.core.fields import (
    AS_TEXT,
    AUDIO,
    IMAGE,
    VIDEO,
    AtMost,
    Audio,
    BareUrl,
    Field,
    Image,
    ImageOrVideo,
    Input,
    SentAs,
    Url,
    Video,
    WrittenBy,
    field_of,
)
from a2e_async.core.inputs import Pending, Unavailable, as_plain, is_open_file, replaced, shown, words_of
from a2e_async.core.misuse import speak_of_fields
from a2e_async.core.plans import each_input, fields_of, inputs_in, plan_of
from a2e_async.core.records import Result
from a2e_async.core.secrets import is_secret
from a2e_async.core.texts import check_sendable
from a2e_async.errors import InvalidRequestError

__all__ = [
    "AS_TEXT",
    "AUDIO",
    "IMAGE",
    "VIDEO",
    "AtMost",
    "Audio",
    "BareUrl",
    "Field",
    "Hooked",
    "Image",
    "ImageOrVideo",
    "Input",
    "Request",
    "SentAs",
    "Url",
    "Usual",
    "Video",
    "WrittenBy",
    "field_of",
    "fields_of",
    "inputs_in",
    "request",
    "require_public",
    "require_public_links",
    "value_of",
]

K = TypeVar("K", bound=type[object])
R_co = TypeVar("R_co", bound=Result, covariant=True)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(attrs.field,))
def request(kind: K) -> K:
    """Make a frozen value of a class of requests; its fields are given by name, but for a leading one.

    The field that may come first, without its name, is written `prompt: str = attrs.field(kw_only=False)`.

    Example:
        @request
        class Sketch(Request[Result]):
            prompt: str = attrs.field(kw_only=False)
            style: Literal["pen", "chalk"] | None = None
    """
    made = attrs.frozen(kw_only=True, field_transformer=_shown_briefly)(kind)
    speak_of_fields(made)
    return made


def _shown_briefly(_kind: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Let the repr of a request show its inputs in a few words: the bytes of a photo are millions of characters."""
    return [field.evolve(repr=shown) if field.repr is True else field for field in fields]


@request
class Request(Generic[R_co]):
    """Base of all requests.

    Args:
        extra: More fields of the body, by the service's own names, that this version does not know yet; also new values
            of known fields, such as {"model": "one of tomorrow"}. All are sent as they are.
    """

    extra: Annotated[Mapping[str, Any] | None, rules.mapping()] = attrs.field(default=None, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        try:
            self._check_all()
        except InvalidRequestError as error:
            field = next((field for field in fields_of(type(self)) if field.name == error.field), None)
            if field is not None and _is_closed(field):
                error.message += f" ({_newer(field)})"
                error.args = (error.message,)
            raise

    def _check_all(self) -> None:
        plan = plan_of(type(self))
        for field, value in zip(plan.fields, plan.values(self), strict=True):
            if value is not None or field.required:
                if not field.rule.check(value):  # asked here: the call would cost more than most checks
                    field.rule.refuse(field.name, value)
                if type(value) is not str or not value.isprintable():  # none of what may not be sent is printable
                    check_sendable(field.name, value, field.media)
        new = _new_values(self, self.extra) if self.extra else {}
        if new:
            self._check_with(new)
        else:
            self.check()

    def replace(self, **changes: Any) -> Self:  # noqa: ANN401 - the fields of the class
        """Give the same request with other values in these fields."""
        return attrs.evolve(self, **changes)  # type: ignore[misc]  # mypy does not know it as a class of attrs

    def without_jobs(self) -> Self:
        """Give the same request with a few words in the place of each job, for what is kept, such as an error."""
        return self._with_words_for(lambda value: isinstance(value, Pending))

    def without_secrets(self) -> Self:
        """Give the same request without its secrets, for what is kept or handed on, such as a pickled error.

        Words stand for what cannot go along, such as a job or an open file.
        """
        held = [
            one.name
            for one in attrs.fields(type(self))  # type: ignore[arg-type]  # mypy does not know it as a class of attrs
            if is_secret(one.name) and not one.repr and one.default is None and getattr(self, one.name) is not None
        ]
        bare: Self = self.replace(**dict.fromkeys(held)) if held else self
        return bare._with_words_for(lambda value: isinstance(value, Pending) or is_open_file(value))

    def _with_words_for(self, goes: Callable[[object], bool]) -> Self:
        def by(value: object) -> object:
            return Unavailable(words_of(value)) if goes(value) else value

        given = {name: value for name, value in inputs_in(self).items() if any(map(goes, each_input(value)))}
        return self.replace(**{name: replaced(value, by) for name, value in given.items()}) if given else self

    def to_dict(self) -> dict[str, Any]:
        """Give the fields that are given as plain JSON values, without secrets.

        A URL, also that of a result or a record, stands as text; a file as {"file": its path} or {"bytes": how many};
        a job as {"job": words that say which}.
        """
        known = ((field, getattr(self, field.name)) for field in fields_of(type(self)) if not field.secret)
        return {field.name: replaced(value, as_plain) for field, value in known if value is not None}

    def check(self) -> None:
        """Refuse what the fields may not be together; a request class that has such rules writes them here."""

    def _check_with(self, new: Mapping[str, Any]) -> None:
        """Check the fields together as they will be sent; what rules say of a value sent on purpose does not count."""
        sent = copy.copy(self)
        for name, value in new.items():
            object.__setattr__(sent, name, value)
        try:
            sent.check()
        except InvalidRequestError as error:
            if error.field not in new:
                raise
        except (AttributeError, LookupError, TypeError, ValueError):
            return  # a rule that cannot read a value of tomorrow has nothing to say of it


@request
class Hooked(Request[R_co]):
    """A request whose task can tell a webhook that it has ended (service.md 0.10).

    Args:
        webhook_url: https URL that is told when the task ends, at most 2,048 characters.
        webhook_token: Shared secret sent along to `webhook_url`, at most 256 characters.
    """

    webhook_url: Annotated[str | None, rules.https(at_most=2048)] = None
    webhook_token: Annotated[str | None, rules.text(at_most=256)] = attrs.field(default=None, kw_only=True, repr=False)


@request
class Usual(Hooked[R_co]):
    """A request with the fields that most have.

    Args:
        name: The task's name; by default the beginning of the prompt.
    """

    name: Annotated[str | None, rules.text(at_most=100)] = None


def _is_closed(field: Field) -> bool:
    """Whether a field takes some of many values only, to which the service may add."""
    return bool(field.choices) or field.kind in (int, float)


def _newer(field: Field) -> str:
    return f"a newer value, which this version does not know, is sent on purpose by extra={{{field.key!r}: ...}}"


def _new_values(value: Request[Result], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values in `extra` that stand in the place of known fields, by the names of these fields.

    It is the way to send what the service takes today and this version does not know: a new model, ratio or duration.
    """
    known = {key: field for field in fields_of(type(value)) for key in (field.key, field.also)}
    new: dict[str, Any] = {}
    for key in extra.keys() & known.keys():
        field = known[key]
        if field.inherited or (field.required and not _is_closed(field)):
            raise rules.refuse("extra", extra, f"must not hold {key!r}, which is the field {field.name}")
        if not field.required and getattr(value, field.name) is not None:
            raise rules.refuse("extra", extra, f"must not hold {key!r}, for the field {field.name} is given")
        new[field.name] = extra[key]
    return new


def value_of(value: Request[Result], name: str) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give what is sent for a field: its value, or the one that `extra` has in its place."""
    if value.extra:
        key = next((field.key for field in fields_of(type(value)) if field.name == name), name)
        if key in value.extra:
            return value.extra[key]
    return getattr(value, name)


def require_public_links(value: Request[Result]) -> None:
    """Refuse a request one of whose URLs names this machine or a private network."""
    for field in fields_of(type(value)):
        require_public(field, getattr(value, field.name))


def require_public(field: Field, held: Any) -> None:  # noqa: ANN401 - whatever the field holds
    """Refuse a value in which a URL names this machine or a private network."""
    if held is not None and any(map(addresses.is_local, field.rule.urls(held))):
        rule = "must be reachable by the service, so no localhost and no private address (upload the file first)"
        raise rules.refuse(field.name, held, rule)
