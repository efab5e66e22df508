"""What a refusal says: its code, its words and its reasons, wherever they stand in the body (service.md 0.4).

The only official form is {success, error, code, timestamp} with `code` as a text; older pages and clients have numbers,
`msg`, `message`, a list `errors`, and all of these inside `data`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from a2e_async.core.patterns import late

POOR = late(
    r"(insufficient|not (?:have )?enough|n['\u2019]t have enough|too few|out of)"
    r"\W+(?:\w+\W+){0,3}(coin|credit|balance|diamond)"
    r"|(coin|credit|balance|diamond)s?\W+(?:\w+\W+){0,3}(insufficient|not enough|too low|exhausted)"
    # without the header x-lang the service writes Chinese
    r"|(\u4f59\u989d|\u9918\u984d|\u91d1\u5e01|\u91d1\u5e63|\u79ef\u5206|\u7a4d\u5206|\u70b9\u6570|"
    r"\u786c\u5e01|\u989d\u5ea6|\u94bb\u77f3|coins?)"
    r"\W*(?:\u5df2)?(\u4e0d\u8db3|\u4e0d\u591f|\u7528\u5b8c|\u8017\u5c3d)",
    re.IGNORECASE,
)
_UNSEEMLY = late(
    r"(?<!\bno )(?<!\bnot )(?<!\bnon-)(?<!\bwithout )"
    r"(?:nsfw|sensitive\W+(?:\w+\W+){0,2}(?:content|image|material|word)|(?:content|image|prompt)\W+(?:is|was)\W+sensitive)",
    re.IGNORECASE,
)

_WHOLE = late(r"\s*-?\d{1,9}\s*")
_NO_CODE = (0, None, "")
_LARGEST_CODE = 10**9
_LONGEST_CODE = 100
_LONGEST_TEXT = 500
_OK = range(200, 300)
_WORD_KEYS = ("message", "msg", "error", "reason", "description", "detail")
_PLACE_KEYS = ("path", "param", "field", "property", "instancePath", "loc")
_MOST_REASONS = 10
_DEEPEST = 3


def refuses(body: Mapping[str, Any]) -> bool:
    """Whether a body says no.

    A word, or a status of success, as `code` beside `success: true` is no refusal: what was paid for must not be lost.
    """
    if body.get("success") is False:
        return True
    if body.get("code") in _NO_CODE:
        return False
    code = code_of(body)
    return code != 0 and not (body.get("success") is True and (isinstance(code, str) or code in _OK))


def code_of(body: Mapping[str, Any]) -> int | str | None:
    """Give the code as it came, a number or a text (service.md 0.4); None where there is none that can be read."""
    error = body.get("error")
    code = body.get("code")
    if code is None and isinstance(error, dict):
        code = error.get("code")
    if isinstance(code, str):
        return int(code) if _WHOLE().fullmatch(code) else code.strip()[:_LONGEST_CODE] or None
    if isinstance(code, int | float) and not isinstance(code, bool) and abs(code) <= _LARGEST_CODE:
        return int(code) if code == int(code) else None
    return None


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    """Give what a reply says, wherever it says it, the first place first."""
    data = body.get("data")
    places = [body.get("msg"), body.get("message"), body.get("error"), data if isinstance(data, str) else None]
    if isinstance(data, dict):
        places += [data.get(key) for key in ("failed_message", "message", "msg", "error")]
    for place in places:
        for text in _told(place):
            yield text[:_LONGEST_TEXT]


def _told(place: object, depth: int = 0) -> Iterator[str]:
    """Give the texts of a place that holds one, several, or an object with one."""
    if isinstance(place, str):
        if place.strip():
            yield place.strip()
    elif depth < _DEEPEST:
        inner = (
            place
            if isinstance(place, list)
            else [place.get(key) for key in _WORD_KEYS]
            if isinstance(place, dict)
            else []
        )
        for one in inner[:_MOST_REASONS]:
            yield from _told(one, depth + 1)


def _reasons(body: Mapping[str, Any]) -> Iterator[str]:
    """Give the reasons that a refusal lists, such as {"errors": [{"path": "prompt", "msg": "is required"}]}."""
    for place in (body, body.get("error"), body.get("data")):
        if not isinstance(place, dict):
            continue
        for key in ("errors", "details", "detail"):
            listed = place.get(key)
            named = (
                [{"path": name, "msg": told} for name, told in listed.items()] if isinstance(listed, dict) else listed
            )
            for one in named[:_MOST_REASONS] if isinstance(named, list) else ():
                where = _where(one) if isinstance(one, dict) else ""
                for text in _told(one):
                    yield (text if not where or _names(text, where) else f"{where}: {text}")[:_LONGEST_TEXT]


def _where(reason: Mapping[str, Any]) -> str:
    """Give which field a reason is about; how it is named is not documented, these are the usual ways."""
    found = next((reason[key] for key in _PLACE_KEYS if isinstance(reason.get(key), str | list)), "")
    return ".".join(map(str, found)) if isinstance(found, list) else str(found)


def _names(text: str, where: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(where)}(?!\w)", text) is not None


def words_of(body: Mapping[str, Any]) -> str:
    """Give a refusal's first words with the reasons that it lists."""
    said = next(_texts(body), "")
    more = [reason for reason in dict.fromkeys(_reasons(body)) if reason not in said]
    return ": ".join(filter(None, (said, "; ".join(more))))[:_LONGEST_TEXT]


def is_unseemly(body: Mapping[str, Any]) -> bool:
    """Whether a body speaks of content that moderation refuses."""
    return bool(unseemly_words(body))


def unseemly_words(body: Mapping[str, Any]) -> str:
    """Give the words of a body that speak of such content, "" where none do."""
    return next(filter(_UNSEEMLY().search, _texts(body)), "")
