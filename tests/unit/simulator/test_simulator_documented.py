"""What the simulator refuses because the service's document does, family by family, and what it still takes."""

from __future__ import annotations

import pytest
from asking import app, data, refusal

from a2e_async.core.requests import fields_of
from a2e_async.families.text_to_image import TextToImage

IMAGE, ID = "https://files.example.net/a.png", "65f0" * 6
WAN25, WAN30, S2 = "userWan25", "userWan30", "seedance2Video"
WORDS = {"name": "one", "prompt": "x"}
NEWEST = WORDS | {"model": "wan2.7-i2v"}
GUIDE = {"type": "reference_image", "url": IMAGE}
AVATAR = {"anchor_id": ID, "anchor_type": 0, "audioSrc": IMAGE}
RECT = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 5, "scale": 6}
SHOTS = {"multi_shot": True, "shot_type": "customize"}


def wan30(mode=None, parameters=None, **media):
    """Write a start of Wan 3.0 with media of these kinds."""
    told = {"prompt": "x", "media": [{"type": kind, "url": url} for kind, url in media.items()]}
    return {
        "model": "wan3.0-video",
        "input": told if media else {"prompt": "x"},
        "parameters": parameters or {},
        **({"mode": mode} if mode else {}),
    }


REFUSED = [
    ("hailuoVideo", {"prompt": "x"}, "image_urls"),
    ("hailuoVideo", {"image_url": IMAGE}, "prompt"),
    ("hailuoVideo", WORDS | {"image_url": IMAGE, "duration": "10", "resolution": "1080P"}, "resolution"),
    ("minimaxH3Video", WORDS | {"duration": "16"}, "duration"),
    ("minimaxH3Video", WORDS | {"duration": "3"}, "duration"),
    ("minimaxH3Video", WORDS | {"duration": 5}, "duration"),
    ("minimaxH3Video", WORDS | {"mode": "image-to-video"}, "first_frame_url"),
    ("minimaxH3Video", WORDS | {"mode": "reference-to-video"}, "reference"),
    ("minimaxH3Video", WORDS | {"reference_image_urls": [IMAGE]}, "reference"),
    ("minimaxH3Video", WORDS | {"aspect_ratio": "adaptive"}, "aspect_ratio"),
    ("userWan26R2V", WORDS | {"reference_urls": []}, "reference_urls"),
    ("userWan26R2V", WORDS | {"reference_urls": [IMAGE] * 6}, "reference_urls"),
    ("userWan26Image", WORDS | {"negative_prompt": "a" * 501}, "negative_prompt"),
    ("userWan27Image", WORDS | {"bbox_list": "box"}, "bbox_list"),
    ("userWan27Image", {"prompt": "x"}, "name"),
    (WAN25, NEWEST | {"image_url": IMAGE, "duration": "7"}, "duration"),
    (WAN25, WORDS | {"model": "wan2.6-i2v", "image_url": IMAGE, "duration": "3"}, "duration"),
    (WAN25, NEWEST | {"task_type": "text_to_video", "image_url": IMAGE}, "image_url"),
    (WAN25, NEWEST | {"task_type": "text_to_video", "audio_url": IMAGE}, "audio_url"),
    (WAN25, NEWEST | {"task_type": "reference_image", "reference_media": [{}]}, "reference_media[0].type"),
    (WAN25, NEWEST | {"task_type": "reference_image", "reference_media": [GUIDE, GUIDE | {"type": "x"}]}, "[1].type"),
    (WAN25, NEWEST | {"task_type": "reference_image", "duration": "11",
                      "reference_media": [GUIDE | {"type": "reference_video"}]}, "duration"),
    (WAN30, wan30(parameters={"resolution": "8K"}), "parameters.resolution"),
    (WAN30, wan30(parameters={"duration": 2}), "parameters.duration"),
    (WAN30, wan30(parameters={"duration": 31}), "parameters.duration"),
    (WAN30, wan30(parameters={"negative_prompt": "x"}), "negative_prompt"),
    (WAN30, wan30("first-frame"), "media"),
    (WAN30, wan30("first-last-frames", first_frame=IMAGE), "media"),
    (WAN30, wan30("reference", file=IMAGE, link=IMAGE), "media"),
    (WAN30, wan30(None, reference_image=IMAGE), "media"),
    (WAN30, wan30("reference", reference_image="no link"), "input.media[0].url"),
    ("productAvatar", {"image_urls": [IMAGE] * 2, "product_rect": {}}, "product_rect.x"),
    ("productAvatar", {"image_urls": [IMAGE] * 2, "product_rect": RECT | {"scale": "1"}}, "product_rect.scale"),
    ("klingOmni", SHOTS | {"multi_prompt": [{"prompt": "a", "duration": 5}]}, "multi_prompt[0].duration"),
    ("klingOmni", SHOTS | {"multi_prompt": [{"prompt": "a" * 513, "duration": "5"}]}, "multi_prompt[0].prompt"),
    ("userHappyhorseVideo", {"mode": "t2v", "prompt": "a", "ratio": "9:21"}, "ratio"),
    ("userHappyhorseVideo", {"mode": "video-edit", "prompt": "a", "edit_video_url": IMAGE, "model_version": "1.1",
                             "resolution": "480P"}, "resolution"),
    *[(S2, WORDS | {"duration": seconds}, "duration") for seconds in (-2, 0, 1, 2, 3, 16, 31)],
    *[(S2, WORDS | {"duration": seconds, "model_version": "2.5"}, "duration") for seconds in (0, 3, 31)],
]  # fmt: skip
REFUSED_AVATARS = [
    *[({field: wrong}, field) for field in ("anchor_id", "back_id", "custom_back_id", "face_swap_id")
      for wrong in ("zzz", "65f0", "g" * 24)],
    ({"anchor_type": 7}, "anchor_type"),
    ({"captionAlign": {"Fontsize": "50"}}, "captionAlign.Fontsize"),
    ({"captionAlign": {"subtitle_position": "0.3"}}, "captionAlign.subtitle_position"),
    ({"captionAlign": {"subtitle_position": 2}}, "captionAlign.subtitle_position"),
    ({"gp_model": {"compose_ratio": "1"}}, "gp_model.compose_ratio"),
]  # fmt: skip
TAKEN = [
    ("hailuoVideo", WORDS | {"image_urls": [IMAGE], "duration": "10", "resolution": "768P"}),
    ("minimaxH3Video", WORDS | {"mode": "reference-to-video", "reference_audio_urls": [IMAGE]}),
    ("minimaxH3Video", WORDS | {"mode": "image-to-video", "first_frame_url": IMAGE, "duration": "4"}),
    ("userWan26R2V", WORDS | {"reference_urls": [IMAGE]}),
    ("userWan27Image", WORDS | {"bbox_list": [[0, 0, 1, 1]]}),
    (WAN25, NEWEST | {"task_type": "reference_image", "duration": "15", "reference_media": [GUIDE]}),
    (WAN25, NEWEST | {"task_type": "text_to_video", "duration": "15"}),
    (WAN25, NEWEST | {"image_url": IMAGE, "audio_url": IMAGE}),
    (WAN30, wan30("reference", {"duration": -1}, reference_image=IMAGE, link=IMAGE)),
    (WAN30, wan30("first-last-frames", {"duration": 30}, first_frame=IMAGE, last_frame=IMAGE)),
    ("productAvatar", {"image_urls": [IMAGE] * 2, "product_rect": RECT}),
    ("userHappyhorseVideo", {"mode": "t2v", "prompt": "a", "ratio": "9:21", "model_version": "1.1"}),
    *[(S2, WORDS | {"duration": seconds}) for seconds in (-1, 4, 15)],
    (S2, WORDS | {"duration": 30, "model_version": "2.5"}),
]
IMAGE_MODELS = next(field.choices for field in fields_of(TextToImage) if field.name == "model_type")


@pytest.mark.parametrize(("base", "body", "field"), REFUSED)
def test_what_the_document_forbids_is_refused(base, body, field):
    """The refusal is a 400 that names the field, also one inside an object, and nothing is started."""
    sim = app()
    status, _code, words = refusal(sim, "POST", f"/api/v1/{base}/start", body)
    assert (status, field in words) == (400, True), words
    assert sim.world.book.starts == []


@pytest.mark.parametrize(("wrong", "field"), REFUSED_AVATARS)
def test_what_an_avatar_video_may_not_be(wrong, field):
    """Ids are 24 hexadecimal digits, and captions have types."""
    status, _code, words = refusal(app(), "POST", "/api/v1/video/generate", AVATAR | wrong)
    assert (status, field in words) == (400, True), words


@pytest.mark.parametrize(("base", "body"), TAKEN)
def test_what_the_document_allows_is_taken(base, body):
    """At the edges of the rules a start is taken."""
    assert data(app(), "POST", f"/api/v1/{base}/start", body)["_id"]


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_each_image_model_of_the_class_is_taken(model):
    """The newer form makes an image by every model that the client offers, and by no other."""
    sim = app()
    assert data(sim, "POST", "/api/v1/userText2Image/start", {"prompt": "x", "model_type": model})[0]["_id"]
    wrong = refusal(sim, "POST", "/api/v1/userText2Image/start", {"prompt": "x", "model_type": f"{model}2"})
    assert (wrong[0], "model_type" in wrong[2]) == (400, True)


def test_prices_batches_and_pages_as_documented():
    """A price has one spelling, MiniMax H3 forgives its batches, and a page is as long as its family's."""
    sim = app(coins=100_000)
    quote = {"endpoint": "POST /api/v1/userText2image/start", "requestBody": {"prompt": "x"}}
    assert refusal(sim, "POST", "/api/v1/generation/quote", quote)[2] == "Unsupported endpoint"
    quote["endpoint"] = "/api/v1/userText2Image/start"
    assert data(sim, "POST", "/api/v1/generation/quote", quote)["coins"] == 10
    video = data(sim, "POST", "/api/v1/minimaxH3Video/start", WORDS)["_id"]
    assert data(sim, "POST", "/api/v1/minimaxH3Video/batchDetail", {"ids": []}) == []
    assert len(data(sim, "POST", "/api/v1/minimaxH3Video/batchDetail", {"ids": [video] * 300})) == 1
    for base, body, length in (
        (S2, WORDS, 20), ("seedanceVideo", WORDS, 20), ("userPhotobook", {"name": "a", "face_image_url": IMAGE}, 20),
        ("minimaxH3Video", WORDS, 10),
    ):  # fmt: skip
        for _ in range(21):
            data(sim, "POST", f"/api/v1/{base}/start", body)
        assert len(data(sim, "GET", f"/api/v1/{base}/allRecords")["rows"]) == length
    assert len(data(sim, "GET", f"/api/v1/{S2}/allRecords", pageSize=100)["rows"]) == 21


def test_income_alone_has_no_rows_of_nothing():
    """`is_consumption` false shows what came in."""
    sim = app(prices={"text_to_image": 0}, history_lag=0)
    data(sim, "POST", "/api/v1/userText2Image/start", {"prompt": "x"})
    data(sim, "POST", "/api/v1/userText2Image/start", {"prompt": "[fail]"})
    rows = data(sim, "GET", "/api/v1/transactionRecord/creditsHistory", is_consumption="false")["rows"]
    assert all(row["coins"] > 0 for row in rows)
