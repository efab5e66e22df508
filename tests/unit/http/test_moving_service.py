"""Where the service moves: values of tomorrow, forms that are not taken any more, traces, and rows of others."""

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
    InvalidRequestError,
    JobFailedError,
    JobTimeoutError,
    KlingImage,
    KlingOmni,
    NotFoundError,
    RejectedRequestError,
    Retry,
    ServiceError,
    TextToImage,
    UsageError,
    VoiceTraining,
    Wan30,
    WanVideo,
    families,
)
from a2e_async.core import wire
from a2e_async.core.family import family_of
from a2e_async.core.http import HttpReply
from a2e_async.simulator.virtual import run_virtually

IMAGE = "https://files.example.net/in.png"
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
        (WanVideo("x", image_url=IMAGE, extra={"model": "wan9"}), "model", "wan9"),
        (WanVideo("x", image_url=IMAGE, extra={"duration": "99"}), "duration", "99"),
        (AvatarVideo("65f0" * 6, anchor_type=0, audio_src=IMAGE, extra={"anchor_type": 7}), "anchor_type", 7),
        (AvatarVideo("65f0" * 6, anchor_type=0, audio_src=IMAGE, extra={"isSkipRs": "later"}), "isSkipRs", "later"),
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
    WanVideo("x", model="wan2.7-i2v", image_url=IMAGE, extra={"duration": "60"})
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
    row = {"_id": ROW["_id"], "current_status": "failed", "hasRefundCoin": told, "coins": 100}

    @story(yes(row))
    async def play(a2e, sent):
        """One training that failed at once."""
        with pytest.raises(JobFailedError) as caught:
            await a2e.start(VoiceTraining([IMAGE]))
        assert len(sent.sent) == 1
        assert caught.value.refunded is refunded
        assert a2e.spent == (0 if refunded else 100)

    play()


def test_rows_of_others_are_left_out():
    """AwsList holds image-to-video tasks, too: they are no avatar videos."""
    own, other = {"_id": "a", "anchor_id": "b"}, {"_id": "c", "image_url": IMAGE, "status": "success"}
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


@pytest.mark.parametrize(
    ("request_", "ends"),
    [
        (Wan30({"prompt": "x"}, parameters={}), False),
        (ImageToVideo(IMAGE, prompt="a", negative_prompt="b"), True),
    ],
)
def test_a_404_of_a_guessed_path_ends_no_job(request_, ends):
    """Of Wan 3.0 nothing but the start is documented: what is not where we suppose it may be all right elsewhere."""

    class Service(Scripted):
        async def send(self, request, headers):
            await super().send(request, headers)
            return yes({"_id": ROW["_id"], "current_status": "sent"}) if request.start else no(404, message="not found")

    async def play():
        async with client(Service(yes()), retry=Retry(vanished_grace=1, missing_grace=1)) as a2e:
            job = a2e.start(request_, timeout=600)
            with pytest.raises(NotFoundError if ends else JobTimeoutError):
                await job

    run_virtually(play())
