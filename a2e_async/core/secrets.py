"""What a secret is, and how it is kept out of everything that people or their tools see.

A token travels through many hands: error texts, tracebacks with locals, test reports, error trackers. Whatever shows a
value asks it for its `repr`, and whatever shows a text has passed it through `hide`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from a2e_async.core.patterns import late

HIDDEN: Final = "***"

_NAMES = late(
    r"^webhook|token|secret|passw|passphrase|pwd|signature|credential|cookie|authoriz"
    r"|(?:api|access|private|auth|signing|shared|master|account|encryption|license|ssh|client)[_\-. ]?key"
    r"|jwt|bearer|session[_\-. ]?id|dsn|connection[_\-. ]?string|(?:^|[_\-. ])(?:auth|sig|sas|otp)(?:[_\-. ]|$)",
    re.IGNORECASE,
)
_POLLS = late(  # "task_id" is no secret; a letter before "sk_" may be the end of "\\n" or "%3D"
    r"(?:(?<![a-z])|(?<=\\[nrtbf])|(?<=%[0-9a-f]{2}))sk(?:_[\w.\-]+|-[\w\-]{16,})|Bearer\s+\S+"
    r"|eyJ[\w\-]{5,}(?:\.[\w\-]*){0,2}|(?<=authorization)[\"']?\s*[:=]\s*[\"']?(?:\w+ +)?[^\s\"']+",
    re.IGNORECASE,
)
_LOGIN = late(r"((?:\\?/){2})[^\s'\"<>]*@")  # JSON may write a slash with a backslash before it
_QUERY = late(r"(\w+:(?:\\?/){2}[^\s'\"<>?#]*)[?#][^\s'\"<>]*")


class Secret(str):
    """A text that goes out as it is and is shown as three stars: by `repr`, which is what reports and tracebacks ask.

    A part of it is a secret too, for some tools shorten a long text before they show it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)

    def __getitem__(self, part: Any) -> str:  # noqa: ANN401 - an index or a slice
        return Secret(super().__getitem__(part))


class SignedUrl(str):
    """A URL that goes out as it is and is shown without its query: whoever has the signature in it has the file."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(hide(str(self)))

    def __getitem__(self, part: Any) -> str:  # noqa: ANN401 - an index or a slice
        return SignedUrl(super().__getitem__(part))


def masked(value: Any) -> Any:  # noqa: ANN401 - whatever a caller gave for a secret
    """Give a text as a secret, and anything else as it is; the first thing that is done with a secret from outside."""
    return Secret(value) if isinstance(value, str) else value


def is_secret(name: str) -> bool:
    """Whether a field, a header or a variable of this name holds what must not be shown."""
    return _NAMES().search(name) is not None


def hide_secrets(text: str) -> str:
    """Blot out what looks like a token."""
    return _POLLS().sub(HIDDEN, text)


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """Blot out these secrets, what looks like a token, and of each URL the login and the query.

    The query of a result's URL is its signature: whoever has it has the file.
    """
    for secret in secrets:
        for form in forms_of(secret):
            text = text.replace(form, HIDDEN)
    return hide_secrets(_QUERY().sub(r"\1", _LOGIN().sub(r"\1", text)))


def forms_of(secret: str) -> tuple[str, ...]:
    """Give the ways in which a text may say a secret: as it is, in JSON, in HTML, in a URL, in a repr."""
    from html import escape  # noqa: PLC0415 - it brings a table of 2,231 names, which nothing needs before

    forms = (secret, secret.replace("/", "\\/"), json.dumps(secret)[1:-1], escape(secret), quote(secret, safe=""))
    return tuple(sorted({str(form) for form in forms if form}, key=lambda form: (-len(form), form)))
