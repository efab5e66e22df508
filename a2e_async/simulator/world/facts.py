"""What the reference says of each endpoint: its fields, their types and limits, kept apart from the client's own rules.

`documented.json` has these facts as data. A field is "string!" (the mark: it is required), "integer", "number",
"boolean", "object", "string[]", "object[]" or "array", or an object with that `type` and its limits; `fields` are those
of an object, or of each object of a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import attrs

from a2e_async.core.addresses import is_local

Values: TypeAlias = Mapping[str, Any]

OLDER: Mapping[str, Mapping[str, Any]] = {
    "POST /api/v1/userText2image/start": {
        "name": "string!",
        "prompt": "string!",
        "req_key": {"type": "string!", "enum": ["high_aes_general_v21_L", "high_aes"]},
        "width": "number!",
        "height": "number!",
    },
    "POST /api/v1/userDubbing/startDubbing": {
        "name": "string",
        "source_url": "string!",
        "source_lang": "string",
        "target_lang": "string!",
        "num_speakers": "integer",
        "drop_background_audio": "boolean",
    },
    "GET /api/v1/userDubbing/detail": {"_id": "string!"},
    "GET /api/v1/userDubbing/processingRecord": {},
    "GET /api/v1/video/awsList": {"current": {"type": "integer", "min": 1}, "pageSize": "integer"},
    "POST /api/v1/video/awsList": {"current": {"type": "integer", "min": 1}, "pageSize": "integer"},
    "DELETE /api/v1/video/{id}": {},
    "GET /api/v1/anchor/character_list": {
        "type": {"type": "string", "enum": ["custom", "default"]},
        "user_video_twin_id": "string",
    },
    "POST /api/v1/anchor/character_list": {},
    "GET /api/v1/custom_back/allBackground": {},
    "GET /api/v1/user/remainingCoins": {},
    "GET /api/v1/tts/preview/{id}": {},
    "GET /api/v1/streaming-avatar/all_avatars": {},
    "POST /api/v1/streaming-avatar/speak": {"text": "string!"},
    "POST /api/v1/streaming-avatar/direct-speak": {"text": "string!"},
    "POST /api/v1/streaming-avatar/talk": {},
    "POST /api/v1/streaming-avatar/set-qa-context": {"text": {"type": "string!", "max_length": 5000}},
    "POST /api/v1/streaming-avatar/leave": {},
    "POST /api/login/account": {},
    "POST /api/v1/video/awsResult": {"_id": "string!"},
    "POST /api/v1/custom_back/del": {"_id": "string!"},
    "POST /api/v1/custom_avatar/del": {"_id": "string!"},
    "POST /api/v1/userVideoTwin/continueTranining": {"_id": "string!"},
    "POST /api/v1/userVideoTwin/addVoiceClone": {"_id": "string!"},
    "POST /api/v1/userVideoTwin/retry": {"_id": "string!"},
    "POST /api/v1/userCaptionRemoval/retry": {"_id": "string!"},
    "POST /api/v1/video/lang_classify": {"msg": "string!"},
    "POST /api/v1/video/auto-public-pool": {"isAutoToPublicPool": "boolean!"},
    "POST /api/v1/user/exchangeDiamonds": {"diamonds": {"type": "integer!", "min": 1}},
    "POST /api/v1/tos/transferToStorage": {"url": "string!"},
    "POST /api/v1/watermark/start": {
        "media_url": "string!",
        "watermark_type": {"type": "string!", "enum": ["text", "image"]},
        "text": "string",
        "watermark_image_url": "string",
    },
    "POST /api/v1/streaming-avatar/agora-token": {
        "avatar_id": "string!",
        "expire_seconds": {"type": "integer!", "min": 1},
    },
    "POST /api/v1/token/generate": {"alias": "string"},
}
"""The same for endpoints, and bodies, that only older pages have (service.md 2, 3, 5 to 7, 9, 11 and 12)."""

_MAY_BE_BLANK = {"POST /api/v1/veoVideo/start": ("prompt",)}
_LINK = re.compile(r"(url|urls|Url|Urls|audioSrc|custom_voice|input_images|image_list|background_img)$")
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
_ARTICLES = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list",
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Fact:
    """What is documented of one field."""

    type: str
    required: bool = False
    enum: tuple[Any, ...] = ()
    min: float | None = None
    max: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    pattern: str | None = None
    fields: Mapping[str, Fact] = attrs.field(factory=dict)


@cache
def facts() -> Mapping[str, Mapping[str, Fact]]:
    """Give what is documented of each endpoint, by "METHOD /path" with `{id}` in it."""
    told: dict[str, dict[str, Any]] = json.loads(
        (files(__name__.rpartition(".")[0]) / "documented.json").read_text("utf-8")
    )
    for endpoint, fields in OLDER.items():
        told[endpoint] = {**fields, **told.get(endpoint, {})}
    return {endpoint: {name: _fact(how) for name, how in fields.items()} for endpoint, fields in told.items()}


def wrong_with(endpoint: str, values: Values) -> str | None:
    """Say what is wrong with what was sent to an endpoint, naming the field; None where nothing is.

    Args:
        endpoint: "METHOD /path" as in `facts`; nothing is wrong with what is not documented.
        values: The body.
    """
    blank = _MAY_BE_BLANK.get(endpoint, ())
    return _wrong_fields(facts().get(endpoint, {}), values, blank) or _wrong_webhook(values.get("webhook_url"))


def _wrong_fields(known: Mapping[str, Fact], values: Values, blank: Sequence[str] = (), where: str = "") -> str | None:
    """Say what is wrong with the fields of a body or of an object in it, whose place is `where`."""
    for name, fact in known.items():
        value = values.get(name)
        if value is None or (value == "" and fact.required and name not in blank):
            if fact.required:
                return f"{where}{name} is required"
        elif not (value == "" and name in blank):
            wrong = (_wrong_list if fact.type.endswith("[]") else _wrong)(f"{where}{name}", fact, value)
            if wrong:
                return wrong
    return None


def read_query(endpoint: str, query: Mapping[str, str]) -> Values:
    """Give a query's parameters with the types that are documented; what cannot be read stays as it came."""
    known = facts().get(endpoint, {})
    return {name: _read(known[name].type, value) if name in known else value for name, value in query.items()}


def is_link(value: object) -> bool:
    """Whether this is a URL that the service would fetch."""
    return isinstance(value, str) and value.startswith(("http://", "https://")) and " " not in value


def _fact(how: str | Mapping[str, Any]) -> Fact:
    limits = {} if isinstance(how, str) else {key: value for key, value in how.items() if key != "type"}
    kind = how if isinstance(how, str) else how["type"]
    if "enum" in limits:
        limits["enum"] = tuple(limits["enum"])
    if "fields" in limits:
        limits["fields"] = {name: _fact(inner) for name, inner in limits["fields"].items()}
    return Fact(type=kind.removesuffix("!"), required=kind.endswith("!"), **limits)


def _read(kind: str, value: str) -> Any:  # noqa: ANN401  # JSON
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(value, value)
    try:
        return int(value) if kind == "integer" else float(value) if kind == "number" else value
    except ValueError:
        return value


def _wrong(name: str, fact: Fact, value: Any) -> str | None:  # noqa: ANN401  # JSON
    if not _is_a(fact.type, value):
        return f"{name} must be {_ARTICLES.get(fact.type, f'an {fact.type}')}"
    if fact.enum and value not in fact.enum:
        return f"{name} must be one of {', '.join(map(str, fact.enum))}"
    if _LINK.search(name) and not is_link(value) and value != "":
        return f"{name} must be a public http(s) URL"
    if fact.pattern and not re.fullmatch(fact.pattern, value):
        return f"{name} must match {fact.pattern}"
    number = len(value) if isinstance(value, str) else value if isinstance(value, int | float) else None
    low, high = (fact.min_length, fact.max_length) if isinstance(value, str) else (fact.min, fact.max)
    if number is not None and ((low is not None and number < low) or (high is not None and number > high)):
        return f"{name} must {'have' if isinstance(value, str) else 'be'} {_bounds(low, high)}"
    return _wrong_fields(fact.fields, value, where=f"{name}.") if isinstance(value, dict) else None


def _wrong_list(name: str, fact: Fact, value: Any) -> str | None:  # noqa: ANN401  # JSON
    item = fact.type.removesuffix("[]")
    if not isinstance(value, list) or not all(_is_a(item, one) for one in value):
        return f"{name} must be a list of {item}s"
    low, high = fact.min_items, fact.max_items
    if (low is not None and len(value) < low) or (high is not None and len(value) > high):
        return f"{name} must have {_bounds(low, high)} items"
    if item == "string" and _LINK.search(name) and not all(map(is_link, value)):
        return f"{name} must be public http(s) URLs"
    inner = (_wrong_fields(fact.fields, one, where=f"{name}[{place}].") for place, one in enumerate(value))
    return next(filter(None, inner), None) if fact.fields else None


def _is_a(kind: str, value: object) -> bool:
    wanted = _KINDS.get(kind, (object,))
    return isinstance(value, wanted) and (kind == "boolean" or not isinstance(value, bool))


def _bounds(low: float | None, high: float | None) -> str:
    return " and ".join(
        filter(None, ("" if low is None else f"at least {low:g}", "" if high is None else f"at most {high:g}"))
    )


def _wrong_webhook(hook: object) -> str | None:
    if hook is None or (isinstance(hook, str) and is_link(hook) and (hook.startswith("https://") or is_local(hook))):
        return None  # a receiver on this machine needs no https
    return "webhook_url must be an https URL"
