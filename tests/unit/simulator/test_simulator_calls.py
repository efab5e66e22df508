"""The one-shot calls of the simulated service: speech, avatars, streaming, prompts and what a task can be asked."""

from __future__ import annotations

import io
import json
import wave
from urllib.parse import parse_qsl, urlsplit

import pytest
from asking import app, ask, data, refusal

from a2e_async.simulator import SimRequest, Studio

A_IMAGE, A_VIDEO = "https://files.example.net/a.png", "https://files.example.net/a.mp4"
SAY = "/api/v1/video/send_tts"
I2V = "/api/v1/userImage2Video"
STREAM = "/api/v1/streaming-avatar"
TWIN = "/api/v1/userVideoTwin"
PROMPT = {"reference_id": "r", "image_url": A_IMAGE, "prompt": "a kite", "negative_prompt": "blurry"}


def file_at(sim, link):
    """Fetch and render the file behind a link of the service."""
    parts = urlsplit(link)
    reply = sim.handle(SimRequest("GET", parts.path, dict(parse_qsl(parts.query))))
    return None if reply.media is None else Studio("plain").render_now(reply.media)


def finished(sim, base, body, start="start"):
    """Start a task and let it be completed."""
    task_id = data(sim, "POST", f"{base}/{start}", body)["_id"]
    sim.world.clock.advance(10)
    return task_id


def voice_of(sim, place=0):
    """Give the id of a public voice."""
    return data(sim, "GET", "/api/v1/anchor/voice_list")[0]["children"][place]["value"]


def test_speech_is_a_link_to_real_sound():
    """Other words and other voices sound otherwise; more words sound longer; a higher rate is quicker."""
    sim = app()
    one, two = voice_of(sim), voice_of(sim, 1)
    asked = [("hello", one, 1), ("hello", two, 1), ("a much longer sentence", one, 1), ("hello there", one, 2)]
    links = [data(sim, "POST", SAY, {"msg": words, "tts_id": tts, "speechRate": rate}) for words, tts, rate in asked]
    blobs = [file_at(sim, link) for link in links]
    assert {blob.content_type for blob in blobs} == {"audio/wav"}
    assert len({blob.body for blob in blobs}) == 4
    seconds = []
    for blob in blobs:
        with wave.open(io.BytesIO(blob.body)) as sound:
            seconds.append(sound.getnframes() / sound.getframerate())
    assert seconds[2] > seconds[1] == seconds[0] >= 0.5
    assert data(sim, "POST", SAY, {"msg": "hello", "tts_id": one}) == links[0]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"msg": "x"}, "tts_id"),
        ({"msg": "x", "tts_id": "1", "user_voice_id": "2"}, "user_voice_id"),
        ({"msg": "x", "tts_id": "zzz"}, "tts_id"),
        ({"msg": "x", "tts_id": "65f0" * 6}, "voice"),
        ({"msg": "x", "user_voice_id": "65f0" * 6}, "voice"),
        ({"msg": "x" * 1001, "tts_id": "a public one"}, "msg"),
        ({"tts_id": "1"}, "msg"),
        ({"msg": "x", "tts_id": "1", "speechRate": 2.1}, "speechRate"),
    ],
)
def test_speech_has_rules(body, field):
    """One voice that there is, at most 1,000 characters, half to double speed."""
    sim = app()
    if body.get("tts_id") == "a public one":
        body = body | {"tts_id": voice_of(sim)}
    status, _code, words = refusal(sim, "POST", SAY, body)
    assert (status, field in words) == (400, True)


def test_speech_is_listed_for_a_day_and_its_link_lasts_a_week():
    """A preview can be asked for, listed and forgotten; the sound stays where it is."""
    sim = app()
    link = data(sim, "POST", SAY, {"msg": "hello", "tts_id": voice_of(sim)})
    listed = data(sim, "GET", "/api/v1/tts/preview/list", current=1, pageSize=20)
    (spoken,) = listed["data"]
    assert (listed["total"], spoken["msg"], spoken["audio_url"]) == (1, "hello", link)
    assert data(sim, "GET", f"/api/v1/tts/preview/{spoken['_id']}") == spoken
    data(sim, "DELETE", f"/api/v1/tts/preview/{spoken['_id']}")
    assert refusal(sim, "DELETE", f"/api/v1/tts/preview/{spoken['_id']}")[0] == 404
    data(sim, "POST", SAY, {"msg": "again", "tts_id": voice_of(sim)})
    sim.world.clock.advance(86_401)
    assert data(sim, "GET", "/api/v1/tts/preview/list")["data"] == []
    assert file_at(sim, link)
    sim.world.clock.advance(6 * 86_400)
    assert file_at(sim, link) is None


def test_voices_and_languages_are_trees():
    """Voices by gender, languages by country and region; a locale has voices of its own; GET and POST agree."""
    sim = app()
    english = data(sim, "GET", "/api/v1/anchor/voice_list", country="en", region="US")
    assert [group["value"] for group in english] == ["female", "male"]
    assert english == data(sim, "POST", "/api/v1/anchor/voice_list", {})
    assert english != data(sim, "GET", "/api/v1/anchor/voice_list", country="de", region="DE")
    ids = [voice["value"] for group in english for voice in group["children"]]
    assert len(set(ids)) == 6
    assert [one["_id"] for one in data(sim, "POST", "/api/v1/anchor/tts_list", {})] == ids
    languages = data(sim, "POST", "/api/v1/anchor/language_list", {})
    assert {"value": "US", "label": "United States"} in languages[0]["children"]
    said = {"en": "hello", "ja": "こんにちは", "zh": "你好"}
    assert {data(sim, "POST", "/api/v1/video/lang_classify", {"msg": words}) for words in said.values()} == set(said)


def test_faces_come_back_as_the_whole_list():
    """Adding a face answers with all of them, newest first."""
    sim = app()
    for number in (1, 2):
        kept = data(sim, "POST", "/api/v1/userFaceSwapImage/add", {"face_url": f"{A_IMAGE}?{number}"})
    assert [face["face_url"][-1] for face in kept] == ["2", "1"]
    data(sim, "DELETE", f"/api/v1/userFaceSwapImage/{kept[0]['_id']}")
    assert data(sim, "GET", "/api/v1/userFaceSwapImage/records") == kept[1:]
    assert refusal(sim, "POST", "/api/v1/userFaceSwapImage/add", {})[2] == "face_url is required"


def test_backgrounds_are_the_services_and_ones_own():
    """An own background is added, listed and deleted; the service's are always there, with real images."""
    sim = app()
    own = data(sim, "POST", "/api/v1/custom_back/add", {"img_url": A_IMAGE})
    everything = data(sim, "POST", "/api/v1/custom_back/allBackground", {})
    assert everything == data(sim, "GET", "/api/v1/custom_back/allBackground")
    assert (everything[0], len(everything)) == (own, 4)
    assert file_at(sim, everything[1]["img_url"]).content_type == "image/png"
    assert data(sim, "POST", "/api/v1/custom_back/list", {}) == [own]
    data(sim, "POST", "/api/v1/custom_back/del", {"_id": own["_id"]})
    assert data(sim, "POST", "/api/v1/custom_back/list", {}) == []
    assert ask(sim, "POST", "/api/v1/custom_back/randomBackground", headers={}).status == 200
    assert ask(sim, "POST", "/api/v1/custom_back/list", headers={}).status == 401


def test_a_trained_twin_is_an_avatar():
    """A twin shows up among the own avatars when it is trained, under its anchor_id; an image may become one too."""
    sim = app()
    twin = finished(sim, TWIN, {"name": "me", "video_url": A_VIDEO}, "startTraining")
    record = data(sim, "GET", f"{TWIN}/{twin}")
    (avatar,) = data(sim, "GET", "/api/v1/anchor/character_list", type="custom", user_video_twin_id=twin)
    assert (avatar["_id"], avatar["anchor_type"], avatar["name"]) == (record["anchor_id"], 1, "me")
    assert len(data(sim, "GET", "/api/v1/anchor/character_list", type="default")) == 3
    assert refusal(sim, "GET", "/api/v1/anchor/character_list", type="all")[0] == 400
    image = data(sim, "POST", "/api/v1/userText2Image/start", {"prompt": "somebody"})[0]["_id"]
    assert refusal(sim, "POST", "/api/v1/userText2Image/quickAddAvatar", {"_id": image})[0] == 400
    sim.world.clock.advance(10)
    made = data(sim, "POST", "/api/v1/userText2Image/quickAddAvatar", {"_id": image, "gender": "male"})
    assert made in data(sim, "POST", "/api/v1/anchor/list", {})
    assert len(data(sim, "POST", "/api/v1/anchor/list", {"web_type": "a2e"})) == 5


@pytest.mark.parametrize("path", ["continueTraining", "continueTranining"])
def test_a_twin_trains_its_lips_for_a_diamond(path):
    """It costs 100 coins and two hours, under both spellings."""
    sim = app()
    twin = finished(sim, TWIN, {"name": "me", "video_url": A_VIDEO}, "startTraining")
    before = sim.world.coins
    assert data(sim, "POST", f"{TWIN}/{path}", {"_id": twin})["current_status"] == "processing"
    assert before - sim.world.coins == 100
    assert refusal(sim, "POST", f"{TWIN}/{path}", {"_id": twin})[0] == 400
    sim.world.clock.advance(7200)
    assert data(sim, "GET", f"{TWIN}/{twin}")["current_status"] == "completed"
    voice = data(sim, "POST", f"{TWIN}/addVoiceClone", {"_id": twin})
    assert data(sim, "GET", f"/api/v1/userVoice/{voice['_id']}")["current_status"] == "sent"


def test_own_avatars_and_tokens_are_kept_changed_and_deleted():
    """What has no documented fields is kept as it was sent."""
    sim = app()
    own = data(sim, "POST", "/api/v1/custom_avatar/add", {"name": "a", "cover": A_IMAGE})
    data(sim, "PUT", f"/api/v1/custom_avatar/{own['_id']}", {"name": "b"})
    (kept,) = data(sim, "POST", "/api/v1/custom_avatar/list", {})
    assert (kept["name"], kept["cover"]) == ("b", A_IMAGE)
    data(sim, "POST", "/api/v1/custom_avatar/del", {"_id": own["_id"]})
    assert data(sim, "POST", "/api/v1/custom_avatar/list", {}) == []
    made = data(sim, "POST", "/api/v1/token/generate", {"alias": "ci"})
    assert made["token"].startswith("sk_")
    assert [one["alias"] for one in data(sim, "GET", "/api/v1/token/list")] == ["ci"]
    data(sim, "POST", "/api/v1/token/delete", {"_id": made["_id"]})
    assert data(sim, "GET", "/api/v1/token/list") == []


def test_a_stream_is_paid_at_once_and_what_is_left_comes_back():
    """Ten minutes cost 100 coins; leaving after three pays seven back, once."""
    sim = app()
    token = data(sim, "POST", f"{STREAM}/agora-token", {"avatar_id": "a", "expire_seconds": 600})
    assert set(token) == {"token", "appId", "channel", "uid", "expire_epoch_timestamp", "expire_date_UTC"}
    assert sim.world.coins == 9_900
    room = {"channel": token["channel"]}
    assert data(sim, "POST", f"{STREAM}/speak", {**room, "text": "hello"})["text"] == "hello"
    data(sim, "POST", f"{STREAM}/set-qa-context", {**room, "text": "you are a guide"})
    assert data(sim, "GET", f"{STREAM}/get-qa-context", **room)["text"] == "you are a guide"
    assert refusal(sim, "POST", f"{STREAM}/speak", {"channel": "another", "text": "hello"})[0] == 404
    sim.world.clock.advance(180)
    assert data(sim, "POST", f"{STREAM}/leave", room) == {"refunded": 70}
    assert data(sim, "POST", f"{STREAM}/leave", room) == {"refunded": 0}
    assert (sim.world.coins, sim.world.book.starts) == (9_970, [])
    assert refusal(sim, "POST", f"{STREAM}/speak", {**room, "text": "hello"})[0] == 404


def test_a_second_stream_takes_the_place_of_the_first():
    """One token per user: the first room is left and paid back."""
    sim = app()
    rooms = [data(sim, "POST", f"{STREAM}/agora-token", {"avatar_id": who, "expire_seconds": 60}) for who in "ab"]
    assert sim.world.coins == 9_990
    assert rooms[0]["channel"] != rooms[1]["channel"]
    sim.world.clock.advance(60)
    assert refusal(sim, "POST", f"{STREAM}/speak", {"text": "hello"})[0] == 404


def test_hosts_can_be_occupied():
    """Code 1001 in an HTTP 200, and nothing is charged."""
    sim = app(hosts_occupied=True)
    told = refusal(sim, "POST", f"{STREAM}/agora-token", {"avatar_id": "a", "expire_seconds": 60})
    assert told[:2] == (200, 1001)
    assert "hosts are occupied" in told[2]
    assert sim.world.coins == 10_000


def test_a_watermark_is_a_real_image_and_a_copy_is_the_file():
    """A watermark comes at once with its image; a transfer copies what is behind a link of the service."""
    sim = app()
    video = finished(sim, I2V, {"image_url": A_IMAGE, "prompt": "p", "negative_prompt": "n"})
    link = data(sim, "GET", f"{I2V}/{video}")["result_url"]
    for key in ("url", "result"):
        sim.world.change(transfer_key=key)
        copy = data(sim, "POST", "/api/v1/tos/transferToStorage", {"url": link})[key]
        assert copy != link
        assert file_at(sim, copy) == file_at(sim, link)
    body = {"media_url": A_IMAGE, "watermark_type": "text"}
    assert refusal(sim, "POST", "/api/v1/watermark/start", body)[2] == "text is required"
    marked = data(sim, "POST", "/api/v1/watermark/start", {**body, "text": "mine"})["result_url"]
    assert file_at(sim, marked).content_type == "image/png"
    assert refusal(sim, "POST", "/api/v1/tos/transferToStorage", {"url": f"{sim.origin}/files/no.png"})[0] == 400


def test_a_prompt_is_extended_at_once_or_word_by_word():
    """Without `stream` the answer is JSON; with it, events with pauses that end with result and done."""
    sim = app()
    path = f"{I2V}/prompt_extension"
    told = data(sim, "POST", path, PROMPT)
    assert told["prompt"].startswith("a kite ")
    assert data(sim, "POST", path, {**PROMPT, "max_length": 10})["prompt"] == told["prompt"][:10]
    reply = ask(sim, "POST", path, {**PROMPT, "stream": True})
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    events = [piece.decode().splitlines() for _, piece in reply.pieces]
    assert [event[0] for event in events[-2:]] == ["event: result", "event: done"]
    words = [json.loads(event[1].removeprefix("data: "))["delta"] for event in events[:-2]]
    assert "".join(words).strip() == told["prompt"]
    assert json.loads(events[-2][1].removeprefix("data: ")) == told
    assert all(pause > 0 for pause, _ in reply.pieces[:-1])
    failed = ask(sim, "POST", path, {**PROMPT, "prompt": "[error]", "stream": True})
    assert failed.pieces[-1][1].startswith(b"event: error")
    assert refusal(sim, "POST", f"{I2V}/flf2v_prompt_extension", PROMPT)[2] == "end_image_url is required"


def test_tasks_are_marked_and_renamed():
    """Marks change nothing that is shown; a new name is shown at once."""
    sim = app()
    video = finished(sim, I2V, {"image_url": A_IMAGE, "prompt": "p", "negative_prompt": "n"})
    before = data(sim, "GET", f"{I2V}/{video}")
    for mark in ("Shared", "Downloaded", "Copied"):
        data(sim, "POST", f"{I2V}/{video}/mark{mark}")
    assert sim.world.task(video).marks == {"shared", "downloaded", "copied"}
    assert data(sim, "GET", f"{I2V}/{video}") == before
    assert refusal(sim, "POST", f"{I2V}/{'0' * 24}/markShared")[0] == 404
    kling = data(sim, "POST", "/api/v1/klingVideo/start", {"prompt": "p", "mode": "text-to-video"})["_id"]
    assert refusal(sim, "PUT", f"/api/v1/klingVideo/{kling}", {})[2] == "name is required"
    data(sim, "PUT", f"/api/v1/klingVideo/{kling}", {"name": "mine"})
    assert data(sim, "GET", f"/api/v1/klingVideo/{kling}")["name"] == "mine"


def test_a_video_in_1080p_takes_its_time():
    """HTTP 202 until some time after the end, then a link; videos of 9:16 have none."""
    sim = app(full_hd_lag=30)
    video = data(sim, "POST", "/api/v1/veoVideo/start", {"prompt": "p", "aspectRatio": "16:9"})["_id"]
    path, seen = f"/api/v1/veoVideo/{video}/1080p", []
    for _ in range(5):
        seen.append(ask(sim, "GET", path).status)
        sim.world.clock.advance(10)
    assert seen == [202, 202, 202, 202, 200]
    assert file_at(sim, data(sim, "GET", path)["result_url"]).content_type == "video/mp4"
    tall = data(sim, "POST", "/api/v1/veoVideo/start", {"prompt": "p", "aspectRatio": "9:16"})["_id"]
    assert refusal(sim, "GET", f"/api/v1/veoVideo/{tall}/1080p")[0] == 400


def test_a_failed_task_can_be_tried_again():
    """A retry of what has failed is a new task that is paid; what has not failed is refused."""
    sim = app(fail_every=1)
    path = "/api/v1/userCaptionRemoval"
    failed = finished(sim, path, {"name": "n", "source_url": A_VIDEO})
    sim.world.change(fail_every=None)
    again = data(sim, "POST", f"{path}/retry", {"_id": failed})
    assert again["_id"] != failed
    assert [row["_id"] for row in data(sim, "GET", f"{path}/allProcessing")] == [again["_id"]]
    assert refusal(sim, "POST", f"{path}/retry", {"_id": again["_id"]})[0] == 400


def test_diamonds_are_bought_with_coins():
    """100 coins for one, and the history tells; not more than there are coins for."""
    sim = app(coins=250, history_lag=0)
    assert data(sim, "POST", "/api/v1/user/exchangeDiamonds", {"diamonds": 2}) == {"coins": 50, "diamonds": 4}
    assert refusal(sim, "POST", "/api/v1/user/exchangeDiamonds", {"diamonds": 1})[0] == 400
    assert refusal(sim, "POST", "/api/v1/user/exchangeDiamonds", {"diamonds": 0})[0] == 400
    (row,) = data(sim, "GET", "/api/v1/transactionRecord/creditsHistory")["rows"]
    assert (row["coins"], row["type"]) == (-200, "diamonds")


def test_the_history_can_be_cut_by_time_and_sign():
    """Two dates bound it; is_consumption picks charges or refunds."""
    sim = app(history_lag=0)
    for prompt in ("one", "two [fail]"):
        data(sim, "POST", "/api/v1/userText2Image/start", {"prompt": prompt})
        sim.world.clock.advance(20)
    path = "/api/v1/transactionRecord/creditsHistory"
    assert [row["coins"] for row in data(sim, "GET", path)["rows"]] == [10, -10, -10]
    later = data(sim, "GET", path, startDate="2025-06-15T15:06:50Z")["rows"]
    assert [row["coins"] for row in later] == [10, -10]
    assert data(sim, "GET", path, endDate="2025-06-15T15:06:50Z")["count"] == 1
    assert data(sim, "GET", path, is_consumption="false")["count"] == 1
    assert refusal(sim, "GET", path, startDate="yesterday")[0] == 400
