"""Replies of every shape that the service is known to give: data or one of our errors, and nothing else."""

from __future__ import annotations

import pytest
from made_replies import HTML, ROW, TRACE, refused, reply

from a2e_async.core import replies
from a2e_async.errors import (
    AuthenticationError,
    InsufficientCoinsError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RejectedRequestError,
    ServiceError,
)


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (ROW, [ROW]),
        ([ROW], [ROW]),
        ([ROW, {"_id": "t2"}], [ROW, {"_id": "t2"}]),
        ({"rows": [ROW], "count": 1}, [ROW]),
        ({"list": [ROW]}, [ROW]),
        ({"current": 1, "total": 1, "success": True, "data": [ROW]}, [ROW]),
        ({"records": [ROW]}, [ROW]),
        ({"data": {"rows": [ROW]}}, [ROW]),
        ({"rows": [], "count": 0}, []),
        ([ROW, None, "x", 5, [ROW]], [ROW]),
        ({"id": "t1", "data": [1]}, [{"id": "t1", "data": [1]}]),
        ({"_id": "", "rows": [ROW]}, [ROW]),
        ("https://r.example/speech.mp3", []),
        (None, []),
        (5, []),
        (True, []),
        ([], []),
        ({}, []),
        ({"rows": "none"}, []),
    ],
)
def test_every_shape_of_data_gives_its_rows(data, rows):
    """An object, an array, each kind of list, a string and null are read."""
    read = replies.rows_of(replies.read(reply({"code": 0, "data": data, "trace_id": TRACE})))
    assert read == [row | {"trace_id": TRACE} for row in rows]
    assert replies.rows_of(replies.read(reply({"code": 0, "data": data}))) == rows


def test_rows_of_the_deepest_nesting():
    """Nesting of any depth overflows no stack."""
    data = [ROW]
    for _ in range(100_000):
        data = {"data": data}
    assert replies.rows_of(data) == [ROW]
    while isinstance(data, dict):  # or its own destructor would have to be as deep
        data = data["data"]


@pytest.mark.parametrize(
    ("row", "task_id"),
    [({"_id": "a", "id": "b"}, "a"), ({"id": "b"}, "b"), ({"_id": "", "id": "b"}, "b"), ({"_id": 5}, ""), ({}, "")],
)
def test_row_id(row, task_id):
    """`_id` counts before `id`, and only text is an id."""
    assert replies.row_id(row) == task_id


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "data": 1},
        {"code": "0", "data": 1},
        {"code": 0.0, "data": 1},
        {"code": None, "data": 1},
        {"code": "", "data": 1},
        {"code": False, "data": 1},
        {"data": 1},
        {"success": True, "data": 1},
        {"code": 0, "success": True, "data": 1, "msg": "ok", "error": None},
        b'\xef\xbb\xbf{"code": 0, "data": 1}',
        b' {"code": 0, "data": 1} \n',
    ],
)
def test_yes(body):
    """A 2xx without a code, or with a code of 0 in any spelling, is a yes."""
    for status in (200, 201, 202):
        assert replies.read(reply(body, status)) == 1


@pytest.mark.parametrize("body", [{"code": 1003}, {"code": 200}, {"success": False, "error": "no"}])
def test_a_start_that_is_refused_and_names_a_task_is_neither(body):
    """It may have been paid for, so that it is looked for; what starts nothing is refused as it says."""
    answer = reply({**body, "data": ROW})
    with pytest.raises(ProtocolError, match="says no and names a task"):
        replies.read(answer, start=True)
    with pytest.raises(ServiceError):
        replies.read(answer)


def test_yes_without_data():
    """A yes may come without data: a deletion does."""
    assert replies.read(reply({"code": 0})) is None
    assert replies.read(reply({"success": True})) is None


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({"code": 1001, "msg": "hosts are busy", "trace_id": TRACE}, 1001, "hosts are busy"),
        ({"code": 400, "message": "bad size"}, 400, "bad size"),
        ({"code": "400", "message": "bad size"}, 400, "bad size"),
        ({"code": " 400 ", "message": "bad size"}, 400, "bad size"),
        ({"code": 400.0, "message": "bad size"}, 400, "bad size"),
        ({"code": -1, "error": "odd"}, -1, "odd"),
        ({"code": "-30005", "error": "odd"}, -30005, "odd"),
        ({"code": 1, "error": {"message": "deep"}}, 1, "deep"),
        ({"code": 1, "data": "said in data"}, 1, "said in data"),
        ({"code": 1, "data": {"failed_message": "said deep in data"}}, 1, "said deep in data"),
        ({"code": 1, "data": {"message": "said deep in data"}}, 1, "said deep in data"),
        ({"code": 1, "msg": " ", "message": None, "error": "the third"}, 1, "the third"),
        ({"code": 1, "msg": "the first", "message": "the second"}, 1, "the first"),
        ({"code": True, "msg": "odd"}, None, "odd"),
        ({"code": " ERR_SIZE ", "msg": "odd"}, "ERR_SIZE", "odd"),
        ({"code": "ERR_SIZE", "success": False}, "ERR_SIZE", "the service refused the request"),
        ({"code": "--5", "msg": "odd"}, "--5", "odd"),
        ({"code": "9" * 30, "msg": "odd"}, "9" * 30, "odd"),
        ({"code": 10**30, "msg": "odd"}, None, "odd"),
        ({"code": 0.5, "msg": "odd"}, None, "odd"),
        (b'{"code": NaN, "msg": "odd"}', None, "odd"),
        (b'{"code": -Infinity, "msg": "odd"}', None, "odd"),
        ({"code": [], "msg": "odd"}, None, "odd"),
        ({"success": False, "message": "no"}, None, "no"),
        ({"success": False, "code": 0, "data": {}}, None, "the service refused the request"),
    ],
)
def test_no_with_status_200(body, code, said):
    """A 200 whose code is not 0, or whose success is false, is a no, with its words wherever they are."""
    error = refused(body)
    assert type(error) is RejectedRequestError
    assert (error.status, error.code, error.message) == (200, code, said)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        HTML,
        b'{"code": 0, "data": {"_id": "65f',
        b"null",
        b'"ok"',
        b"[]",
        b"5",
        b"{}",
        b'{"status": "ok"}',
        b'{"_id": "t1"}',
        b'{"msg": "ok"}',
        b'{"error": "perhaps"}',
        b"\xff\xfe\x00",
        b'{"code": 0, "data": "\xff"}',
        b'{"code": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"data":' * 100_000,
    ],
)
def test_nonsense_with_status_200(body):
    """A 200 that is no answer of the service says neither yes nor no."""
    error = refused(body)
    assert type(error) is ProtocolError
    assert error.status == 200
    assert len(error.excerpt) <= 200
    assert "HTTP 200" in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "no_route"),
    [
        (301, RejectedRequestError, False),
        (302, RejectedRequestError, False),
        (307, RejectedRequestError, False),
        (400, RejectedRequestError, False),
        (401, RejectedRequestError, False),
        (402, InsufficientCoinsError, False),
        (403, RejectedRequestError, False),
        (404, NotFoundError, True),
        (405, RejectedRequestError, True),
        (408, ServiceError, False),
        (413, RejectedRequestError, False),
        (429, RateLimitedError, False),
        (500, ServiceError, False),
        (502, ServiceError, False),
        (503, ServiceError, False),
        (504, ServiceError, False),
    ],
)
def test_the_status_decides_before_a_body_that_is_not_the_services(status, kind, no_route):
    """A page or a cut body with an error status is that error, but never one about the token.

    404 and 405 mean that there is no such route.
    """
    for body in (HTML, b"", b"[]", b'{"path": "/nowhere"}', b"{"):
        error = refused(body, status)
        assert type(error) is kind
        assert (error.status, error.code, error.no_route) == (status, None, no_route)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, RejectedRequestError),
        (400, RejectedRequestError),
        (401, AuthenticationError),
        (402, InsufficientCoinsError),
        (404, NotFoundError),
        (405, RejectedRequestError),
        (408, ServiceError),
        (429, RateLimitedError),
        (500, ServiceError),
        (503, ServiceError),
    ],
)
def test_the_status_decides_before_the_code(status, kind):
    """With an error status the body's code changes nothing, and the service's own JSON is never "no route"."""
    for code in (0, 400, 401, 402, 404, 429, 500):
        error = refused({"code": code, "message": "so it is", "trace_id": TRACE}, status)
        assert type(error) is kind
        assert (error.message, error.trace_id, error.no_route) == ("so it is", TRACE, False)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, RejectedRequestError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (402, InsufficientCoinsError),
        (404, NotFoundError),
        (408, ServiceError),
        (429, RateLimitedError),
        (500, ServiceError),
        (503, ServiceError),
        (1001, RejectedRequestError),
        (30005, RejectedRequestError),
    ],
)
def test_in_a_200_the_code_counts_like_a_status(code, kind):
    """A body code that looks like an HTTP status is read like one, as number or string."""
    for error in (refused({"code": code, "msg": "no"}), refused({"code": str(code), "msg": "no"})):
        assert type(error) is kind
        assert (error.status, error.code) == (200, code)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Access denied: ray 8a7</body></html>",
        b"",
        b"Forbidden",
        b'"Forbidden"',
        b"[]",
        b'{"message": "Forbidden"}',
        b'{"message": "Missing Authentication Token", "status": 403}',
        b'{"error": "access_denied", "detail": "rule 949110"}',
        b'{"error": {"message": "blocked"}}',
        b'{"code": 401, "msg": "cut',
    ],
)
def test_only_the_services_own_json_speaks_of_the_token(status, body):
    """A page, or the JSON of a gateway, is a refusal that says who blocked; it is marked as a page."""
    error = refused(body, status)
    assert type(error) is RejectedRequestError
    assert (error.page, error.status) == (True, status)
    assert "not by the service" in str(error)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "body",
    [{"code": 401}, {"success": False, "error": "Unauthorized"}, {"msg": "no"}, {"error": "no", "trace_id": "t"}],
)
def test_the_services_own_refusal_of_a_token(status, body):
    """Each of its ways to say no is AuthenticationError."""
    error = refused(body, status)
    assert type(error) is AuthenticationError
    assert error.page is False


DATE = "Wed, 01 Jan 2025 00:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("7", None, 7.0),
        ("0.5", None, 0.5),
        ("-3", None, 0.0),
        ("inf", DATE, None),
        ("nan", DATE, None),
        ("Wed, 01 Jan 2025 00:00:30 GMT", DATE, 30.0),
        ("Tue, 31 Dec 2024 23:59:00 GMT", DATE, 0.0),
        ("Wed, 01 Jan 2025 00:00:30 GMT", None, None),
        ("soon", DATE, None),
        ("", DATE, None),
        (None, DATE, None),
    ],
)
def test_how_long_a_service_asks_to_wait(header, date, seconds):
    """In seconds or as a date by its own clock; what has passed by then is no time at all."""
    assert replies.retry_after(header, date) == seconds
