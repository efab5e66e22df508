"""What a refusal says, in all the forms that it has: codes, words, reasons, and which are sure."""

from __future__ import annotations

import json

import pytest
from scripted import story

from a2e_async import (
    InsufficientCoinsError,
    RejectedRequestError,
    ServiceError,
    StartUnknownError,
    Wan30,
    families,
)
from a2e_async.core import refusals, replies
from a2e_async.core.http import HttpReply
from a2e_async.core.retry import Verdict, verdict

ROW = {"_id": "65f000000000000000000001", "current_status": "completed", "image_urls": ["https://r.example/1.png"]}
REFUSAL = {"success": False, "error": "Provider or Wan3.0 pricing is not configured"}
NO_WAN = HttpReply(status=503, body=json.dumps(REFUSAL).encode(), retry_after="1")
VIDEO = Wan30({"prompt": "x"}, parameters={})


@story(NO_WAN)
async def test_a_documented_503_is_a_refusal(a2e, sent):
    """The service's own 503 of a family that documents it so ends the start at once, and nothing is looked for."""
    with pytest.raises(ServiceError) as caught:
        await a2e.start(VIDEO)
    assert not isinstance(caught.value, StartUnknownError)
    assert [one.start for one in sent.sent] == [True]


def test_a_gateways_503_is_no_refusal():
    """A page with the same status tells nothing, nor does the same 503 of another family."""
    with pytest.raises(ServiceError) as page:
        replies.read(HttpReply(status=503, body=b"<html>busy</html>"), start=True)
    with pytest.raises(ServiceError) as own:
        replies.read(NO_WAN, start=True)
    refusals = families()["wan30"].refusals
    assert verdict(page.value, refusals) is Verdict.UNKNOWN
    assert verdict(own.value, refusals) is Verdict.REFUSED
    assert verdict(own.value) is Verdict.BUSY
    assert not families()["wan_video"].refusals


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"msg": "Validation error", "errors": [{"path": "size", "msg": "is odd"}]}, "Validation error: size: is odd"),
        ({"msg": "bad", "errors": [{"param": ["body", "n"], "message": "too many"}]}, "bad: body.n: too many"),
        (
            {"msg": "bad", "errors": {"n": "too many", "size": ["odd", "large"]}},
            "bad: n: too many; size: odd; size: large",
        ),
        ({"errors": ["prompt is blank", {"reason": "no image"}]}, "prompt is blank; no image"),
        ({"message": ["prompt is blank", "n is large"], "errors": []}, "prompt is blank"),
        ({"error": {"message": "bad", "details": [{"field": "n", "msg": "n is large"}]}}, "bad: n is large"),
        ({"data": {"message": "bad", "errors": [{"msg": "bad"}, {"msg": 7}, 7]}}, "bad"),
        ({"detail": [{"loc": ["body", "n"], "msg": "is odd"}]}, "body.n: is odd"),
        ({"message": {"detail": {"reason": "deep"}}}, "deep"),
        ({"message": {"detail": {"reason": {"error": {"msg": "too deep"}}}}}, "the service refused the request"),
    ],
)
def test_reasons_reach_the_words(body, said):
    """What a refusal lists, in whatever shape, stands in the error once, with the field that it is about."""
    with pytest.raises(RejectedRequestError) as caught:
        replies.read(HttpReply(status=400, body=json.dumps({"code": 400, **body}).encode()))
    assert caught.value.message == said


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": "Not now", "code": "INSUFFICIENT_COINS"}, "INSUFFICIENT_COINS"),
        ({"error": {"message": "Not now", "code": "NOT_ENOUGH_CREDITS"}}, "NOT_ENOUGH_CREDITS"),
        ({"code": 1, "msg": "\u4f59\u989d\u4e0d\u8db3"}, 1),
        ({"code": 1, "msg": "\u60a8\u7684\u91d1\u5e01\u5df2\u7528\u5b8c"}, 1),
        ({"code": 1, "msg": "\u9918\u984d\u4e0d\u8db3"}, 1),
    ],
)
def test_too_few_coins_in_words_codes_and_chinese(body, code):
    """A code that is a text tells, and so do Chinese words, which come without the header x-lang."""
    for status in (200, 400):
        with pytest.raises(InsufficientCoinsError) as caught:
            replies.read(HttpReply(status=status, body=json.dumps({"success": False, **body}).encode()), start=True)
        assert caught.value.code == code


@pytest.mark.parametrize("code", ["OK", "SUCCESS", 200, "200", 0, None])
def test_a_word_beside_success_is_no_refusal(code):
    """Whoever says success: true with a task has taken the start, whatever word or status stands beside it."""
    body = {"success": True, "code": code, "data": ROW}
    read = replies.read(HttpReply(status=200, body=json.dumps(body).encode()), start=True)
    assert replies.row_id(read) == ROW["_id"]


def test_a_code_is_never_invented():
    """What is no number and no text is no code; text that looks like a token is blotted out."""
    for odd in (True, [], {}, 0.5, 1e300):
        with pytest.raises(ServiceError) as caught:
            replies.read(HttpReply(status=200, body=json.dumps({"code": odd or [], "msg": "no"}).encode()))
        assert caught.value.code is None
    with pytest.raises(ServiceError) as caught:
        replies.read(HttpReply(status=400, body=json.dumps({"code": "sk_secret.secret", "error": "no"}).encode()))
    assert caught.value.code == "***"


PLACES = [
    {"msg": "no nudes"},
    {"message": "no nudes"},
    {"error": "no nudes"},
    {"data": "no nudes"},
    {"data": {"failed_message": "no nudes"}},
    {"data": {"message": "no nudes"}},
    {"data": {"msg": "no nudes"}},
    {"data": {"error": "no nudes"}},
    {"error": {"message": {"message": {"message": "no nudes"}}}},
]


@pytest.mark.parametrize("body", PLACES, ids=str)
def test_the_words_of_a_refusal_are_found_wherever_they_stand(body):
    """Each place in which the service is known to say why, and two objects deep."""
    assert refusals.words_of(body) == "no nudes"


def test_words_that_lie_deeper_than_anybody_says_them_are_passed_over():
    """A reply of any depth is read in the same time."""
    body = "no nudes"
    for _ in range(10_000):
        body = {"message": body}
    assert refusals.words_of({"error": body}) == ""
