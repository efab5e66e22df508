"""Requests to HTTP values, rows to records; the only cattrs converter of the package.

The converter is strict where cattrs is lenient: null never becomes "None", "false" never True, "123" never a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import attrs
import cattrs
from cattrs.gen import make_dict_unstructure_fn

from a2e_async.core import tags
from a2e_async.core.family import Family, Request
from a2e_async.core.hooks import Webhook
from a2e_async.core.http import HttpRequest
from a2e_async.core.records import Record, Result
from a2e_async.core.replies import row_id
from a2e_async.core.status import read_status
from a2e_async.errors import ProtocolError

START_SECONDS = 180.0  # the older text-to-image answers when the picture is finished
LOOK_SECONDS = 30.0
_LARGEST_NUMBER = 1e15
_LARGEST_SECONDS = 1e11  # a larger time since 1970 is in milliseconds


def start(
    family: Family, request: Request[Result], *, name: str | None = None, webhook: Webhook | None = None
) -> HttpRequest:
    """Write the start of a request.

    Args:
        family: The request's family.
        request: The request.
        name: The task's name with its tag; by default the name without one.
        webhook: Sent along where the family takes it and the request names none.
    """
    form = family.form_of(request)
    body: dict[str, Any] = {family.name_field: name or untagged_name(family, request)}
    given = {key: value for key, value in CONVERTER.unstructure(request).items() if value is not None}
    body |= {**form.always, **given, family.name_field: body[family.name_field]}
    if webhook is not None and family.webhook and "webhook_url" not in body:
        body |= {"webhook_url": webhook.url, "webhook_token": webhook.token}
    return HttpRequest(
        method="POST",
        path=form.path,
        body=body,
        route=form.path,
        other_path=family.other_spelling(form.path),
        seconds=START_SECONDS,
        start=True,
    )


def untagged_name(family: Family, request: Request[Result]) -> str:
    """Give the name a task has before its tag."""
    named = getattr(request, family.name_field, None)
    return tags.base_name(named, getattr(request, "prompt", None), family.name)


def detail(family: Family, task_id: str) -> HttpRequest:
    """Ask for one task."""
    return _plain(family, "GET", family.detail, task_id)


def batch(family: Family, task_ids: Sequence[str]) -> HttpRequest:
    """Ask for many tasks at once."""
    return _plain(family, "POST", family.batch or "", body={"ids": list(task_ids)})


def listing(family: Family, page: int, size: int) -> HttpRequest:
    """Ask for one page of the list, newest first; pages count from 1."""
    return _plain(family, "GET", family.listing, query={"pageNum": str(page), "pageSize": str(size)})


def delete(family: Family, task_id: str) -> HttpRequest:
    """Delete one task; the service refuses while it is sent, pending or processing."""
    return _plain(family, "DELETE", family.delete, task_id)


def _plain(
    family: Family,
    method: str,
    route: str,
    task_id: str = "",
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> HttpRequest:
    path = route.format(id=quote(task_id, safe=""))
    return HttpRequest(
        method=method,
        path=path,
        query=query or {},
        body=body,
        route=route,
        other_path=family.other_spelling(path),
        seconds=LOOK_SECONDS,
    )


def status_text(family: Family, row: Mapping[str, Any]) -> object:
    """Give the status of a row as the service spells it."""
    for field in family.status_fields:
        if field in row:
            return row[field]
    return None


def created_at(row: Mapping[str, Any]) -> float | None:
    """Give when a row was created, in seconds since 1970, None when it does not say."""
    try:
        return _structure_datetime(row.get("createdAt"), datetime).timestamp()
    except ValueError:
        return None


def record(family: Family, row: Mapping[str, Any]) -> Record:
    """Read one row.

    A field that is not what it should be stays in `extra`: a task that was paid for is never given up for it.

    Raises:
        ProtocolError: The row has no id.
    """
    task_id = row_id(row)
    if not task_id:
        raise ProtocolError("a task without an id came back", excerpt="")
    shown = row.get(family.name_field)
    name, tag, _letter = tags.split(shown if isinstance(shown, str) else "")
    status = read_status(status_text(family, row))
    fields = {
        "name": name,
        "tag": tag,
        "coins": row.get("coins"),
        "created_at": row.get("createdAt"),
        "failed_code": _first(row, family.code_fields),
        "failed_message": _first(row, family.message_fields),
        "urls": [url for field in family.result_fields for url in _links(row.get(field))],
    }
    kept, odd = _structured(fields)
    if status.final:
        known = {"_id", "id", "coins", "createdAt", *family.status_fields} - odd
        known |= {family.name_field} if shown is None or isinstance(shown, str) else set()
        known |= {field for field in family.result_fields if _is_links(row.get(field))}
        known |= {field for field in (*family.code_fields, *family.message_fields) if _is_word(row.get(field))}
        extra = {key: value for key, value in row.items() if key not in known}
        kept |= {"raw": dict(row), "extra": extra}
    return Record(id=task_id, family=family.name, status=status, **kept)


def _structured(fields: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    kept: dict[str, Any] = {}
    odd: set[str] = set()
    for key, value in fields.items():
        if value is None:
            continue
        try:
            kept[key] = CONVERTER.structure(value, _FIELD_TYPES[key])
        except (ValueError, TypeError, cattrs.BaseValidationError):
            odd.add("createdAt" if key == "created_at" else key)
    return kept, odd


def _first(row: Mapping[str, Any], fields: Iterable[str]) -> str | None:
    for field in fields:
        value = row.get(field)
        if value and _is_word(value):
            return str(value)
    return None


def _is_word(value: object) -> bool:
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _links(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [link for link in values if isinstance(link, str) and link]


def _is_links(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(link is None or isinstance(link, str) for link in values)


def is_number(value: object) -> bool:
    """Whether a value of a reply is a number to reckon with: no bool, finite, not absurdly large."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER


def _strict(kind: type, *also: type) -> Any:  # noqa: ANN401 - a cattrs hook
    def structure(value: Any, _to: Any) -> Any:  # noqa: ANN401 - a cattrs hook
        if type(value) is not kind and type(value) not in also:
            raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
        if kind is float and not is_number(value):
            raise ValueError("expected a finite number")
        return value

    return structure


def _structure_datetime(value: Any, _to: Any) -> datetime:  # noqa: ANN401 - a cattrs hook
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000 if value > _LARGEST_SECONDS else value, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(str(error)) from None
    if not isinstance(value, str):
        raise ValueError(f"expected a time, got {type(value).__name__}")  # noqa: TRY004 - cattrs collects ValueErrors
    read = datetime.fromisoformat(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(prefer_attrib_converters=False)
    converter.register_structure_hook(str, _strict(str))
    converter.register_structure_hook(bool, _strict(bool))
    converter.register_structure_hook(int, _strict(int))
    converter.register_structure_hook(float, _strict(float, int))
    converter.register_structure_hook(datetime, _structure_datetime)
    converter.register_unstructure_hook_factory(
        lambda kind: isinstance(kind, type) and issubclass(kind, Request),
        lambda kind: make_dict_unstructure_fn(kind, converter),
    )
    return converter


CONVERTER = _converter()
_FIELD_TYPES: dict[str, Any] = {field.name: field.type for field in attrs.fields(attrs.resolve_types(Record))}
