"""The token: repaired before it is sent, and never shown.

Law of this file: whoever logs a reply, an error or a local variable must not find the token there, in whatever form a
server repeats it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property

import attrs

from a2e_async.core.http import HttpReply, HttpRequest
from a2e_async.core.patterns import late
from a2e_async.core.rules import kind_of
from a2e_async.core.secrets import HIDDEN, Secret, forms_of, masked
from a2e_async.errors import MissingTokenError

_SCHEME = "Bearer "
_SCHEMES = re.compile(r"^(bearer(\s+|$))+", re.IGNORECASE)
_HOOK_TOKEN = "webhook_token"  # noqa: S105 - the name of a field
_HIDDEN = HIDDEN.encode()
_QUOTES = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019")
_MARK = "\ufeff"  # what some editors put before a text
_PLACEHOLDER = late(
    r"\$\w+|\$?\{.*\}|%\w+%|<.*>|(export\s+|set\s+)?\w+\s*=\s*[^\s=].*|none|null|undefined|nil|\*+|\.+|your[-_ ].*"
    r"|sk_(\.{2,}|x{3,}|\*+)|.*[;,\"'`]|[\"'`].*",
    re.IGNORECASE,
)
_LEAST_SECRET = 8


class Access:
    """A token: the headers that carry it, and the forms in which a reply must not repeat it.

    Attributes:
        headers: What every request carries.
    """

    def __init__(self, token: str, lang: str | None = None) -> None:
        self.headers: Mapping[str, str] = {
            "Authorization": Secret(f"{_SCHEME}{token}"),
            "Content-Type": "application/json",
            **({} if lang is None else {"x-lang": lang}),
        }
        self._forms = _forms_of(token)

    @cached_property
    def account(self) -> str:
        """A hash of whose token it is: of the account that a JWT behind "sk_" names, of any other token itself."""
        whose = masked(self.headers["Authorization"])
        with contextlib.suppress(LookupError, ValueError, TypeError):
            whose = masked(json.loads(base64.urlsafe_b64decode(whose.split(".")[1] + "==="))["_id"])
        return hashlib.sha256(str(whose).encode()).hexdigest()

    def fingerprint(self, key: bytes) -> str:
        """Give a keyed hash of the token, from which it cannot be read."""
        import hmac  # noqa: PLC0415 - loaded when somebody asks

        return hmac.new(key, self.headers["Authorization"].encode(), hashlib.sha256).hexdigest()

    def hide_in(self, reply: HttpReply, request: HttpRequest) -> HttpReply:
        """Give a reply that repeats neither the token nor a secret of its request."""
        body = reply.body
        for form in self._forms:
            if form in body:
                body = body.replace(form, _HIDDEN)
        if request.body is not None and (_HOOK_TOKEN in request.body or "requestBody" in request.body):
            for form in [form for secret in _secrets_in(request.body) for form in _forms_of(secret)]:
                body = body.replace(form, _HIDDEN)
        return reply if body is reply.body else attrs.evolve(reply, body=body)


def _forms_of(secret: str) -> tuple[bytes, ...]:
    return tuple(form.encode() for form in forms_of(secret))


def _secrets_in(body: Mapping[str, object]) -> Sequence[str]:
    """Give the secrets in a request's body; a short one is left out, as it could be part of any reply."""
    tokens = [part.get(_HOOK_TOKEN) for part in (body, body.get("requestBody")) if isinstance(part, Mapping)]
    return [token for token in tokens if isinstance(token, str) and len(token) >= _LEAST_SECRET]


def clean_token(token: object, source: str = "token=") -> str:
    """Repair a token: no white space and no quotation marks round it, no leading "Bearer ".

    Args:
        token: The token.
        source: Where it came from, for the error.

    Raises:
        MissingTokenError: Nothing is left of it, or it cannot stand in a header.
    """
    if isinstance(token, str):
        token = text = Secret(token)  # first of all: a report of what is raised here shows the arguments
    elif token is None:
        text = Secret()
    else:
        raise MissingTokenError(
            f"the token ({source}) must be a str, or a callable that gives one, not {kind_of(token)}"
        )
    while (bare := _bare(text)) != text:
        text = bare
    if not text:
        raise MissingTokenError(f"the token ({source}) is empty; give token=, or set A2E_API_KEY")
    if _PLACEHOLDER().fullmatch(text):
        raise MissingTokenError(f"the token ({source}) holds a placeholder, or a line of settings, in place of a token")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise MissingTokenError(f"the token ({source}) must be printable ASCII without spaces")
    return text


def _bare(text: Secret) -> Secret:
    """Give a token without one layer of what people copy along with it."""
    text = Secret(_SCHEMES.sub("", text.strip().lstrip(_MARK)))
    return Secret(text[1:-1]) if len(text) > 1 and text[:1] + text[-1:] in _QUOTES else text
