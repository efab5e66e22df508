"""The requests of other people's clients, in their dialects, against the simulator.

Public clients of the service were read and run; each story here is one of their ways, in our own words and with our own
values. What they were seen to do with success against the real service must work here, too.
"""

from __future__ import annotations

import json

import pytest
from asking import TOKEN, app, ask, data, refusal

IMAGE = "https://files.example.net/in.png"
LANG = TOKEN | {"x-lang": "en-US", "content-type": "application/json"}
VIDEO = {"name": "clip", "image_url": IMAGE, "prompt": "she waves", "negative_prompt": "blurry"}


def test_a_form_posts_a_image_and_then_a_video():
    """A page's own server asks for a link by the key alone, puts the file there, and starts from the CDN link."""
    sim = app()
    where = data(sim, "POST", "/api/v1/r2/upload-presigned-url", {"key": "uploads/me.jpg"})
    assert where["key"].endswith("/uploads/me.jpg")
    assert where["key"] != "uploads/me.jpg"
    assert ask(sim, "PUT", where["uploadUrl"], b"\xff\xd8\xff", {"content-type": "image/jpeg"}).status == 200
    started = data(sim, "POST", "/api/v1/userImage2Video/start", VIDEO | {"image_url": where["cdnUrl"]})
    sim.world.clock.advance(20)
    assert data(sim, "GET", f"/api/v1/userImage2Video/{started['_id']}")["current_status"] == "completed"


def test_the_older_way_to_a_link():
    """An older client names type and length twice, in both spellings, and the legacy path."""
    sim = app()
    body = {"key": "a.png", "contentType": "image/png", "fileSize": 9, "contentLength": 3, "expiresIn": 3600}
    where = data(sim, "POST", "/api/v1/r2/get_upload_presigned_url", body)
    assert set(where) == {"uploadUrl", "cdnUrl", "key", "bucket", "expiresIn"}
    assert ask(sim, "PUT", where["uploadUrl"], b"123", {"content-type": "image/png"}).status == 200


def test_a_video_is_watched_in_the_list_of_avatar_videos():
    """One client never asks for a detail: it reads awsList until `status` is success, and takes `result`."""
    sim = app()
    started = data(sim, "POST", "/api/v1/userImage2Video/start", VIDEO)
    for _ in range(3):
        data(sim, "POST", "/api/v1/userImage2Video/start", VIDEO)
    for at, words in ((0.1, {"init", "start", "pending"}), (5, {"process"}), (20, {"success"})):
        sim.world.clock.advance(at)
        page = data(sim, "GET", "/api/v1/video/awsList", current=1, pageSize=50)
        row = next(one for one in page["data"] if one["_id"] == started["_id"])
        assert row["status"] in words, row
        assert 0 <= row["process"] <= 100
    assert row["result"].startswith("http")
    assert (page["total"], page["current"]) == (4, 1)


def test_a_image_without_a_name():
    """A client that sends no name to Nano Banana lives on the real service; the document requires one: a switch."""
    body = {"prompt": "a red kite", "model": "nano-banana", "input_images": [IMAGE], "aspect_ratio": "1:1"}
    assert data(app(strict_names=False), "POST", "/api/v1/userNanoBanana/start", body)["_id"]
    assert refusal(app(), "POST", "/api/v1/userNanoBanana/start", body)[::2] == (400, "name is required")


def test_a_image_is_found_in_the_list():
    """Its detail by `/{_id}` is not there, so the client turns pages and compares ids; the rows are in `list`."""
    sim = app()
    started = data(sim, "POST", "/api/v1/userNanoBanana/start", {"name": "mine", "prompt": "a red kite"})
    assert ask(sim, "GET", f"/api/v1/userNanoBanana/{started['_id']}").status == 404
    rows = data(sim, "GET", "/api/v1/userNanoBanana/allRecords", pageNum=1, pageSize=20)["list"]
    assert [row["_id"] for row in rows] == [started["_id"]]


@pytest.mark.parametrize(
    ("base", "body", "page", "rows"),
    [
        ("userText2Image", {"prompt": "x"}, "allRecords?pageNum=1&pageSize=50", "rows"),
        ("userNanoBanana", {"prompt": "x"}, "allRecords?pageNum=1&pageSize=50", "list"),
        ("userGptImage", {"prompt": "x"}, "list?page=1&page_size=50", "rows"),
        ("userFlux2", {"prompt": "x"}, "list?page=1&page_size=50", "rows"),
        ("userQwen2Image", {"prompt": "x"}, "list", "rows"),
        ("userKlingImage", {"prompt": "x"}, "list", "rows"),
        ("userWan26Image", {"prompt": "x"}, "list?page=1&page_size=50", "rows"),
        ("userWan27Image", {"prompt": "x", "model": "wan2.7-image"}, "list?page=1&page_size=50", "rows"),
    ],
)
def test_a_lost_id_is_found_by_its_name(base, body, page, rows):
    """A client that lost the answer of a start looks for the name it gave, whole prompts of 380 characters too."""
    sim, name = app(), "shot 7: " + "a red kite over green dunes " * 13
    started = data(sim, "POST", f"/api/v1/{base}/start", {**body, "name": name.strip()})
    started = started[0] if isinstance(started, list) else started
    found = data(sim, "GET", f"/api/v1/{base}/{page}")[rows]
    assert [row["_id"] for row in found if row["name"] == name.strip()] == [started["_id"]]


def test_both_forms_of_text_to_image():
    """The page's own request gives the image at once; the newer one gives an array that is watched."""
    old = {"name": "t", "prompt": "a sunset", "req_key": "high_aes_general_v21_L", "width": 1024, "height": 768}
    done = data(app(task_seconds=None), "POST", "/api/v1/userText2image/start", old)
    assert (done["current_status"], len(done["image_urls"])) == ("completed", 1)
    sim = app()
    body = {"prompt": "a sunset", "model_type": "seedream", "aspect_ratio": "16:9", "max_images": 2, "name": "t"}
    (one, other) = data(sim, "POST", "/api/v1/userText2Image/start", body)
    assert set(one) == {"_id", "name", "prompt", "current_status", "image_urls", "width", "height", "coins"}
    sim.world.clock.advance(20)
    both = data(sim, "POST", "/api/v1/userText2Image/batchDetail", {"ids": [one["_id"], other["_id"]]})
    assert {row["current_status"] for row in both} == {"completed"}
    assert isinstance(data(sim, "POST", "/api/v1/userText2image/start", {**body, "max_images": 1}), list)


def test_the_spelling_of_the_pages_table():
    """Two clients send `negative_prmpt`, as a table has it; whether the service takes it is unknown: a switch."""
    body = {key: value for key, value in VIDEO.items() if key != "negative_prompt"} | {"negative_prmpt": "blurry"}
    assert refusal(app(), "POST", "/api/v1/userImage2Video/start", body)[2] == "negative_prompt is required"
    sim = app(misspelt=True)
    started = data(sim, "POST", "/api/v1/userImage2Video/start", body)
    assert started["negative_prompt"] == "blurry"
    assert "negative_prmpt" not in started


def test_fields_of_other_services_are_passed_over():
    """A client that also talks to other services sends their fields along: duration, aspect_ratio, resolution."""
    body = VIDEO | {"duration": 5, "aspect_ratio": "16:9", "resolution": "720p"}
    assert data(app(), "POST", "/api/v1/userImage2Video/start", body)["_id"]


@pytest.mark.parametrize("refusals", ["code", "declared", "official", "reasons"])
def test_a_refusal_in_each_form_is_read_by_who_looks_everywhere(refusals):
    """A client that looks at msg, message, error and errors finds the reason in each form of a refusal."""
    reply = ask(app(refusals=refusals), "POST", "/api/v1/userImage2Video/start", {}, headers=LANG)
    told = json.loads(reply.body)
    words = " ".join(str(told.get(key, "")) for key in ("msg", "message", "error", "errors"))
    assert reply.status == 400
    assert "image_url is required" in words
    assert isinstance(told["code"], str) is (refusals in ("declared", "official"))


def test_the_free_plan_refuses_everything():
    """Whoever has no plan with the API hears 403 on every call, also on those that need no token."""
    sim = app(plan="free", error_key="msg")
    for method, path in (("GET", "/api/v1/user/remainingCoins"), ("POST", "/api/v1/custom_back/randomBackground")):
        reply = ask(sim, method, path)
        assert (reply.status, json.loads(reply.body)["msg"]) == (403, "API access is not part of your plan")


def test_wan_30_may_not_be_set_up():
    """Its start is refused with 503 then, and no task and no charge exist."""
    sim = app(wan30_set_up=False)
    body = {"model": "wan3.0-video", "input": {"prompt": "x"}, "parameters": {}}
    assert refusal(sim, "POST", "/api/v1/userWan30/start", body)[0] == 503
    assert (sim.world.book.starts, len(sim.world.tasks)) == ([], 0)
