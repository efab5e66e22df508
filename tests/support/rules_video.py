"""The rules of the Wan, HappyHorse and Seedance families: what is refused, in which words, and what is accepted."""

from __future__ import annotations

from refusals import FLAG, LINK, TEXT, links, rows_of

from a2e_async.families.happy_horse import HappyHorse
from a2e_async.families.seedance import Seedance
from a2e_async.families.seedance2 import Seedance2
from a2e_async.families.wan30 import Wan30
from a2e_async.families.wan_spicy import WanSpicy
from a2e_async.families.wan_video import WanVideo

IMAGE = "https://files.example.net/in.png"
VIDEO = "https://files.example.net/in.mp4"
SOUND = "https://files.example.net/in.mp3"
SECURE_SOUND = "must be an https URL without spaces whose path ends in .wav or .mp3"
SECURE = "must be an https URL with a host and without spaces (no data: URL)"
SEED = "must be a whole number from 0 to 2147483647"

WAN = {"prompt": "the kite climbs", "image_url": IMAGE}
NEWEST = {"model": "wan2.7-i2v", "image_url": None}
BY_WORDS = NEWEST | {"task_type": "text_to_video"}
GUIDE = {"type": "reference_image", "url": IMAGE}
BY_REFERENCE = NEWEST | {"task_type": "reference_image", "reference_media": [GUIDE]}
EDIT = NEWEST | {"task_type": "video_edit", "edit_video_url": VIDEO}
TASKS = "'text_to_video', 'first_frame', 'first_last_frame', 'reference_image', 'video_extend' or 'video_edit'"
MODELS = "'wan2.5-i2v-preview', 'wan2.6-i2v', 'wan2.6-i2v-flash' or 'wan2.7-i2v'"
NO_RATIO = "must not be given but for model 'wan2.7-i2v' with 'text_to_video' or 'reference_image'"
NO_MEDIA = "must not be given with task_type 'text_to_video'"
LENGTHS = "must be 5, 10 or 15 with task_type "
REFUSED_WAN = [
    ({"prompt": " "}, "prompt", TEXT),
    ({"negative_prompt": ""}, "negative_prompt", TEXT),
    ({"model": "wan3.0"}, "model", f"must be {MODELS}"),
    ({"task_type": "t2v"}, "task_type", f"must be {TASKS}"),
    ({"task_type": "video_edit"}, "task_type", "must be 'first_frame' without model 'wan2.7-i2v'"),
    ({"image_url": "in.png"}, "image_url", LINK),
    ({"image_url": None}, "image_url", "must be given with task_type 'first_frame'"),
    (NEWEST, "image_url", "must be given with task_type 'first_frame'"),
    (NEWEST | {"task_type": "first_last_frame", "last_frame_url": IMAGE}, "image_url",
     "must be given with task_type 'first_last_frame'"),
    (NEWEST | {"task_type": "first_last_frame", "image_url": IMAGE}, "last_frame_url",
     "must be given with task_type 'first_last_frame'"),
    (NEWEST | {"task_type": "video_extend"}, "first_clip_url", "must be given with task_type 'video_extend'"),
    (NEWEST | {"task_type": "video_edit"}, "edit_video_url", "must be given with task_type 'video_edit'"),
    (NEWEST | {"task_type": "reference_image"}, "reference_media",
     "one of reference_media or reference_image_urls must be given with task_type 'reference_image'"),
    ({"last_frame_url": "data:,"}, "last_frame_url", LINK),
    ({"first_clip_url": "in.mp4"}, "first_clip_url", LINK),
    ({"edit_video_url": "in.mp4"}, "edit_video_url", LINK),
    ({"audio_url": "in.mp3"}, "audio_url", LINK),
    *[(BY_WORDS | {field: IMAGE}, field, NO_MEDIA)
      for field in ("image_url", "last_frame_url", "first_clip_url", "edit_video_url", "audio_url")],
    (BY_WORDS | {"reference_media": [GUIDE]}, "reference_media", NO_MEDIA),
    (BY_WORDS | {"reference_image_urls": [IMAGE]}, "reference_image_urls", NO_MEDIA),
    ({"reference_media": [{}] * 6}, "reference_media", "must be a list of 1 to 5 object(s) with type, url"),
    ({"reference_media": [{}]}, "reference_media", "item 1: type must be 'reference_image' or 'reference_video'"),
    ({"reference_media": [GUIDE, {"type": "reference_video"}]}, "reference_media", f"item 2: url {LINK}"),
    ({"reference_media": [GUIDE | {"duration": "5"}]}, "reference_media", "item 1: duration must be a number from 0"),
    (BY_REFERENCE | {"reference_media": [GUIDE | {"type": "reference_video"}], "duration": 11}, "duration",
     "must be a whole number from 2 to 10 with a video in reference_media"),
    ({"reference_image_urls": [IMAGE] * 6}, "reference_image_urls", links("1 to 5")),
    (EDIT | {"reference_image_urls": [IMAGE] * 4}, "reference_image_urls",
     links("1 to 3") + " with task_type 'video_edit'"),
    ({"duration": "5"}, "duration", "must be a whole number from 2 to 15"),
    ({"duration": 15}, "duration", "must be 5 or 10 with model 'wan2.5-i2v-preview'"),
    ({"duration": 15, "model": "wan2.5-i2v-preview"}, "duration", "must be 5 or 10 with model 'wan2.5-i2v-preview'"),
    ({"duration": 6, "model": "wan2.6-i2v"}, "duration", LENGTHS + "'first_frame'"),
    (BY_WORDS | {"duration": 6}, "duration", LENGTHS + "'text_to_video'"),
    (EDIT | {"duration": 11}, "duration", "must be a whole number from 5 to 10 with task_type 'video_edit'"),
    ({"resolution": "4k"}, "resolution", "must be '480p', '720p' or '1080p'"),
    ({"ratio": "21:9"}, "ratio", "must be '16:9', '9:16', '1:1', '4:3' or '3:4'"),
    ({"ratio": "1:1"}, "ratio", NO_RATIO),
    (EDIT | {"ratio": "1:1"}, "ratio", NO_RATIO),
    ({"enable_prompt_expansion": "yes"}, "enable_prompt_expansion", FLAG),
    ({"multi_shots": 1}, "multi_shots", FLAG),
    ({"multi_shots": True}, "multi_shots", "must be given with enable_prompt_expansion only"),
    ({"audio": "no"}, "audio", FLAG),
    ({"seed": -1}, "seed", SEED),
]  # fmt: skip

SPICY = {"image_url": IMAGE, "prompt": "she dances", "duration": 5, "resolution": "720p"}
OLDER = "with model 'wan2.2-i2v-spicy'"
OLDER_SPICY = {"model": "wan2.2-i2v-spicy"}
REFUSED_SPICY = [
    ({"image_url": "http://files.example.net/in.png"}, "image_url", SECURE),
    ({"prompt": None}, "prompt", TEXT),
    ({"duration": 16}, "duration", "must be a whole number from 2 to 15"),
    (OLDER_SPICY | {"duration": 6}, "duration", f"must be 5 or 8 {OLDER}"),
    ({"resolution": None}, "resolution", "must be '480p', '720p' or '1080p'"),
    ({"resolution": "480p"}, "resolution", "must be '720p' or '1080p' with model 'wan2.7-i2v-spicy'"),
    (OLDER_SPICY | {"resolution": "1080p"}, "resolution", f"must be '480p' or '720p' {OLDER}"),
    ({"model": "wan2.7-i2v"}, "model", "must be 'wan2.7-i2v-spicy' or 'wan2.2-i2v-spicy'"),
    ({"negative_prompt": ""}, "negative_prompt", TEXT),
    (OLDER_SPICY | {"negative_prompt": "blurry"}, "negative_prompt", f"must not be given {OLDER}"),
    ({"audio_url": "http://files.example.net/in.mp3"}, "audio_url", SECURE_SOUND),
    ({"audio_url": "https://files.example.net/in.ogg"}, "audio_url", SECURE_SOUND),
    (OLDER_SPICY | {"audio_url": SOUND}, "audio_url", f"must not be given {OLDER}"),
    ({"prompt_extend": 0}, "prompt_extend", FLAG),
    ({"seed": 1.5}, "seed", "must be a whole number"),
    ({"minor_suspected_skip": "no"}, "minor_suspected_skip", FLAG),
]

WAN30 = {"input": {"prompt": "the kite climbs"}, "parameters": {"duration": 5}}
TYPES = "'reference_image', 'reference_video', 'reference_audio', 'file', 'link', 'first_frame' or 'last_frame'"


def with_media(*kinds, mode="reference", **more):
    """Give the fields of a video from media of these kinds."""
    media = [{"type": kind, "url": IMAGE} | more for kind in kinds]
    return {"mode": mode, "input": {"prompt": "the kite climbs", "media": media}}


NO_NEGATIVE = "must not hold negative_prompt, which Wan 3.0 does not take"
REFUSED_WAN30 = [
    ({"input": "the kite climbs"}, "input", "must be an object with prompt, media"),
    ({"input": {"prompt": "a" * 5001}}, "input", f"prompt {TEXT}, at most 5000 characters"),
    ({"input": {"media": {}}}, "input", "media must be a list of at least one object(s) with type, url"),
    (with_media("image"), "input", f"media item 1: type must be {TYPES}"),
    (with_media("first_frame", url="in.png"), "input", f"media item 1: url {LINK}"),
    (
        {"mode": "reference"},
        "input",
        "must hold media (reference_image, reference_video, reference_audio, file, link) with mode 'reference'",
    ),
    ({"mode": "first-frame"}, "input", "must hold media (first_frame) with mode 'first-frame'"),
    (
        with_media("first_frame", mode="first-last-frames"),
        "input",
        "must hold media (last_frame) with mode 'first-last-frames'",
    ),
    (
        with_media("first_frame", "reference_image", mode="first-frame"),
        "input",
        "must not hold media of type 'reference_image' with mode 'first-frame'",
    ),
    (
        with_media("reference_image", mode=None),
        "input",
        "must not hold media of type 'reference_image' with mode 'text-to-video'",
    ),
    (with_media("last_frame", "file"), "input", "must not hold media of type 'last_frame' with mode 'reference'"),
    (with_media("file", "link"), "input", "must not hold both files and URLs to pages"),
    ({"input": {"prompt": "a", "negative_prompt": "b"}}, "input", NO_NEGATIVE),
    (
        {"parameters": None},
        "parameters",
        "must be an object with resolution, ratio, duration, audio, prompt_extend, seed, watermark",
    ),
    ({"parameters": {"duration": 2}}, "parameters", "duration must be -1 or a whole number from 3 to 30"),
    ({"parameters": {"resolution": "8K"}}, "parameters", "resolution must be '480P', '720P' or '1080P'"),
    ({"parameters": {"watermark": "no"}}, "parameters", f"watermark {FLAG}"),
    ({"parameters": {"negative_prompt": "b"}}, "parameters", NO_NEGATIVE),
    ({"mode": "t2v"}, "mode", "must be 'text-to-video', 'first-frame', 'first-last-frames' or 'reference'"),
    ({"model": "wan2.7-i2v"}, "model", "must be 'wan3.0-video' or 'wan3.0-video-prime'"),
]

HORSE = {"prompt": "a horse runs", "mode": "t2v"}
BY_IMAGE = {"mode": "i2v", "image_url": IMAGE}
EDITING = {"mode": "video-edit", "edit_video_url": VIDEO}
FIRST = "with model_version '1.0'"
RATIOS = "must be '16:9', '9:16', '1:1', '4:3' or '3:4'"
REFUSED_HORSE = [
    ({"prompt": ""}, "prompt", TEXT),
    ({"prompt": None}, "prompt", "must be given with mode 't2v'"),
    ({"prompt": None, "mode": "r2v"}, "prompt", "must be given with mode 'r2v'"),
    (EDITING | {"prompt": None}, "prompt", "must be given with mode 'video-edit'"),
    ({"mode": None}, "mode", "must be 't2v', 'i2v', 'r2v' or 'video-edit'"),
    ({"model_version": "2.0"}, "model_version", "must be '1.0' or '1.1'"),
    ({"image_url": "in.png"}, "image_url", LINK),
    ({"mode": "i2v"}, "image_url", "must be given with mode 'i2v'"),
    ({"reference_image_urls": [IMAGE] * 10}, "reference_image_urls", links("1 to 9")),
    ({"mode": "r2v"}, "reference_image_urls", "must be given with mode 'r2v'"),
    (EDITING | {"reference_image_urls": [IMAGE] * 6}, "reference_image_urls",
     links("1 to 5") + " with mode 'video-edit'"),
    ({"edit_video_url": "in.mp4"}, "edit_video_url", LINK),
    ({"edit_video_url": VIDEO}, "edit_video_url", "must not be given with mode 't2v'"),
    ({"mode": "video-edit"}, "edit_video_url", "must be given with mode 'video-edit'"),
    ({"input_video_seconds": -1}, "input_video_seconds", "must be a number from 0"),
    ({"duration": 2}, "duration", "must be a whole number from 3 to 15"),
    ({"duration": 7}, "duration", f"must be 5, 10 or 15 {FIRST}"),
    ({"resolution": "720p"}, "resolution", "must be '480P', '720P' or '1080P'"),
    ({"resolution": "480P"}, "resolution", f"must be '720P' or '1080P' {FIRST}"),
    (EDITING | {"model_version": "1.1", "resolution": "480P"}, "resolution",
     "must be '720P' or '1080P' with mode 'video-edit'"),
    ({"ratio": "2:1"}, "ratio",
     "must be '16:9', '9:16', '1:1', '4:3', '3:4', '4:5', '5:4', '9:21' or '21:9'"),
    ({"ratio": "21:9"}, "ratio", f"{RATIOS} {FIRST}"),
    (BY_IMAGE | {"ratio": "1:1"}, "ratio", "must not be given with mode 'i2v'"),
    (EDITING | {"ratio": "1:1"}, "ratio", "must not be given with mode 'video-edit'"),
    ({"audio_setting": "off"}, "audio_setting", "must be 'auto' or 'origin'"),
    ({"audio_setting": "auto"}, "audio_setting", "must not be given with mode 't2v'"),
    ({"seed": 2**31}, "seed", SEED),
    ({"watermark": "no"}, "watermark", FLAG),
    ({"minor_suspected_skip": 1}, "minor_suspected_skip", FLAG),
]  # fmt: skip

DANCE = {"prompt": "the kite climbs"}
REFUSED_SEEDANCE = [
    ({"prompt": ""}, "prompt", TEXT),
    ({"mode": "first-last-frames"}, "mode", "must be 'text-to-video' or 'image-to-video'"),
    ({"image_url": "in.png"}, "image_url", LINK),
    ({"mode": "image-to-video"}, "image_url", "must be given with mode 'image-to-video'"),
    ({"end_image_url": IMAGE}, "image_url", "must be given with end_image_url"),
    ({"end_image_url": "in.png"}, "end_image_url", LINK),
    ({"duration": 6}, "duration", "must be 5 or 10"),
    ({"aspect_ratio": "4:3"}, "aspect_ratio", "must be '16:9', '9:16' or '1:1'"),
    ({"resolution": "1080p"}, "resolution", "must be '480p' or '720p'"),
    ({"camera_fixed": "no"}, "camera_fixed", FLAG),
    ({"generate_audio": 0}, "generate_audio", FLAG),
]

REFERENCE = {"mode": "reference", "video_urls": [VIDEO]}
OMNI = REFERENCE | {"model_version": "2.5", "aspect_ratio": "adaptive", "duration": -1}
EDITS = OMNI | {"omni_reference_task_type": "edit"}
EXTENDS = OMNI | {"omni_reference_task_type": "extend", "duration": 5}
STANDARD = "with model_version 'standard'"
NEWER = "with model_version '2.5'"
NO_OMNI = "must not be given but for model_version '2.5' with mode 'reference'"
BY_EDIT = "with omni_reference_task_type 'edit'"
MODES = "'text-to-video', 'image-to-video', 'first-last-frames' or 'reference'"
REFUSED_SEEDANCE2 = [
    ({"prompt": ""}, "prompt", TEXT),
    ({"mode": "t2v"}, "mode", f"must be {MODES}"),
    ({"model_version": "2.0"}, "model_version", "must be 'standard', 'mini', 'fast' or '2.5'"),
    (OMNI | {"omni_reference_task_type": "omni"}, "omni_reference_task_type",
     "must be 'reference', 'edit' or 'extend'"),
    (REFERENCE | {"omni_reference_task_type": "edit"}, "omni_reference_task_type", NO_OMNI),
    ({"model_version": "2.5", "omni_reference_task_type": "edit"}, "omni_reference_task_type", NO_OMNI),
    ({"image_url": "asset://1"}, "image_url", LINK),
    ({"mode": "image-to-video"}, "image_url", "must be given with mode 'image-to-video'"),
    ({"first_frame_url": "asset://1"}, "first_frame_url", LINK),
    ({"mode": "first-last-frames"}, "first_frame_url", "must be given with mode 'first-last-frames'"),
    ({"last_frame_url": "asset://1"}, "last_frame_url", LINK),
    ({"mode": "first-last-frames", "first_frame_url": IMAGE}, "last_frame_url",
     "must be given with mode 'first-last-frames'"),
    ({"mode": "reference"}, "reference_urls",
     "one of reference_urls, video_urls or audio_urls must be given with mode 'reference'"),
    ({"reference_urls": [IMAGE] * 31}, "reference_urls", links("1 to 30")),
    ({"reference_urls": [IMAGE] * 10}, "reference_urls", f"{links('1 to 9')} {STANDARD}"),
    ({"video_urls": [VIDEO] * 11}, "video_urls", links("1 to 10")),
    ({"video_urls": [VIDEO] * 4}, "video_urls", f"{links('1 to 3')} {STANDARD}"),
    ({"audio_urls": [SOUND] * 11}, "audio_urls", links("1 to 10")),
    ({"audio_urls": [SOUND] * 4}, "audio_urls", f"{links('1 to 3')} {STANDARD}"),
    ({"audio_urls": [SOUND]}, "image_url",
     f"one of image_url, reference_urls or video_urls must be given beside audio_urls {STANDARD}"),
    ({"input_video_duration": 46}, "input_video_duration", "must be a number from 2 to 45.5"),
    ({"model_version": "2.5", "input_video_duration": 31}, "input_video_duration",
     f"must be a number from 2 to 30 {NEWER}"),
    ({"duration": 31}, "duration", "must be a whole number from -1 to 30"),
    ({"duration": 16}, "duration", f"must be -1 or a whole number from 4 to 15 {STANDARD}"),
    *[({"duration": seconds, "model_version": version}, "duration",
       f"must be -1 or a whole number from 4 to {most} with model_version {version!r}")
      for version, most in (("standard", 15), ("fast", 15), ("2.5", 30)) for seconds in range(4)],
    (EDITS | {"duration": 5}, "duration", f"must be -1 {BY_EDIT}"),
    (EDITS | {"duration": None}, "duration", f"must be given {BY_EDIT}"),
    (EDITS | {"video_urls": [VIDEO] * 2}, "video_urls", f"{links('1')} {BY_EDIT}"),
    (EDITS | {"video_urls": None, "reference_urls": [IMAGE]}, "video_urls", f"must be given {BY_EDIT}"),
    (EXTENDS | {"aspect_ratio": None}, "aspect_ratio", "must be given with omni_reference_task_type 'extend'"),
    (EXTENDS | {"aspect_ratio": "1:1"}, "aspect_ratio", "must be 'adaptive' with omni_reference_task_type 'extend'"),
    ({"aspect_ratio": "2:1"}, "aspect_ratio",
     "must be 'adaptive', '21:9', '16:9', '4:3', '1:1', '3:4' or '9:16'"),
    ({"resolution": "8k"}, "resolution", "must be '480p', '720p', '1080p' or '4k'"),
    ({"resolution": "4k", "model_version": "2.5"}, "resolution", f"must be '480p', '720p' or '1080p' {NEWER}"),
    ({"resolution": "1080p", "model_version": "fast"}, "resolution",
     "must be '480p' or '720p' with model_version 'fast'"),
    ({"generate_audio": "no"}, "generate_audio", FLAG),
    ({"minor_suspected_skip": "no"}, "minor_suspected_skip", FLAG),
]  # fmt: skip

TABLES = {
    kind: rows_of(kind, right, table)
    for kind, right, table in (
        (WanVideo, WAN, REFUSED_WAN),
        (WanSpicy, SPICY, REFUSED_SPICY),
        (Wan30, WAN30, REFUSED_WAN30),
        (HappyHorse, HORSE, REFUSED_HORSE),
        (Seedance, DANCE, REFUSED_SEEDANCE),
        (Seedance2, DANCE, REFUSED_SEEDANCE2),
    )
}


ACCEPTED = [
    (WanVideo, WAN | {"duration": 10, "task_type": "first_frame", "audio_url": SOUND}),
    (WanVideo, WAN | {"duration": 15, "model": "wan2.6-i2v-flash"}),
    (WanVideo, WAN | BY_WORDS | {"duration": 15, "ratio": "3:4"}),
    (WanVideo, WAN | BY_REFERENCE | {"duration": 2, "ratio": "1:1"}),
    (WanVideo, WAN | BY_REFERENCE | {"reference_media": None, "reference_image_urls": [IMAGE] * 5}),
    (WanVideo, WAN | EDIT | {"duration": 7, "reference_image_urls": [IMAGE] * 3}),
    (WanVideo, WAN | {"enable_prompt_expansion": True, "multi_shots": True}),
    (WanVideo, WAN | {"multi_shots": False}),
    (WanSpicy, SPICY | {"image_url": "http://127.0.0.1:8080/in.png"}),
    (WanSpicy, SPICY | {"duration": 15, "negative_prompt": "blurry", "audio_url": SOUND}),
    (WanSpicy, SPICY | OLDER_SPICY | {"duration": 8, "resolution": "480p"}),
    (Wan30, WAN30 | with_media("reference_image", "reference_video", "link") | {"model": "wan3.0-video-prime"}),
    (Wan30, WAN30 | with_media("first_frame", "last_frame", mode="first-last-frames", duration=4)),
    (Wan30, WAN30 | {"parameters": {}}),
    (Wan30, WAN30 | {"parameters": {"duration": -1, "seed": 2**31 - 1, "camera": "of tomorrow"}}),
    (HappyHorse, BY_IMAGE),
    (HappyHorse, HORSE | {"model_version": "1.1", "duration": 3, "resolution": "480P", "ratio": "9:21"}),
    (HappyHorse, HORSE | EDITING | {"duration": 7, "model_version": "1.1", "audio_setting": "origin"}),
    (HappyHorse, HORSE | {"mode": "r2v", "reference_image_urls": [IMAGE] * 9, "ratio": "3:4"}),
    (Seedance, DANCE | {"image_url": IMAGE, "end_image_url": IMAGE, "mode": "image-to-video"}),
    (Seedance2, DANCE | {"resolution": "4k", "duration": 15}),
    (Seedance2, DANCE | {"duration": -1}),
    (Seedance2, DANCE | {"duration": 4, "model_version": "2.5"}),
    (Seedance2, DANCE | EDITS),
    (Seedance2, DANCE | EXTENDS),
    (Seedance2, DANCE | {"mode": "reference", "model_version": "2.5", "audio_urls": [SOUND] * 10, "duration": 30}),
    (Seedance2, DANCE | REFERENCE | {"audio_urls": [SOUND] * 3, "reference_urls": [IMAGE] * 9}),
]
