"""What the words of a reply mean: moderation, too few coins, when to come back; and what of them is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_replies import DATE, HTML, ROW, TOKEN, refused, reply

from a2e_async.core import replies
from a2e_async.core.retry import Verdict, verdict
from a2e_async.errors import (
    AuthenticationError,
    InsufficientCoinsError,
    ModerationError,
    RateLimitedError,
    RejectedRequestError,
    ServiceError,
)

POOR = "Your balance is insufficient"
ECHOES = [
    ("not enough coins in the image", "prompt not allowed: not enough coins in the image", False),
    ("Not  enough\ncoins", "bad prompt 'not enough coins'", False),
    ("a hero out of luck, credits roll", "refused: a hero out of luck, credits roll...", False),
    ("coins on a table", "out of policy: coins on a table", False),
    ("there is not enough light", "prompt 'not enough light' needs 3 credits more", False),
    ("my balance is too low", "blocked words: balance is too low", False),
    ("a kite", POOR, True),
    ("a kite over coins", POOR, True),
    ("a kite", "not enough coins", True),
    (None, POOR, True),
    ("insufficient coins", f"refused: insufficient coins. {POOR}", False),  # in doubt it is about this start alone
]


@pytest.mark.parametrize(("prompt", "said", "poor"), ECHOES)
@pytest.mark.parametrize("place", ["msg", "message", "error"])
@pytest.mark.parametrize("wrap", [lambda text: {"prompt": text}, lambda text: {"deep": [{"x": [1, text]}]}])
def test_words_of_the_request_are_no_words_of_the_service(prompt, said, poor, place, wrap):
    """A refusal that says a prompt back, whole or in part, says nothing about the account."""
    with pytest.raises(ServiceError) as caught:
        replies.read(reply({"code": 400, place: said}, 400), start=True, asked=wrap(prompt))
    assert type(caught.value) is (InsufficientCoinsError if poor else RejectedRequestError)


@pytest.mark.parametrize(("code", "skippable"), [(1003, False), (1004, True)])
def test_moderation(code, skippable):
    """1003 is a hard block, 1004 can be skipped, whatever the status."""
    for status in (200, 400, 403):
        error = refused({"code": code, "message": "a minor"}, status)
        assert type(error) is ModerationError
        assert error.skippable is skippable


BLOCKED = [
    {"code": 0, "data": None, "msg": "NSFW content detected"},
    {"code": 0, "data": {}, "message": "nsfw content was detected, please change the prompt"},
    {"code": 0, "data": [], "error": "The prompt has sensitive content"},
    {"code": 0, "data": {"rows": []}, "msg": "Sensitive words in the prompt"},
    {"code": 0, "data": "NSFW content detected", "msg": "success"},
    {"code": 0, "data": {"failed_message": "is_nsfw"}, "msg": "ok", "message": "ok"},
    {"code": 0, "data": {"_id": None, "message": "The image is sensitive"}},
    {"success": True, "message": "NSFW content detected"},
    {"msg": "NSFW content detected"},
    {"code": 400, "message": "NSFW content detected"},
    {"success": False, "message": "NSFW content detected"},
]


@pytest.mark.parametrize("body", BLOCKED)
def test_a_start_that_was_blocked(body):
    """A reply to a start that holds no task and speaks of NSFW content is a refusal with the service's words."""
    with pytest.raises(ModerationError, match=r"(?i)nsfw|sensitive") as caught:
        replies.read(reply(body), start=True)
    assert (caught.value.status, caught.value.code, caught.value.skippable) == (200, body.get("code") or None, False)
    assert verdict(caught.value) is Verdict.REFUSED


@pytest.mark.parametrize("body", BLOCKED[:8])
def test_a_poll_is_never_blocked(body):
    """What is said of content beside no task changes no reply but that to a start."""
    assert replies.read(reply(body)) == body.get("data")


@pytest.mark.parametrize("data", [{"_id": "t1"}, [{"id": "t1"}], {"list": [{"_id": "t1"}]}])
@pytest.mark.parametrize("place", ["msg", "message", "data"])
def test_a_task_is_a_task_whatever_is_said_of_it(data, place):
    """A reply with a task's id is never a refusal: it was started, and perhaps paid for."""
    body = {"code": 0, "data": data, "msg": "ok"}
    if place == "data":
        rows = data if isinstance(data, list) else data.get("list", [data])
        rows[0]["failed_message"] = "NSFW content detected"
    else:
        body[place] = "NSFW content detected"
    assert replies.read(reply(body), start=True) == data


@pytest.mark.parametrize(
    "text",
    [
        "ok",
        "no NSFW content detected",
        "The content is not NSFW",
        "checked, without sensitive content",
        "names are case-sensitive",
        "sensitive to light",
        "",
    ],
)
def test_a_start_without_a_task_that_was_not_blocked(text):
    """Words that do not clearly say so leave the start one of which nobody knows."""
    assert replies.read(reply({"code": 0, "data": None, "msg": text}), start=True) is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (500, 500, ServiceError),
        (200, 500, ServiceError),
        (401, 401, AuthenticationError),
        (429, 429, RateLimitedError),
        (402, 402, InsufficientCoinsError),
        (400, 1004, ModerationError),
    ],
)
def test_what_was_refused_for_another_reason(status, code, kind):
    """The status and the code decide before words about content do, also of a start."""
    with pytest.raises(kind) as caught:
        replies.read(reply({"code": code, "msg": "NSFW content detected"}, status), start=True)
    assert type(caught.value) is kind
    assert getattr(caught.value, "skippable", None) is (True if code == 1004 else None)


@pytest.mark.parametrize(
    "text",
    [
        "Insufficient coins",
        "insufficient credits",
        "Insufficient balance, please recharge",
        "Insufficient user coins",
        "You have insufficient available coins",
        "not enough coins",
        "Not enough credits left",
        "You don't have enough coins",
        "You don\u2019t have enough credits to start this task",
        "User does not have enough coins",
        "Too few coins",
        "You have run out of credits",
        "out of coins",
        "coins not enough",
        "Your balance is not enough",
        "balance insufficient",
        "Coins are insufficient for this task",
        "Credit balance is too low",
    ],
)
def test_too_few_coins(text):
    """Texts that mean too few coins are recognised whatever code they come with, except with a refused token."""
    for status, code in ((200, 1), (400, 400), (400, 0)):
        assert type(refused({"code": code, "message": text}, status)) is InsufficientCoinsError
    assert type(refused({"code": 403, "message": text}, 403)) is AuthenticationError


@pytest.mark.parametrize(
    "text",
    [
        "prompt must not be empty",
        "the coins in the image are blurry",
        "coins must be a number",
        "image out of focus",
        "out of memory",
        "insufficient resolution",
        "insufficient permission for this model, contact support",
        "not enough light in the image",
        "credit card was declined",
        "a gold coin is not allowed",
    ],
)
def test_not_too_few_coins(text):
    """Texts that only name coins, or only name a lack, are ordinary refusals."""
    assert type(refused({"code": 400, "message": text}, 400)) is RejectedRequestError


def test_a_server_error_is_never_a_lack_of_coins():
    """With a 5xx nobody knows what was done, whatever the body says."""
    assert type(refused({"code": 500, "message": "insufficient coins"}, 500)) is ServiceError
    assert type(refused({"code": 500, "message": "insufficient coins"})) is ServiceError


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        (None, DATE, None),
        ("", DATE, None),
        ("3", None, 3.0),
        (" 3 ", None, 3.0),
        ("0", None, 0.0),
        ("1.5", None, 1.5),
        ("-5", None, 0.0),
        ("99999999999", None, 99999999999.0),
        ("1e999", None, None),
        ("nan", None, None),
        ("soon", DATE, None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", DATE, 30.0),
        ("Wed, 21 Oct 2015 07:27:30 GMT", DATE, 0.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", None, None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", "yesterday", None),
        ("Wed, 99 Oct 2015 07:28:30 GMT", DATE, None),
    ],
)
def test_retry_after(header, date, seconds):
    """Retry-After is read as a number or, against the reply's own Date, as a date; garbage is none."""
    assert replies.retry_after(header, date) == seconds
    error = refused({"code": 429, "msg": "slow down"}, 429, retry_after=header, date=date)
    assert type(error) is RateLimitedError
    assert error.retry_after == seconds


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_is_too_odd(header, date):
    """Whatever stands in the headers, they give a wait of at least 0 or none."""
    seconds = replies.retry_after(header, date)
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize(
    "body",
    [
        HTML + TOKEN.encode() + HTML,
        b"\n" * 190 + TOKEN.encode() * 2,
        b"x" * 199 + TOKEN.encode(),
        {"code": 401, "msg": f"bad token {TOKEN}"},
        {"code": 401, "msg": f"bad token\n{TOKEN}"},
        {"code": 401, "msg": f"url=%3D{TOKEN}"},
        {"code": 401, "msg": "y " * 240 + TOKEN},
        {"code": 401, "msg": "no", "trace_id": TOKEN * 3},
        {"code": 401, "msg": TOKEN.removeprefix("sk_")},
        {"code": 401, "error": {"message": f"Authorization: Bearer {TOKEN}"}},
        {"code": 401, "data": TOKEN},
        b'{"code": 401, "msg": "cut here\\n' + TOKEN.encode(),
    ],
)
def test_no_error_shows_a_token(body):
    """A token that the reply repeats is blotted out, also where the excerpt cuts it."""
    for status in (200, 401, 500):
        error = refused(body, status)
        shown = f"{error} {error!r} {error.__dict__}"
        assert [part for part in TOKEN.split(".") if part[-12:] in shown] == []
        assert "eyJhb" not in shown


def test_a_token_longer_than_any_excerpt_is_hidden():
    """Of a token so long that the excerpt ends in its middle nothing is shown."""
    shown = str(refused(b"<p>" + b"eyJ" + b"q" * 2000))
    assert "qqq" not in shown
    assert "qqq" not in str(refused({"code": 1, "msg": "no " * 10 + "eyJ" + "q" * 2000}))


def test_what_is_no_token_is_shown():
    """Words that only look a little like a token stay readable."""
    assert replies.hide_secrets("task_id and risk_level are missing") == "task_id and risk_level are missing"


def test_long_words_are_cut():
    """A page of words in a refusal is cut to 500 characters."""
    assert refused({"code": 1, "msg": "word " * 1000}).message == ("word " * 100)


@pytest.mark.parametrize(
    ("data", "listed"),
    [
        ([], True),
        ([ROW], True),
        ({"rows": [], "count": 0}, True),
        ({"list": []}, True),
        ({"data": []}, True),
        (None, False),
        ("", False),
        ({}, False),
        ({"rows": None}, False),
        (ROW, False),
    ],
)
def test_what_is_a_list(data, listed):
    """An empty list is told from data that holds no list at all."""
    assert replies.is_list(data) is listed
