"""The simulator's answers and refusals beside the service's own document: every one that it declares."""

from __future__ import annotations

import json

import pytest
from asking import app, ask
from truths import ASKED, SCHEMAS, TOLD, checked, key_of, listed, wrong_with

from a2e_async import families
from a2e_async.core import wire

NAMES = sorted(families())
ID = "65f000000000000000000001"
IMAGE = "https://files.example.net/in.png"
VOICE = {"name": "mine", "voice_urls": [IMAGE]}
REFUSING = "give each a line in simulator/answers/declared.json; one that never comes stands in differences.json"


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_about_tasks_is_as_documented(name):
    """Start, detail, list, batch and delete of each family, a wrong body and a wrong token."""
    family = families()[name]
    sim = app(refusals="declared")
    sent = wire.start(family, family.request(**family.example))
    started = checked(sim, "POST", sent.path, dict(sent.body))
    sim.world.clock.advance(20)
    task_id = (started[0] if isinstance(started, list) else started)["_id"]
    asked = [wire.detail(family, task_id)]
    asked += [wire.listing(family, 1, 10)] if family.listing else []
    asked += [wire.batch(family, [task_id])] if family.batch else []
    asked += [wire.delete(family, task_id)] if family.delete else []
    for one in asked:
        checked(sim, one.method, one.path, one.body, **one.query)
    checked(sim, "POST", sent.path, {"name": 7})
    refused = ask(sim, "POST", sent.path, dict(sent.body), headers={})
    if "401" in SCHEMAS.get(key_of("POST", sent.path), {}).get("refusals", ()):
        assert wrong_with(TOLD["refusal"], json.loads(refused.body)) == [], REFUSING


CALLS = [
    ("POST", "/api/v1/custom_back/allBackground", {}),
    ("POST", "/api/v1/custom_back/randomBackground", {}),
    ("GET", "/api/v1/userDubbing/allProcessing", None),
    ("GET", "/api/v1/userCaptionRemoval/allProcessing", None),
    ("GET", "/api/v1/userImage2Video/avgProcessingTime", None),
    ("GET", "/api/v1/userImage2Video/unlimitedQueueLevel", None),
    ("GET", "/api/v1/userVoice/trainingRecord", None),
    ("GET", "/api/v1/userVoice/completedRecord", None),
    ("POST", "/api/v1/anchor/list", {"web_type": "a2e"}),
    ("POST", "/api/v1/userVideoTwin/upload", {"a": 1}),
    ("POST", "/api/v1/userVideoTwin/training", {"a": 1}),
    ("POST", "/api/v1/r2/upload-presigned-url", {"key": "k.png"}),
    ("POST", "/api/v1/r2/get_upload_presigned_url", {"key": "k.png", "expiresIn": 60}),
    ("POST", "/api/v1/generation/quote", {"endpoint": "/api/v1/userText2Image/start", "requestBody": {"prompt": "x"}}),
    ("GET", "/api/v1/anchor/voice_list", None),
    ("POST", "/api/v1/anchor/language_list", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_every_answer_of_a_call_is_as_documented(method, path, body):
    """Calls whose answer has a schema, when there is something to give and when they are refused."""
    sim = app(refusals="declared")
    checked(sim, "POST", "/api/v1/userVoice/training", VOICE)
    sim.world.clock.advance(20)
    checked(sim, method, path, body)
    refused = ask(sim, method, path, body, headers={})
    if "401" in SCHEMAS[key_of(method, path)].get("refusals", ()):
        assert wrong_with(TOLD["refusal"], json.loads(refused.body)) == [], REFUSING


def test_what_is_done_with_tasks_is_answered_as_documented():
    """Marks, renamed voices, twins and second tries, which answer {success, data, timestamp}."""
    sim = app(refusals="declared")
    video = checked(
        sim, "POST", "/api/v1/userImage2Video/start", {"image_url": IMAGE, "prompt": "a", "negative_prompt": "b"}
    )
    for mark in ("Shared", "Downloaded", "Copied"):
        checked(sim, "POST", f"/api/v1/userImage2Video/{video['_id']}/mark{mark}", {})
    voice = checked(sim, "POST", "/api/v1/userVoice/training", VOICE)
    checked(sim, "PUT", f"/api/v1/userVoice/{voice['_id']}", {"name": "other"})
    twin = checked(sim, "POST", "/api/v1/userVideoTwin/startTraining", {"name": "[fail] me", "video_url": IMAGE})
    sim.world.clock.advance(20)
    checked(sim, "GET", f"/api/v1/userVideoTwin/{twin['_id']}")
    checked(sim, "POST", "/api/v1/userVideoTwin/retry", {"_id": twin["_id"]})
    checked(sim, "DELETE", f"/api/v1/userVoice/{voice['_id']}")
    own = checked(sim, "POST", "/api/v1/custom_avatar/add", {"name": "me"})
    checked(sim, "PUT", f"/api/v1/custom_avatar/{own['_id']}", {"name": "you"})


BETWEEN = {
    "reference_id": ID,
    "image_url": IMAGE,
    "end_image_url": IMAGE,
    "prompt": "she waves",
    "negative_prompt": "b",
}


def test_what_is_kept_and_asked_beside_tasks_is_answered_as_documented():
    """Faces, own avatars and backgrounds, speech and its previews, longer prompts, coins, and the lists of twins."""
    sim = app(refusals="declared")
    face = checked(sim, "POST", "/api/v1/userFaceSwapImage/add", {"face_url": IMAGE})[0]
    checked(sim, "GET", "/api/v1/userFaceSwapImage/records")
    checked(sim, "DELETE", f"/api/v1/userFaceSwapImage/{face['_id']}")
    for room, body in (("custom_avatar", {"name": "me"}), ("custom_back", {"img_url": IMAGE})):
        checked(sim, "POST", f"/api/v1/{room}/add", body)
        own = checked(sim, "POST", f"/api/v1/{room}/list", {})[0]
        checked(sim, "POST", f"/api/v1/{room}/del", {"_id": own["_id"]})
    checked(sim, "GET", "/api/v1/custom_avatar/all_tags")
    checked(sim, "POST", "/api/v1/anchor/voice_list", {})
    voice = checked(sim, "POST", "/api/v1/anchor/tts_list", {})[0]
    checked(sim, "POST", "/api/v1/video/send_tts", {"msg": "hello", "tts_id": voice["_id"]})
    spoken = checked(sim, "GET", "/api/v1/tts/preview/list")["data"][0]
    checked(sim, "DELETE", f"/api/v1/tts/preview/{spoken['_id']}")
    checked(sim, "POST", "/api/v1/userImage2Video/prompt_extension", BETWEEN)
    checked(sim, "POST", "/api/v1/userImage2Video/flf2v_prompt_extension", BETWEEN)
    checked(sim, "GET", "/api/v1/transactionRecord/creditsHistory", pageNum=1, pageSize=10)
    for words in ("trainingRecords", "uploadStatus", "userRecords"):
        checked(sim, "GET", f"/api/v1/userVideoTwin/{words}")


def test_what_is_done_with_finished_tasks_is_answered_as_documented():
    """The newer text-to-image, a second try of captions, the list of face swaps, what a trained twin is asked for."""
    sim = app(refusals="declared")
    checked(sim, "POST", "/api/v1/userText2Image/start", {"prompt": "a kite", "model_type": "a2e", "max_images": 2})
    captions = checked(sim, "POST", "/api/v1/userCaptionRemoval/start", {"name": "[fail] it", "source_url": IMAGE})
    checked(sim, "POST", "/api/v1/userFaceSwapTask/add", {"name": "n", "video_url": IMAGE, "face_url": IMAGE})
    checked(sim, "GET", "/api/v1/userFaceSwapTask/status")
    avatar = {"title": "t", "anchor_id": ID, "anchor_type": 0, "audioSrc": IMAGE}
    video = checked(sim, "POST", "/api/v1/video/generate", avatar)
    twin = checked(sim, "POST", "/api/v1/userVideoTwin/startTraining", {"name": "me", "video_url": IMAGE})
    sim.world.clock.advance(60)
    checked(sim, "POST", "/api/v1/userCaptionRemoval/retry", {"_id": captions["_id"]})
    checked(sim, "GET", "/api/v1/video/detail", video_id=video["_id"])
    for words in ("eyeContact", "continueTraining"):
        checked(sim, "POST", f"/api/v1/userVideoTwin/{words}", {"_id": twin["_id"]})


def test_no_answer_that_has_a_schema_is_left_out():
    """The tests above hold each answer of the document against its schema, without exception."""
    ASKED.clear()
    for name in NAMES:
        test_every_answer_about_tasks_is_as_documented(name)
    for call in CALLS:
        test_every_answer_of_a_call_is_as_documented(*call)
    test_what_is_done_with_tasks_is_answered_as_documented()
    test_what_is_kept_and_asked_beside_tasks_is_answered_as_documented()
    test_what_is_done_with_finished_tasks_is_answered_as_documented()
    left_out = {key for key, schema in SCHEMAS.items() if "answer" in schema} - ASKED
    assert not left_out, "give each a line in CALLS above, or a `checked` in one of the tests"


DECLARED = [(*key.split(), status) for key, schema in SCHEMAS.items() for status in schema.get("refusals", ())]


def nonsense(schema, method):
    """Give a body and a query that are wrong: fields of other types than documented, a query without what it needs."""
    fields, query = (schema.get(place, {}) for place in ("body", "query"))
    wrong = {key: 7 if one.get("type") == "string" else "x" for key, one in fields.get("properties", {}).items()}
    more = {key: "x" for key in query.get("properties", {}) if key not in query.get("required", ())}
    return (None, more) if method == "GET" else ({"name": 7, "ids": 7, "_id": 7} | wrong, {})


def refused_as_declared(sim, method, path, status):
    """Whether the simulator gives this refusal, in the declared form: no token, nonsense, or an id that nobody has."""
    url = path.replace("{id}", ID)
    body, query = nonsense(SCHEMAS[f"{method} {path}"], method)
    if status == "401":
        reply = ask(sim, method, url, body, headers={}, **query)
    elif status == "403":  # the one of a training of a voice, when there are too many
        reply = ask(sim, method, url, VOICE)
    else:
        reply = ask(sim, method, url, body, **query)
    return reply.status == int(status) and wrong_with(TOLD["refusal"], json.loads(reply.body)) == []


def test_every_declared_refusal_is_given_as_declared():
    """Each of the document's refusals, but for the 400s that `differences.json` has with the reason, and no more."""
    sim = app(refusals="declared", voice_limit=1)
    checked(sim, "POST", "/api/v1/userVoice/training", VOICE)
    sim.world.clock.advance(20)
    missing = {f"{m} {path} {status}" for m, path, status in DECLARED if not refused_as_declared(sim, m, path, status)}
    assert missing == listed("refusals that the simulator never gives"), REFUSING
