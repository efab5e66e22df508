"""Requests to HTTP values, rows to records."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import attrs

from a2e_async.core import tags
from a2e_async.core.family import Endpoint, Family, Form, Request
from a2e_async.core.hooks import Webhook
from a2e_async.core.http import HttpRequest
from a2e_async.core.records import NOTHING, Record, Result
from a2e_async.core.replies import is_list, row_id, rows_of
from a2e_async.core.scalars import is_number, read_time
from a2e_async.core.status import read_status
from a2e_async.errors import ProtocolError, UsageError

_TEXTS: frozenset[type] = frozenset({str, type(None)})
_WORDS: frozenset[type] = frozenset({str, int, type(None)})

START_SECONDS = 180.0  # the older text-to-image answers when the image is finished
LOOK_SECONDS = 30.0


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
    body = _body(family, request, form, name, webhook)
    path, other = family.other_spelling(form.path), None
    how: dict[str, Any] = {"method": "POST", "seconds": START_SECONDS, "start": True}
    if path is not None:  # a service that knows this path only is given what it takes there
        newer = next(one for one in family.forms if one.path == path) if form.alone else form
        other = HttpRequest(path=path, body=_body(family, request, newer, name, webhook), **how)
    return HttpRequest(path=form.path, body=body, route=form.path, other=other, outdated=form.alone, **how)


def quoted(family: Family, request: Request[Result]) -> tuple[str, dict[str, Any]]:
    """Give path and body of a start as its price is asked for: as the reference lists it, else it is "unsupported"."""
    form = family.listed_form
    return form.path, _body(family, request, form)


def _body(
    family: Family, request: Request[Result], form: Form, name: str | None = None, webhook: Webhook | None = None
) -> dict[str, Any]:
    given = {key: value for key, value in _unstructure()(request).items() if value is not None}
    body: dict[str, Any] = {**form.always, **given, **(request.extra or {})}
    if family.name_field is not None:
        body[family.name_field] = name or untagged_name(family, request)
    if webhook is not None and family.webhook and "webhook_url" not in body:
        body |= {"webhook_url": webhook.url, "webhook_token": webhook.token}
    return body


@functools.cache
def _unstructure() -> Callable[[Request[Result]], dict[str, Any]]:
    """Give what writes the fields of a request; a client has loaded it by its first start."""
    from a2e_async.core.converter import CONVERTER  # noqa: PLC0415 - cattrs takes its time

    return CONVERTER.unstructure


def load() -> None:
    """Load what writes requests now, so that no first start waits for it."""
    _unstructure()


def untagged_name(family: Family, request: Request[Result]) -> str:
    """Give the name a task has before its tag."""
    named = getattr(request, family.name_attribute, None)
    return tags.base_name(named, getattr(request, "prompt", None), family.name)


def detail(family: Family, task_id: str) -> HttpRequest:
    """Ask for one task."""
    return _asked(family, family.detail, id=task_id, page=1, size=family.page_limit)


def batch(family: Family, task_ids: Sequence[str], page: int = 1) -> HttpRequest:
    """Ask for many tasks at once, as a family can that has a batch enquiry, or a list in its place."""
    return _asked(family, family.batch or family.detail, ids=list(task_ids), page=page, size=family.page_limit)


def listing(family: Family, page: int, size: int) -> HttpRequest:
    """Ask for one page of the list, newest first; pages count from 1.

    Raises:
        UsageError: Tasks of this family cannot be listed.
    """
    if family.listing is None:
        raise UsageError(f"{family.name}: the service has no list of tasks of this family")
    return _asked(family, family.listing, page=page, size=size)


def delete(family: Family, task_id: str) -> HttpRequest:
    """Delete one task; the service refuses while it is sent, pending or processing.

    Raises:
        UsageError: Tasks of this family cannot be deleted.
    """
    if family.delete is None:
        raise UsageError(f"{family.name}: the service cannot delete tasks of this family")
    return _asked(family, family.delete, id=task_id)


def _asked(family: Family, endpoint: Endpoint, **given: Any) -> HttpRequest:  # noqa: ANN401 - what stands for {id} and the like
    route = endpoint.path
    path = route.replace("{id}", _segment(given["id"])) if "{id}" in route else route
    query = {key: str(value) for key, value in _filled(endpoint.query, given).items()}
    body = endpoint.body and _filled(endpoint.body, given)
    older, other = endpoint.older, None
    if older is not None:
        other = _asked(family, older, **given)
    elif (spelt := family.other_spelling(path)) is not None:
        other = HttpRequest(method=endpoint.method, path=spelt, query=query, body=body, seconds=LOOK_SECONDS)
    return HttpRequest(
        method=endpoint.method, path=path, query=query, body=body, route=route, other=other, seconds=LOOK_SECONDS
    )


def _segment(task_id: str) -> str:
    """Write an id as one part of a path; the service's own too, for "." and ".." would lead to another route."""
    if not task_id.strip("."):
        raise ProtocolError(f"{task_id!r} is no id that a path can hold")
    return quote(task_id, safe="")


def _filled(template: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: given[value[1:-1]] if value[:1] == "{" else value for key, value in template.items()}


def row_of(data: object, task_id: str) -> dict[str, Any] | None:
    """Give the row of one task in the answer to `detail`, also where that is a list."""
    rows = rows_of(data)
    alone = rows[0] if len(rows) == 1 and not is_list(data) else None
    return next((row for row in rows if row_id(row) == task_id), alone)


def rows_of_list(family: Family, data: object) -> list[dict[str, Any]]:
    """Give the rows in the answer to `listing` that are of this family (service.md 5: awsList has others, too)."""
    return [row for row in rows_of(data) if family.guest_fields.isdisjoint(row)]


def name_in(family: Family, row: Mapping[str, Any]) -> object:
    """Give the name of a row as the service shows it, None where it has none."""
    return None if family.name_field is None else row.get(family.name_field)


def status_text(family: Family, row: Mapping[str, Any]) -> object:
    """Give the status of a row as the service spells it."""
    for field in family.status_fields:
        if field in row:
            return row[field]
    return None


def created_at(row: Mapping[str, Any]) -> float | None:
    """Give when a row was created, in seconds since 1970, None when it does not say."""
    try:
        return read_time(row.get("createdAt")).timestamp()
    except ValueError:
        return None


@attrs.frozen(eq=False, repr=False)
class _RowPlan:
    """How rows of a family are read, worked out once: a poll of a hundred tasks reads a hundred rows.

    Attributes:
        family: The family.
        name_field: Its field of names, "" where it has none.
        code: Its field of failure codes, "" where it has several; `message` and `result` likewise.
        known: The fields that a record is read from.
        kinds: Of some of them the types that they must have for that.
    """

    family: Family
    name_field: str
    code: str
    message: str
    result: str
    known: frozenset[str]
    kinds: tuple[tuple[str, frozenset[type]], ...]


_row_plans: dict[str, _RowPlan] = {}


def record(family: Family, row: Mapping[str, Any], *, tag: str | None = None, like: Record | None = None) -> Record:
    """Read one row.

    A field that is not what it should be stays in `extra`: a task that was paid for is never given up for it. Texts
    that are the same as its job's `tag`, or in the record before (`like`), are these and no copies.

    Raises:
        ProtocolError: The row has no id.
    """
    plan = _row_plans.get(family.name)
    if plan is None or plan.family is not family:
        plan = _row_plans[family.name] = _row_plan(family)
    task_id = row_id(row)
    if not task_id:
        raise ProtocolError("a task without an id came back", excerpt="")
    shown = row.get(plan.name_field)
    name, mark, _letter = tags.split(shown) if isinstance(shown, str) and plan.name_field else ("", None, None)
    if like is not None:
        task_id = like.id if like.id == task_id else task_id
        name, tag = like.name if like.name == name else name, like.tag or tag
    status = read_status(status_text(family, row))
    coins, trace, time = row.get("coins"), row.get("trace_id"), row.get("createdAt")
    amount = coins if coins is not None and is_number(coins) else None
    created = None if time is None else _time(time)
    final = status.final
    return Record(
        id=task_id,
        family=family.name,
        name=name,
        tag=tag if mark == tag else mark,
        status=status,
        coins=amount,
        created_at=created,
        failed_code="" if plan.code and not row.get(plan.code) else _word(row, family.code_fields),
        failed_message="" if plan.message and not row.get(plan.message) else _word(row, family.message_fields),
        urls=() if plan.result and not row.get(plan.result) else _outputs(family, row),
        trace_id=trace if isinstance(trace, str) else None,
        extra=_extra(plan, row, amount, created) if final else NOTHING,
        raw=dict(row) if final else NOTHING,
    )


def _outputs(family: Family, row: Mapping[str, Any]) -> tuple[str, ...]:
    urls = [url for field in family.result_fields for url in _urls(row.get(field))]
    return tuple(dict.fromkeys(urls)) if len(urls) > 1 else tuple(urls)


def _word(row: Mapping[str, Any], fields: Iterable[str]) -> str:
    for field in fields:
        value = row.get(field)
        if value and value != "0" and type(value) in _WORDS:  # face swaps write "0" where nothing failed (service.md 8)
            return str(value)
    return ""


def _urls(value: object) -> list[str]:
    if isinstance(value, list):
        return [url for one in value if isinstance(one, str) for url in _urls(one)]
    # A URL of another scheme (javascript:, file:) would reach browsers; it stays in `raw`.
    return [value] if isinstance(value, str) and value[:8].lower().startswith(("http://", "https://")) else []


def _time(value: object) -> datetime | None:
    try:
        return read_time(value)
    except ValueError:
        return None


def _extra(plan: _RowPlan, row: Mapping[str, Any], coins: float | None, created: datetime | None) -> dict[str, Any]:
    """Give the fields of a row that a record has no attribute for, and those that are not what they should be."""
    extra = {key: row[key] for key in row if key not in plan.known}
    for key, types in plan.kinds:
        if type(row.get(key)) not in types:
            extra[key] = row[key]
    for key, read in (("coins", coins), ("createdAt", created)):
        if read is None and row.get(key) is not None:
            extra[key] = row[key]
    for field in plan.family.result_fields:
        urls = row.get(field)
        if isinstance(urls, list) and not all(type(url) in _TEXTS for url in urls):
            extra[field] = urls
    return extra


def _row_plan(family: Family) -> _RowPlan:
    kinds: dict[str, frozenset[type]] = dict.fromkeys((*family.code_fields, *family.message_fields), _WORDS)
    kinds |= dict.fromkeys(family.result_fields, _TEXTS | {list})
    kinds[family.name_field or "name"] = _TEXTS
    known = frozenset({"_id", "id", "coins", "createdAt", "trace_id", *family.status_fields, *kinds})
    checked = tuple((key, types) for key, types in kinds.items() if key not in family.status_fields)
    fields = family.code_fields, family.message_fields, family.result_fields
    code, message, result = (some[0] if len(some) == 1 else "" for some in fields)
    return _RowPlan(family, family.name_field or "", code, message, result, known, checked)
