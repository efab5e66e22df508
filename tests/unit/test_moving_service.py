"""Where the service moves: values of tomorrow, forms that are not taken any more, refusals that are sure, traces."""

from __future__ import annotations

import json
import pickle

import pytest
from scripted import NO_ROUTE, Scripted, client, no, story, yes

from a2e_async import (
    A2EClient,
    AvatarVideo,
    HappyHorse,
    ImageToVideo,
    InsufficientCoinsError,
    InvalidRequestError,
    JobFailedError,
    KlingImage,
    KlingOmni,
    RejectedRequestError,
    Retry,
    ServiceError,
    StartUnknownError,
    TextToImage,
    UsageError,
    VoiceTraining,
    Wan30,
    WanVideo,
    families,
)
from a2e_async.core import replies, wire
from a2e_async.core.family import family_of
from a2e_async.core.http import HttpReply
from a2e_async.core.retry import Verdict, verdict
from a2e_async.simulator.virtual import run_virtually

PICTURE = "https://files.example.net/in.png"
TRACE = "00000000-0000-4000-8000-000000000001"
ROW = {"_id": "65f000000000000000000001", "current_status": "completed", "image_urls": ["https://r.example/1.png"]}


def body_of(request):
    """Give path and body of a start."""
    sent = wire.start(family_of(request), request)
    return sent.path, sent.body


# Values of tomorrow.


@pytest.mark.parametrize(
    ("request_", "field", "value"),
    [
        (TextToImage("x", extra={"model_type": "of tomorrow"}), "model_type", "of tomorrow"),
        (TextToImage("x", extra={"model_version": "6.0"}), "model_version", "6.0"),
        (WanVideo("x", image_url=PICTURE, extra={"model": "wan9"}), "model", "wan9"),
        (WanVideo("x", image_url=PICTURE, extra={"duration": "99"}), "duration", "99"),
        (AvatarVideo("65f0" * 6, anchor_type=0, audio_src=PICTURE, extra={"anchor_type": 7}), "anchor_type", 7),
        (AvatarVideo("65f0" * 6, anchor_type=0, audio_src=PICTURE, extra={"isSkipRs": "later"}), "isSkipRs", "later"),
        (KlingImage("x", extra={"aspect_ratio": "1:1"}), "aspect_ratio", "1:1"),
    ],
)
def test_extra_sends_a_new_value_of_a_known_field(request_, field, value):
    """A model, a ratio or a length that this version does not know, or knows by now, goes out as it is given."""
    assert body_of(request_)[1][field] == value


def test_a_new_value_chooses_the_form_and_counts_the_tasks():
    """What stands in extra in the place of a field counts as that field: for the form, and for how many tasks come."""
    chosen = TextToImage("x", extra={"model_type": "of tomorrow", "max_images": 12})
    path, body = body_of(chosen)
    assert path == "/api/v1/userText2Image/start"
    assert "req_key" not in body
    assert family_of(chosen).tasks_asked(chosen) == 12
    odd = TextToImage("x", extra={"max_images": "many"})
    assert family_of(odd).tasks_asked(odd) == 1


def test_rules_between_fields_count_what_is_sent_on_purpose():
    """A rule sees the values as they will be sent; one about a value in extra does not count, all others do."""
    WanVideo("x", extra={"model": "wan9", "task_type": "dream"})
    WanVideo("x", model="wan2.7-i2v", image_url=PICTURE, extra={"duration": "60"})
    WanVideo("x", model="wan2.7-i2v", task_type="reference_image", extra={"reference_media": [{"type": "dream"}]})
    HappyHorse("x", mode="t2v", extra={"mode": "of tomorrow"})
    KlingOmni(multi_shot=True, shot_type="customize", extra={"multi_prompt": 7})
    with pytest.raises(InvalidRequestError, match="first_clip_url: must be given"):
        WanVideo("x", model="wan2.7-i2v", extra={"task_type": "video_extend"})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model_type": "flux"}, "extra={'model_type': ...}"),
        ({"max_images": 9}, "extra={'max_images': ...}"),
        ({"model_type": "a2e", "model_version": "5.0"}, "extra={'model_version': ...}"),
    ],
)
def test_a_refusal_says_how_a_new_value_is_sent(fields, said):
    """Who is refused a model, a number or a combination learns the way round, and the error survives pickling."""
    with pytest.raises(InvalidRequestError) as caught:
        TextToImage("x", **fields)
    assert said in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert "extra" not in caught.value.rule


def test_free_text_has_no_such_way():
    """A link or a text that is wrong is wrong for the service, too."""
    with pytest.raises(InvalidRequestError) as caught:
        ImageToVideo("in.png", prompt="x", negative_prompt="y")
    assert "on purpose" not in str(caught.value)


@pytest.mark.parametrize("extra", [{"name": "x"}, {"webhook_url": "https://h.example"}, {"webhook_token": "s"}])
def test_what_each_request_has_is_no_new_value(extra):
    """A name carries the tag and a token is a secret: both stay fields."""
    with pytest.raises(InvalidRequestError, match="which is the field"):
        TextToImage("x", extra=extra)


# Two forms of text to image.


@pytest.mark.parametrize(
    "refusal", [NO_ROUTE, no(400, message="req_key is not supported any more"), no(404, message="Cannot POST")]
)
def test_the_newer_form_is_taken_where_the_older_is_refused(refusal):
    """A service that does not know the path, or speaks against req_key, gets the newer form, and so from then on."""

    @story(refusal, yes([ROW]), yes([ROW | {"_id": "65f000000000000000000002"}]))
    async def told(a2e, sent):
        """One start of each."""
        if refusal.status == 404 and refusal is not NO_ROUTE:  # the service's own 404 is no missing route
            with pytest.raises(ServiceError):
                await a2e.text_to_image("x")
            return
        await a2e.text_to_image("x")
        await a2e.text_to_image("y")
        first, second, third = (one for one in sent.sent if one.start)
        assert (first.path, first.body["req_key"]) == ("/api/v1/userText2image/start", "high_aes_general_v21_L")
        for later in (second, third):
            assert later.path == "/api/v1/userText2Image/start"
            assert "req_key" not in later.body
        assert second.body["name"] == first.body["name"]

    told()


@story(no(400, message="the prompt is too long"))
async def test_another_refusal_changes_no_form(a2e, sent):
    """A 400 that says nothing of req_key is the request's own, and nothing is sent a second time."""
    with pytest.raises(RejectedRequestError):
        await a2e.text_to_image("x")
    assert len([one for one in sent.sent if one.start]) == 1


def test_a_price_is_asked_for_in_the_listed_form():
    """The reference lists the newer spelling alone, whose answer to others is "unsupported endpoint"."""
    path, body = wire.quoted(family_of("text_to_image"), TextToImage("x", width=512))
    assert (path, body) == ("/api/v1/userText2Image/start", {"prompt": "x", "width": 512, "name": "x"})


# Refusals.

REFUSAL = {"success": False, "error": "Provider or Wan3.0 pricing is not configured"}
NO_WAN = HttpReply(status=503, body=json.dumps(REFUSAL).encode(), retry_after="1")
FILM = Wan30({"prompt": "x"}, parameters={})


@story(NO_WAN)
async def test_a_documented_503_is_a_refusal(a2e, sent):
    """The service's own 503 of a family that documents it so ends the start at once, and nothing is looked for."""
    with pytest.raises(ServiceError) as caught:
        await a2e.start(FILM)
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


# Traces, refunds, rows of others, language.


@story(HttpReply(status=200, body=json.dumps({"code": 0, "data": [ROW], "trace_id": TRACE}).encode()))
async def test_traces_reach_job_result_and_record(a2e, sent):
    """The mark that support asks for is on all three; a reply without one leaves None."""
    job = a2e.text_to_image("x", model_type="a2e")
    assert (job.trace_id, sent.sent) == (None, [])
    result = await job
    assert job.trace_id == result.trace_id == result.records[0].trace_id == TRACE
    assert result.records[0].raw["trace_id"] == TRACE
    assert wire.record(job.family, ROW).trace_id is None


@pytest.mark.parametrize(("told", "refunded"), [(True, True), (False, False), (None, None), ("yes", None)])
def test_a_failed_training_says_whether_it_was_paid_back(told, refunded):
    """`hasRefundCoin` of the record decides; where it is missing or odd, nobody knows."""
    row = {"_id": ROW["_id"], "current_status": "failed", "hasRefundCoin": told}

    @story(yes(row))
    async def play(a2e, sent):
        """One training that failed at once."""
        with pytest.raises(JobFailedError) as caught:
            await a2e.start(VoiceTraining([PICTURE]))
        assert len(sent.sent) == 1
        assert caught.value.refunded is refunded

    play()


def test_rows_of_others_are_left_out():
    """AwsList holds image-to-video tasks, too: they are no avatar videos."""
    own, other = {"_id": "a", "anchor_id": "b"}, {"_id": "c", "image_url": PICTURE, "status": "success"}
    data = {"current": 1, "total": 2, "success": True, "data": [other, own]}
    assert wire.rows_of_list(families()["avatar_video"], data) == [own]
    assert len(wire.rows_of_list(families()["image_to_video"], data)) == 2


class Headers(Scripted):
    """Keeps the headers."""

    async def send(self, request, headers):
        """Answer one request."""
        self.headers = dict(headers)
        return await super().send(request, headers)


@pytest.mark.parametrize(("lang", "sent"), [(None, None), ("en-US", "en-US"), ("zh", "zh")])
def test_the_language_of_the_messages(lang, sent):
    """`lang` goes out as x-lang; without it none does."""
    transport = Headers(yes({"coins": 1}))

    async def play():
        async with client(transport, lang=lang, retry=Retry()) as a2e:
            await a2e.balance()

    run_virtually(play())
    assert transport.headers.get("x-lang") == sent


@pytest.mark.parametrize("lang", ["", "en US", "en\r\nX: y", 7, "\u4e2d\u6587"])
def test_a_language_is_a_code(lang):
    """Nothing else gets into a header."""
    with pytest.raises(UsageError, match="lang: must be a language"):
        A2EClient("sk_a", lang=lang)
