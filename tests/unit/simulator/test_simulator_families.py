"""The simulated service keeps to each family's documented routes, shapes, words and rules; written from its pages."""

from __future__ import annotations

import json
import re

import attrs
import pytest
from asking import app, ask, data, refusal

from a2e_async import families
from a2e_async.calls import catalogue
from a2e_async.cli.commands import explain
from a2e_async.core.family import Family
from a2e_async.simulator.answers.routes import UNKNOWN
from a2e_async.simulator.world.dialects import Dialect, dialect_of
from a2e_async.simulator.world.facts import facts

A_IMAGE, A_VIDEO, A_SOUND = (f"https://files.example.net/a.{end}" for end in ("png", "mp4", "mp3"))
AVATAR = {"title": "demo", "anchor_id": "65f0" * 6, "anchor_type": 0, "audioSrc": A_SOUND}
SWAP = {"name": "swap", "video_url": A_VIDEO, "face_url": A_IMAGE}
VOICE = {"name": "mine", "voice_urls": [A_SOUND]}
BANANA = {"name": "n", "prompt": "a kite"}
CANVAS = {"web_bg_width": 8, "web_bg_height": 8, "web_people_width": 4, "web_people_height": 4}


def with_ids(path):
    """Put an id into each place of a path."""
    return re.sub(r"\{\w+\}", "0" * 24, path)


def known_as(method, path):
    """Name an endpoint as the facts do."""
    return f"{method} {re.sub(r'{_?id}', '{id}', path)}"


def endpoints():
    """Give every endpoint of the SDK with its note."""
    ways = [way for family in families().values() for way in explain.endpoints_of(family)]
    return ways + [explain.endpoint_data(one.method, one.path, one.note) for one in catalogue()]


@pytest.fixture(scope="module")
def routes():
    """Give the routes of a service as it usually is."""
    return app()._service.routes()


@pytest.mark.parametrize("endpoint", sorted(facts()))
def test_what_is_documented_is_served(endpoint, routes):
    """Each documented endpoint has a route."""
    method, path = endpoint.split()
    served = routes.match(method, with_ids(path)) is not UNKNOWN
    assert served, "a call needs a line in CALLS of a file in simulator/answers"


def test_what_the_sdk_asks_is_served_and_documented_or_noted(routes):
    """The SDK has no endpoint that the service does not know; what no page has carries a note that says so."""
    for way in endpoints():
        served = routes.match(way["method"], with_ids(way["path"])) is not UNKNOWN
        assert served, f"give it a line in CALLS of a file in simulator/answers: {way}"
        known = known_as(way["method"], way["path"]) in facts() or way.get("note")
        assert known, f"give it a line in simulator/world/documented.json: {way}"


def test_what_is_documented_can_be_asked_with_the_sdk():
    """Each documented endpoint belongs to a family or a call."""
    assert set(facts()) <= {known_as(way["method"], way["path"]) for way in endpoints()}


@pytest.mark.parametrize("name", sorted(families()))
def test_starts_answer_in_their_shape(name):
    """New text to image and Kling image answer with an array, all others with an object; both hold whole records."""
    sim = app()
    family = families()[name]
    request = family.request(**family.example)
    shown = data(sim, "POST", family.form_of(request).path, body_of(name))
    assert isinstance(shown, list) == (name == "kling_image")
    for row in shown if isinstance(shown, list) else [shown]:
        assert {"_id", "createdAt", "coins"} <= set(row)
        assert sim.world.task(row["_id"]).family == name
    assert isinstance(data(sim, "POST", "/api/v1/userText2Image/start", {"prompt": "x"}), list)


def body_of(name):
    """Write the body of a family's example by hand, from the names that its fields are sent under."""
    family = families()[name]
    sent = {field["field"]: field for field in explain.fields_as_data(family)}
    body = {sent[field]["sent_as"]: value for field, value in family.example.items()}
    if name in TEXT_DURATIONS:
        body = {key: str(value) if key.startswith("duration") else value for key, value in body.items()}
    always = family.form_of(family.request(**family.example)).always
    return {**always, **({family.name_field: "mine"} if family.name_field else {}), **body}


TEXT_DURATIONS = {
    "grok_video", "hailuo", "happy_horse", "kling_omni", "kling_video", "minimax_h3", "seedance", "sora", "wan26_r2v",
    "wan_video",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TEXT_DURATIONS))
def test_seconds_are_text_where_they_are_documented_so(name):
    """A number in place of the text is refused, and the field named."""
    family, sim = families()[name], app()
    field = "duration_seconds" if name == "sora" else "duration"
    status, code, words = refusal(sim, "POST", family.forms[0].path, {**body_of(name), field: 5})
    assert (status, code) == (400, 400)
    assert words.startswith(f"{field} must be text")


@pytest.mark.parametrize("name", ["wan_spicy", "seedance2", "talking_photo", "talking_video"])
def test_seconds_are_numbers_elsewhere(name):
    """A text in place of the number is refused, and the field named."""
    family = families()[name]
    words = refusal(app(), "POST", family.forms[0].path, {**body_of(name), "duration": "5"})[2]
    assert words.startswith("duration must be a")


I2V, T2I, WAN = "/api/v1/userImage2Video/start", "/api/v1/userText2Image/start", "/api/v1/userWan25/start"
SPICY, HORSE = "/api/v1/userWanSpicy/start", "/api/v1/userHappyhorseVideo/start"
S1, S2, VEO = "/api/v1/seedanceVideo/start", "/api/v1/seedance2Video/start", "/api/v1/veoVideo/start"
GROK, KLING, OMNI = "/api/v1/grokVideo/start", "/api/v1/klingVideo/start", "/api/v1/klingOmni/start"
FIRST = {"prompt": "p", "image_url": A_IMAGE}
SPICED = {**FIRST, "resolution": "720p", "duration": 5}
TWO = [A_IMAGE, A_IMAGE]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (I2V, {**FIRST, "negative_prompt": "n", "video_time": 6}, "video_time"),
        (I2V, {**FIRST, "negative_prompt": "n", "video_length": 1001}, "video_length"),
        (I2V, {**FIRST, "negative_prompt": "n", "extend_prompt": "yes"}, "extend_prompt"),
        (I2V, {**FIRST, "negative_prompt": "n", "webhook_token": "x" * 257}, "webhook_token"),
        (T2I, {"prompt": "x", "width": 0}, "width"),
        (T2I, {"prompt": "x", "input_images": ["data:image/png;base64,AA"]}, "input_images"),
        ("/api/v1/userNanoBanana/start", {"prompt": "x"}, "name"),
        ("/api/v1/userNanoBanana/start", {**BANANA, "image_size": "8K"}, "image_size"),
        ("/api/v1/userGptImage/start", {**BANANA, "input_images": TWO * 9}, "input_images"),
        ("/api/v1/userGptImage/start", {**BANANA, "prompt": "x" * 3001}, "prompt"),
        ("/api/v1/userFlux2/start", {**BANANA, "input_images": TWO * 5}, "input_images"),
        ("/api/v1/userQwen2Image/start", {**BANANA, "size": "2048*2048"}, "size"),
        ("/api/v1/userKlingImage/start", {**BANANA, "n": 10}, "n"),
        ("/api/v1/userKlingImage/start", {**BANANA, "resolution": "2K"}, "resolution"),
        (WAN, {"prompt": "p"}, "image_url"),
        (WAN, {**FIRST, "duration": "7"}, "duration"),
        (WAN, {"prompt": "p", "task_type": "text_to_video"}, "task_type"),
        (WAN, {**FIRST, "model": "wan2.7-i2v", "task_type": "first_last_frame"}, "last_frame_url"),
        (WAN, {"prompt": "p", "model": "wan2.7-i2v", "task_type": "reference_image"}, "reference_media"),
        (WAN, {**FIRST, "seed": 2147483648}, "seed"),
        (SPICY, {**SPICED, "image_url": "http://files.example.net/a.png"}, "image_url"),
        (SPICY, {**SPICED, "resolution": "480p"}, "resolution"),
        (SPICY, {**SPICED, "duration": 16}, "duration"),
        (SPICY, {**SPICED, "model": "wan2.2-i2v-spicy", "duration": 7}, "duration"),
        ("/api/v1/userWan30/start", {"model": "wan3.0-video", "input": "p", "parameters": {}}, "input"),
        ("/api/v1/userWan30/start", {"model": "wan3.0-video", "input": {}}, "parameters"),
        (HORSE, {"mode": "t2v"}, "prompt"),
        (HORSE, {"mode": "i2v"}, "image_url"),
        (HORSE, {"mode": "r2v", "prompt": "p"}, "reference_image_urls"),
        (HORSE, {"mode": "t2v", "prompt": "p", "duration": "7"}, "duration"),
        (HORSE, {"mode": "t2v", "prompt": "p", "resolution": "480P"}, "resolution"),
        (S1, {"prompt": "p", "mode": "image-to-video"}, "image_url"),
        (S2, {"prompt": "p", "mode": "first-last-frames", "first_frame_url": A_IMAGE}, "last_frame_url"),
        (S2, {"prompt": "p", "reference_urls": TWO * 5}, "reference_urls"),
        (S2, {"prompt": "p", "duration": 16}, "duration"),
        (S2, {"prompt": "p", "model_version": "fast", "resolution": "1080p"}, "resolution"),
        (S2, {"prompt": "p", "model_version": "2.5", "omni_reference_task_type": "edit"}, "video_urls"),
        (VEO, {"prompt": "", "generationType": "REFERENCE_2_VIDEO"}, "imageUrls"),
        (VEO, {"prompt": "p", "seeds": 9999}, "seeds"),
        (GROK, {"model_type": "text-to-video"}, "prompt"),
        (GROK, {"model_type": "image-to-video"}, "image_urls"),
        (GROK, {"prompt": "p", "model_version": "1.5", "model_type": "text-to-video"}, "model_type"),
        (KLING, {"prompt": "p", "mode": "motion-control", "image_url": A_IMAGE}, "video_url"),
        (KLING, {"prompt": "p", "mode": "text-to-video", "duration": "7"}, "duration"),
        (KLING, {"prompt": "p", "mode": "text-to-video", "quality_mode": "4k"}, "quality_mode"),
        (OMNI, {"multi_shot": False}, "prompt"),
        (OMNI, {"prompt": "p", "duration": "16"}, "duration"),
        (OMNI, {"prompt": "p", "multi_shot": True}, "shot_type"),
        (
            OMNI,
            {"shot_type": "customize", "multi_shot": True, "multi_prompt": [{"prompt": "p", "duration": "3"}]},
            "multi_prompt",
        ),
        (OMNI, {"prompt": "p", "image_list": TWO * 4}, "image_list"),
        ("/api/v1/soraVideo/start", {"prompt": "p"}, "image_urls"),
        ("/api/v1/userImageEdit/start", {"edit_type": "clothing", "image_urls": [A_IMAGE]}, "image_urls"),
        ("/api/v1/virtualTryOn/start", {"image_urls": TWO * 3}, "image_urls"),
        ("/api/v1/productAvatar/start", {"image_urls": TWO, "product_rect": [1]}, "product_rect"),
        ("/api/v1/userPhotobook/start", {"face_image_url": A_IMAGE, "total_count": 5}, "total_count"),
        ("/api/v1/userFaceSwapTask/add", {"video_url": A_VIDEO, "face_url": A_IMAGE}, "name"),
        ("/api/v1/headSwap/start", {"image_url": A_IMAGE}, "target_image_url"),
        ("/api/v1/talkingPhoto/start", {"name": "n", **FIRST}, "negative_prompt"),
        ("/api/v1/video/generate", {**AVATAR, "title": "x" * 41}, "title"),
        ("/api/v1/video/generate", {**AVATAR, "audioSrc": None}, "audioSrc"),
        ("/api/v1/video/generate", {**AVATAR, "back_id": "65f1" * 6}, "web_bg_width"),
        ("/api/v1/userVideoTwin/startTraining", {"name": "me"}, "image_url"),
        ("/api/v1/userVoice/training", {"name": "me", "voice_urls": []}, "voice_urls"),
        ("/api/v1/userDubbing/startDubbing", {"video_url": A_VIDEO, "target_language": "es"}, "source_url"),
        ("/api/v1/thinkSound/start", {"video_url": "https://files.example.net/a.webm"}, "video_url"),
        ("/api/v1/userCaptionRemoval/start", {"name": "n", "video_url": A_VIDEO}, "source_url"),
    ],
)
def test_what_the_pages_forbid_is_refused(path, body, field):
    """A start that breaks a documented rule gets 400 with the field's name, and costs nothing."""
    sim = app()
    status, code, words = refusal(sim, "POST", path, body)
    assert (status, code) == (400, 400)
    assert field in words
    assert sim.world.coins == 10_000


def test_both_backgrounds_have_a_code_of_their_own():
    """Both backgrounds at once are code 30005; either one alone is right."""
    sim = app()
    both = {**AVATAR, **CANVAS, "back_id": "65f1" * 6, "custom_back_id": "65f2" * 6}
    assert refusal(sim, "POST", "/api/v1/video/generate", both)[1] == 30005
    assert data(sim, "POST", "/api/v1/video/generate", {**AVATAR, **CANVAS, "back_id": "65f1" * 6})["_id"]


def test_an_avatar_video_has_its_own_words():
    """Status goes from init to copy and success, `process` to 100; each way to ask has its own shape."""
    sim = app()
    started = data(sim, "POST", "/api/v1/video/generate", AVATAR)
    seen = []
    for _ in range(41):
        (row,) = data(sim, "POST", "/api/v1/video/awsResult", {"_id": started["_id"]})
        seen.append((row["status"], row["process"]))
        sim.world.clock.advance(0.25)
    words = list(dict.fromkeys(word for word, _ in seen))
    assert words == ["init", "start", "pending", "process", "copy", "success"]
    assert [done for _, done in seen] == sorted(done for _, done in seen)
    assert seen[-1] == ("success", 100)
    same = data(sim, "GET", "/api/v1/video/detail", video_id=started["_id"])
    assert (same["_id"], same["title"], same["result"][:4]) == (started["_id"], "demo", "http")
    listed = data(sim, "GET", "/api/v1/video/awsList", current=1, pageSize=10)
    assert (listed["current"], listed["total"], listed["success"]) == (1, 1, True)
    assert listed["data"][0]["_id"] == started["_id"]


def test_a_voice_has_its_own_words_and_makes_no_file():
    """A training is `pendding` for a while; its record has no link at the end."""
    sim = app()
    started = data(sim, "POST", "/api/v1/userVoice/training", VOICE)
    seen = []
    for _ in range(12):
        seen.append(data(sim, "GET", f"/api/v1/userVoice/{started['_id']}"))
        sim.world.clock.advance(1)
    words = [row["current_status"] for row in seen]
    assert list(dict.fromkeys(words)) == ["sent", "pendding", "processing", "completed"]
    assert not any("http" in str(value) for key, value in seen[-1].items() if key != "voice_urls")
    (listed,) = data(sim, "GET", "/api/v1/userVoice/trainingRecord")
    assert listed["_id"] == started["_id"]


def test_one_voice_at_a_time_and_so_many_at_all():
    """A second training is refused while one runs, and one above the limit with 403."""
    sim = app(voice_limit=1)
    data(sim, "POST", "/api/v1/userVoice/training", VOICE)
    assert data(sim, "GET", "/api/v1/userVoice/completedRecord") == []
    assert refusal(sim, "POST", "/api/v1/userVoice/training", VOICE)[0] == 400
    sim.world.clock.advance(10)
    assert len(data(sim, "GET", "/api/v1/userVoice/completedRecord")) == 1
    assert refusal(sim, "POST", "/api/v1/userVoice/training", VOICE)[0] == 403
    sim.world.change(voice_limit=2)
    assert data(sim, "POST", "/api/v1/userVoice/training", VOICE)["_id"]


def test_a_face_swap_spells_its_failure_and_leaves_the_status_list():
    """`faild_message` and `error_code` "0"; the account-wide status has unfinished tasks alone."""
    sim = app()
    started = data(sim, "POST", "/api/v1/userFaceSwapTask/add", SWAP)
    assert (started["error_code"], started["faild_message"]) == ("0", "")
    assert [row["_id"] for row in data(sim, "GET", "/api/v1/userFaceSwapTask/status")] == [started["_id"]]
    sim.world.finish(started["_id"], failed=True, code="nsfw")
    assert data(sim, "GET", "/api/v1/userFaceSwapTask/status") == []
    failed = data(sim, "GET", f"/api/v1/userFaceSwapTask/{started['_id']}")
    assert (failed["error_code"], "sensitive" in failed["faild_message"]) == ("nsfw", True)
    assert "failed_message" not in failed


@pytest.mark.parametrize("path", ["/api/v1/userNanoBanana/allRecords", "/api/v1/userFaceSwapTask/records"])
def test_two_lists_demand_both_paging_parameters(path):
    """Without either of them these lists are a 400."""
    sim = app()
    assert [ask(sim, "GET", path, **query).status for query in ({}, {"pageNum": 1}, {"pageSize": 10})] == [400] * 3
    assert ask(sim, "GET", path, pageNum=1, pageSize=10).status == 200


def test_nano_banana_has_paths_and_a_list_of_its_own():
    """Its detail and delete have words before the id, its list is under `list`, and takes a status."""
    sim = app()
    path, page = "/api/v1/userNanoBanana", {"pageNum": 1, "pageSize": 10}
    started = data(sim, "POST", f"{path}/start", BANANA)
    assert data(sim, "GET", f"{path}/allRecords", **page)["list"][0]["_id"] == started["_id"]
    assert data(sim, "GET", f"{path}/allRecords", status="completed", **page) == {"list": []}
    assert data(sim, "GET", f"{path}/detail/{started['_id']}")["image_urls"] == []
    assert ask(sim, "GET", f"{path}/{started['_id']}").status == 404
    assert ask(sim, "DELETE", f"{path}/{started['_id']}").status == 404
    assert data(sim, "DELETE", f"{path}/delete/{started['_id']}")["_id"] == started["_id"]


def test_each_list_has_its_own_paging():
    """GPT Image pages by `page` and `page_size`; `pageNum` means nothing to it."""
    sim = app()
    for _ in range(3):
        data(sim, "POST", "/api/v1/userGptImage/start", BANANA)
    rows = [data(sim, "GET", "/api/v1/userGptImage/list", page=page, page_size=2)["rows"] for page in (1, 2)]
    assert [len(page) for page in rows] == [2, 1]
    assert len(data(sim, "GET", "/api/v1/userGptImage/list", pageNum=2)["rows"]) == 3


@pytest.mark.parametrize("name", ["userNanoBanana", "userGptImage", "userFlux2"])
def test_nsfw_content_may_be_a_success_that_starts_nothing(name):
    """Without force_generate the answer is HTTP 200 and code 0, and neither task nor bill is there; with it, both."""
    sim = app()
    body = {**BANANA, "prompt": "a kite [nsfw]"}
    value = json.loads(ask(sim, "POST", f"/api/v1/{name}/start", {**body, "force_generate": False}).body)
    assert (value["code"], value["data"], value["msg"]) == (0, None, "NSFW content detected")
    assert sim.world.book.starts == []
    assert data(sim, "POST", f"/api/v1/{name}/start", body)["_id"]


def test_upscale_denies_without_a_code():
    """A refusal of upscale says `success: false` also in the older form."""
    value = json.loads(ask(app(refusals="code"), "POST", "/api/v1/userUpscale/start", {"name": "x"}).body)
    assert (value["success"], "code" in value) == (False, False)
    assert "source_url" in value["message"]


@pytest.mark.parametrize(("path", "status"), [("/api/v1/userFlux2/start", 402), ("/api/v1/userGptImage/start", 200)])
def test_too_few_coins_are_refused_as_documented(path, status):
    """Flux 2 documents 402; others follow the switch."""
    assert refusal(app(coins=0, poor="200"), "POST", path, BANANA)[0] == status


@pytest.mark.parametrize(
    ("fields", "coins"),
    [
        ({}, 20),
        ({"quality": "high"}, 35),
        ({"model": "gpt-image-2"}, 25),
        ({"model": "gpt-image-2", "resolution": "4K"}, 45),
    ],
)
def test_stated_prices_are_kept(fields, coins):
    """GPT Image costs what its page says."""
    assert data(app(), "POST", "/api/v1/userGptImage/start", {**BANANA, **fields})["coins"] == coins


def test_a_head_swap_has_no_name_and_makes_what_it_is_given():
    """An image makes an image, a video a video."""
    ends = []
    for target in (A_IMAGE, A_VIDEO):
        sim = app()
        body = {"image_url": A_IMAGE, "target_image_url": target}
        started = data(sim, "POST", "/api/v1/headSwap/start", body)
        assert "name" not in started
        sim.world.clock.advance(10)
        link = data(sim, "GET", f"/api/v1/headSwap/{started['_id']}")["result_url"]
        ends.append(link.partition("?")[0][-4:])
    assert ends == [".png", ".mp4"]


def test_a_photobook_has_many_images_in_one_task():
    """total_count images are as many links, each a file of its own."""
    sim = app()
    started = data(sim, "POST", "/api/v1/userPhotobook/start", {"face_image_url": A_IMAGE, "total_count": 8})
    sim.world.clock.advance(10)
    links = data(sim, "GET", f"/api/v1/userPhotobook/{started['_id']}")["image_urls"]
    assert len({ask(sim, "GET", link, headers={}).media for link in links}) == 8


def test_several_kling_images_are_several_tasks():
    """`n` images come as an array of n tasks, each paid."""
    sim = app()
    assert len(data(sim, "POST", "/api/v1/userKlingImage/start", {**BANANA, "n": 3})) == 3
    assert sim.world.book.charged == 30


@pytest.mark.parametrize(("name", "most"), [("userKlingImage", 200), ("userFlux2", 100)])
def test_batches_have_the_documented_limit(name, most):
    """200 ids where that is stated, 100 where nothing is."""
    sim = app()
    replies = [ask(sim, "POST", f"/api/v1/{name}/batchDetail", {"ids": ["0" * 24] * many}) for many in (most, most + 1)]
    assert [reply.status for reply in replies] == [200, 400]


@pytest.mark.parametrize(("dialects", "served"), [("both", [200, 200]), ("new", [200, 404]), ("old", [404, 200])])
def test_a_server_may_know_one_dialect_alone(dialects, served):
    """The newer and the older way to ask for a dubbing."""
    sim = app(dialects=dialects)
    body = {"source_url": A_VIDEO, "target_lang": "es"}
    task_id = data(sim, "POST", "/api/v1/userDubbing/startDubbing", body)["_id"]
    newer = ask(sim, "GET", f"/api/v1/userDubbing/{task_id}").status
    older = ask(sim, "GET", "/api/v1/userDubbing/detail", _id=task_id).status
    assert [newer, older] == served


def test_supposed_endpoints_can_be_left_out():
    """With `undocumented=False` only what some page names is there."""
    base, body = "/api/v1/userWan30", {"model": "wan3.0-video", "input": {"prompt": "p"}, "parameters": {}}
    for supposed, status in ((True, 200), (False, 404)):
        sim = app(undocumented=supposed)
        task_id = data(sim, "POST", f"{base}/start", body)["_id"]
        assert ask(sim, "GET", f"{base}/{task_id}").status == status


def test_an_older_way_of_one_family_does_not_hide_another_family():
    """Wan 3.0 may be asked where Wan 2.5 is; the tasks there stay those of Wan 2.5."""
    for dialects in ("both", "old"):
        sim = app(dialects=dialects)
        task_id = data(sim, "POST", WAN, FIRST)["_id"]
        assert data(sim, "GET", f"/api/v1/userWan25/{task_id}")["_id"] == task_id


def test_faults_find_the_id_wherever_it_stands():
    """A fault for one task strikes when the query or the body names it."""
    sim = app()
    task_id = data(sim, "POST", "/api/v1/video/generate", AVATAR)["_id"]
    for _ in range(2):
        sim.faults.add("avatar_video.detail", "status", status=503, id=task_id)
    assert ask(sim, "POST", "/api/v1/video/awsResult", {"_id": "0" * 24}).status == 404
    assert ask(sim, "POST", "/api/v1/video/awsResult", {"_id": task_id}).status == 503
    assert ask(sim, "GET", "/api/v1/video/detail", video_id=task_id).status == 503


def test_a_family_of_somebody_else_is_served_as_it_says():
    """A family that no page knows is written down by the fields that it names itself."""
    request = families()["image_to_video"].request
    other = Family(
        name="x", title="X", request=request, base="/api/v1/x", status_fields=("state",), result_fields=("videos",)
    )
    assert (dialect_of(other).status, dialect_of(other).result) == ("state", "videos")
    assert dialect_of(attrs.evolve(other, base="/api/v1/grokVideo", forms=families()["grok_video"].forms)) == Dialect()
