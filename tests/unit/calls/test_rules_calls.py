"""The rules of the calls' arguments: for each one value that is refused, and in which words."""

from __future__ import annotations

import inspect

import pytest
from scripted import Scripted, client, yes

from a2e_async import InvalidRequestError
from a2e_async.calls import catalogue
from a2e_async.calls.base import plan_of

LINK = "https://files.example.net/a.png"
ID = "65f000000000000000000001"
AN_ID = "must be an id: 1 to 64 letters, digits, - and _"
TEXT = "must be text that is not blank"
A_LINK = "must be an http or https URL with a host and without spaces (no data: URL)"
FLAG = "must be True or False"
MAPPING = "must be a mapping with text as keys"
MOMENT = "must be a datetime with a time zone"
ONE = "must be a whole number from 1"
COLOUR = "must be red, green, blue and opacity, four whole numbers from 0 to 255"
OBJECT_ID = "must be an id of 24 hexadecimal digits"
SAY = {"text": "Hello", "tts_id": ID}
EXTEND = {"image_url": LINK, "prompt": "p", "negative_prompt": "n", "reference_id": ID}
BETWEEN = {**EXTEND, "end_image_url": LINK}
MARK = {"media_url": LINK, "watermark_type": "text", "text": "x"}
ROOM = {"avatar_id": ID, "seconds": 60}
UPLOAD = {"key": "a.png"}
CHANNEL = {"channel": "room-1", "text": "Hello"}

REFUSED = [
    ("account.log_in", {"extra": {}}, {"extra": [1]}, "extra", MAPPING),
    ("account.make_token", {}, {"alias": " "}, "alias", TEXT),
    ("account.delete_token", {}, {"token_id": "a/b"}, "token_id", AN_ID),
    ("avatars.characters", {}, {"kind": "own"}, "kind", "must be 'custom' or 'default'"),
    ("avatars.characters", {}, {"twin_id": ""}, "twin_id", TEXT),
    ("avatars.all", {}, {"web_type": "x"}, "web_type", "must be 'a2e' or 'tyzn'"),
    ("avatars.from_image", {}, {"task_id": ".."}, "task_id", AN_ID),
    ("avatars.from_image", {"task_id": ID}, {"gender": "other"}, "gender", "must be 'female' or 'male'"),
    ("avatars.custom", {}, {"extra": "x"}, "extra", MAPPING),
    ("avatars.add_custom", {}, {"extra": None}, "extra", MAPPING),
    ("avatars.update_custom", {"extra": {}}, {"avatar_id": ID + "/x"}, "avatar_id", AN_ID),
    ("avatars.update_custom", {"avatar_id": ID, "extra": {}}, {"extra": {1: 2}}, "extra", MAPPING),
    ("avatars.delete_custom", {}, {"avatar_id": ""}, "avatar_id", AN_ID),
    ("backgrounds.add", {}, {"img_url": "data:image/png;base64,AA"}, "img_url", A_LINK),
    ("backgrounds.own", {}, {"extra": 1}, "extra", MAPPING),
    ("backgrounds.random", {}, {"extra": 1}, "extra", MAPPING),
    ("backgrounds.delete", {}, {"background_id": None}, "background_id", AN_ID),
    ("credits._quote", {"request_body": {}}, {"endpoint": ""}, "endpoint", TEXT),
    ("credits._quote", {"endpoint": "/a"}, {"request_body": []}, "request_body", MAPPING),
    ("credits.history", {}, {"spent": "yes"}, "spent", FLAG),
    ("credits.history", {}, {"since": "2025-01-01"}, "since", MOMENT),
    ("credits.history", {}, {"until": 5}, "until", MOMENT),
    ("credits.history", {}, {"limit": 0}, "limit", ONE),
    ("credits.exchange_diamonds", {}, {"diamonds": 0}, "diamonds", ONE),
    ("faces._add", {}, {"face_url": "f.png"}, "face_url", A_LINK),
    ("faces.delete", {}, {"face_id": "?"}, "face_id", AN_ID),
    ("language.detect", {}, {"said": ""}, "said", TEXT),
    ("prompts.extend", EXTEND, {"image_url": "a"}, "image_url", A_LINK),
    ("prompts.extend", EXTEND, {"prompt": ""}, "prompt", TEXT),
    ("prompts.extend", EXTEND, {"negative_prompt": " "}, "negative_prompt", TEXT),
    ("prompts.extend", EXTEND, {"reference_id": ""}, "reference_id", TEXT),
    ("prompts.extend", EXTEND, {"lang": 1}, "lang", TEXT),
    ("prompts.extend", EXTEND, {"max_length": 0}, "max_length", ONE),
    ("prompts.extend", EXTEND, {"template": "noir"}, "template", "must be 'default' or 'cinematic'"),
    ("prompts.extend", EXTEND, {"shot_count": 1.5}, "shot_count", "must be a whole number"),
    ("prompts.extend", EXTEND, {"with_audio": 1}, "with_audio", FLAG),
    ("prompts.extend", EXTEND, {"extra": 1}, "extra", MAPPING),
    ("prompts.extend_between", BETWEEN, {"image_url": "a"}, "image_url", A_LINK),
    ("prompts.extend_between", BETWEEN, {"end_image_url": "a"}, "end_image_url", A_LINK),
    ("prompts.extend_between", BETWEEN, {"prompt": ""}, "prompt", TEXT),
    ("prompts.extend_between", BETWEEN, {"negative_prompt": ""}, "negative_prompt", TEXT),
    ("prompts.extend_between", BETWEEN, {"reference_id": ""}, "reference_id", TEXT),
    ("prompts.extend_between", BETWEEN, {"lang": ""}, "lang", TEXT),
    ("prompts.extend_between", BETWEEN, {"max_length": True}, "max_length", ONE),
    ("prompts.extend_between", BETWEEN, {"extra": 1}, "extra", MAPPING),
    ("speech.say", SAY, {"text": "x" * 1001}, "text", f"{TEXT}, at most 1000 characters"),
    ("speech.say", SAY, {"tts_id": "zzz"}, "tts_id", OBJECT_ID),
    ("speech.say", SAY, {"tts_id": None}, "tts_id", "exactly one of tts_id and user_voice_id must be given"),
    ("speech.say", SAY, {"user_voice_id": ID}, "tts_id", "exactly one of tts_id and user_voice_id must be given"),
    ("speech.say", {"text": "Hello"}, {"user_voice_id": " "}, "user_voice_id", OBJECT_ID),
    ("speech.say", SAY, {"country": ""}, "country", TEXT),
    ("speech.say", SAY, {"region": 7}, "region", TEXT),
    ("speech.say", SAY, {"speech_rate": 2.1}, "speech_rate", "must be a number from 0.5 to 2"),
    ("speech.previews", {}, {"limit": -1}, "limit", ONE),
    ("speech.preview", {}, {"preview_id": "a b"}, "preview_id", AN_ID),
    ("speech.delete_preview", {}, {"preview_id": "a/b"}, "preview_id", AN_ID),
    ("storage.upload_url", UPLOAD, {"key": ""}, "key", TEXT),
    ("storage.upload_url", UPLOAD, {"content_type": ""}, "content_type", TEXT),
    ("storage.upload_url", UPLOAD, {"size": 0}, "size", ONE),
    ("storage.upload_url", UPLOAD, {"content_length": 0}, "content_length", ONE),
    ("storage.upload_url", UPLOAD, {"bucket": ""}, "bucket", TEXT),
    ("storage.upload_url", UPLOAD, {"url_prefix": 1}, "url_prefix", TEXT),
    ("storage.upload_url", UPLOAD, {"cdn_domain": ""}, "cdn_domain", TEXT),
    ("storage.upload_url", UPLOAD, {"expires_in": 59}, "expires_in", "must be a whole number from 60"),
    ("storage.copy", {}, {"url": "ftp://a.example/b"}, "url", A_LINK),
    ("streaming._token", ROOM, {"avatar_id": ""}, "avatar_id", AN_ID),
    ("streaming._token", ROOM, {"seconds": 0}, "seconds", ONE),
    ("streaming.token", ROOM, {"wait": -1}, "wait", "must be a number from 0"),
    ("streaming.speak", CHANNEL, {"channel": ""}, "channel", TEXT),
    ("streaming.speak", CHANNEL, {"text": ""}, "text", TEXT),
    ("streaming.ask", CHANNEL, {"channel": ""}, "channel", TEXT),
    ("streaming.ask", CHANNEL, {"text": ""}, "text", TEXT),
    ("streaming.talk", CHANNEL, {"channel": ""}, "channel", TEXT),
    ("streaming.talk", CHANNEL, {"text": ""}, "text", TEXT),
    ("streaming.talk", CHANNEL, {"extra": 1}, "extra", MAPPING),
    ("streaming.set_qa_context", CHANNEL, {"channel": ""}, "channel", TEXT),
    ("streaming.set_qa_context", CHANNEL, {"text": "x" * 5001}, "text", f"{TEXT}, at most 5000 characters"),
    ("streaming.get_qa_context", {}, {"channel": ""}, "channel", TEXT),
    ("streaming.leave", {}, {"channel": " "}, "channel", TEXT),
    (
        "tasks.rename",
        {"task_id": ID, "name": "n"},
        {"family": "veo"},
        "family",
        "must be 'seedance2', 'kling_video' or 'kling_omni'",
    ),
    ("tasks.rename", {"family": "kling_omni", "name": "n"}, {"task_id": "."}, "task_id", AN_ID),
    ("tasks.rename", {"family": "kling_omni", "task_id": ID}, {"name": ""}, "name", TEXT),
    ("tasks.mark_shared", {}, {"task_id": "/"}, "task_id", AN_ID),
    ("tasks.mark_downloaded", {}, {"task_id": 7}, "task_id", AN_ID),
    ("tasks.mark_copied", {}, {"task_id": "%"}, "task_id", AN_ID),
    ("tasks.retry_caption_removal", {}, {"task_id": ""}, "task_id", AN_ID),
    ("tasks.retry_caption_removal", {"task_id": ID}, {"extra": 1}, "extra", MAPPING),
    ("tasks._veo_1080p", {}, {"task_id": "a.b"}, "task_id", AN_ID),
    ("tasks.veo_1080p", {"task_id": ID}, {"wait": -0.5}, "wait", "must be a number from 0"),
    ("tasks.auto_public_pool", {}, {"use": "yes"}, "use", FLAG),
    ("twins.continue_training", {}, {"twin_id": ""}, "twin_id", AN_ID),
    ("twins.eye_contact", {}, {"twin_id": ""}, "twin_id", AN_ID),
    ("twins.clone_voice", {}, {"twin_id": ""}, "twin_id", AN_ID),
    ("twins.retry", {}, {"twin_id": ""}, "twin_id", AN_ID),
    ("twins.retry", {"twin_id": ID}, {"extra": 1}, "extra", MAPPING),
    ("twins.remove", {}, {"twin_id": ""}, "twin_id", AN_ID),
    ("twins.upload", {}, {"extra": 1}, "extra", MAPPING),
    ("twins.upload_status", {}, {"extra": 1}, "extra", MAPPING),
    ("twins.train", {}, {"extra": None}, "extra", MAPPING),
    ("voices.public", {}, {"country": ""}, "country", TEXT),
    ("voices.public", {}, {"region": ""}, "region", TEXT),
    ("voices.public", {}, {"voice_map_type": 1}, "voice_map_type", TEXT),
    ("voices.presets", {}, {"extra": 1}, "extra", MAPPING),
    ("voices.languages", {}, {"voice_map_type": ""}, "voice_map_type", TEXT),
    ("voices.training", {}, {"voice_id": "../x"}, "voice_id", AN_ID),
    ("voices.rename", {"name": "n"}, {"voice_id": ""}, "voice_id", AN_ID),
    ("voices.rename", {"voice_id": ID}, {"name": " "}, "name", TEXT),
    ("voices.delete", {}, {"voice_id": "a/b"}, "voice_id", AN_ID),
    ("watermark.add", MARK, {"media_url": ""}, "media_url", A_LINK),
    ("watermark.add", MARK, {"watermark_type": "logo"}, "watermark_type", "must be 'text' or 'image'"),
    ("watermark.add", MARK, {"text": ""}, "text", TEXT),
    ("watermark.add", MARK, {"text": None}, "text", "must be given with watermark_type 'text'"),
    (
        "watermark.add",
        MARK,
        {"watermark_type": "image"},
        "watermark_image_url",
        "must be given with watermark_type 'image'",
    ),
    ("watermark.add", MARK, {"watermark_image_url": "logo.png"}, "watermark_image_url", A_LINK),
    ("watermark.add", MARK, {"font_size": 0}, "font_size", ONE),
    ("watermark.add", MARK, {"font_colour": [0, 0, 256, 0]}, "font_colour", COLOUR),
    ("watermark.add", MARK, {"position": ""}, "position", TEXT),
    ("watermark.add", MARK, {"scale_ratio": -1}, "scale_ratio", "must be a number from 0"),
    ("watermark.add", MARK, {"to_720p": "no"}, "to_720p", FLAG),
    ("watermark.add", MARK, {"extra": 1}, "extra", MAPPING),
]


async def made(calls, name, arguments):
    """Make a call, or begin to read its list."""
    group, _, method = name.partition(".")
    answer = getattr(getattr(calls, group), method)(**arguments)
    return await (anext(answer) if inspect.isasyncgen(answer) else answer)


@pytest.mark.parametrize(("name", "right", "wrong", "field", "rule"), REFUSED)
async def test_a_wrong_argument_is_refused_before_anything_is_sent(name, right, wrong, field, rule):
    """The error names the argument and its rule."""
    wire = Scripted(yes())
    async with client(wire) as a2e:
        with pytest.raises(InvalidRequestError) as caught:
            await made(a2e.calls, name, {**right, **wrong})
    assert (caught.value.field, caught.value.rule) == (field, rule)
    assert not wire.sent


def test_no_argument_is_without_a_refused_value():
    """Every argument of every call is in the table."""
    done = {(name, field) for name, _right, _wrong, field, _rule in REFUSED}
    for listed in catalogue():
        group = getattr(client(Scripted(yes())).calls, listed.group)
        name = listed.name if plan_of(getattr(type(group), listed.name)) else f"_{listed.name}"
        arguments = list(inspect.signature(getattr(type(group), name)).parameters)[1:]
        missing = [argument for argument in arguments if (f"{listed.group}.{name}", argument) not in done]
        assert not missing, f"{listed.group}.{name}: give each a line in REFUSED: {missing}"
