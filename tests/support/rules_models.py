"""The rules of the Veo, Grok, Kling and Sora families: what is refused, in which words, and what is accepted."""

from __future__ import annotations

from refusals import FLAG, LINK, TEXT, links, rows_of

from a2e_async.families.grok_video import GrokVideo
from a2e_async.families.kling_omni import KlingOmni
from a2e_async.families.kling_video import KlingVideo
from a2e_async.families.sora import Sora
from a2e_async.families.veo import Veo

IMAGE = "https://files.example.net/in.png"
VIDEO = "https://files.example.net/in.mp4"
KITE = {"prompt": "the kite climbs"}
WHOLE = "must be a whole number"

FRAMES = {"generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO"}
REFUSED_VEO = [
    ({"prompt": ""}, "prompt", TEXT),
    ({"generation_type": "t2v"}, "generation_type",
     "must be 'TEXT_2_VIDEO', 'FIRST_AND_LAST_FRAMES_2_VIDEO' or 'REFERENCE_2_VIDEO'"),
    (FRAMES, "image_urls", "must be given with generation_type 'FIRST_AND_LAST_FRAMES_2_VIDEO'"),
    (FRAMES | {"image_urls": [IMAGE] * 3}, "image_urls",
     links("1 to 2") + " with generation_type 'FIRST_AND_LAST_FRAMES_2_VIDEO'"),
    ({"image_urls": [IMAGE] * 4}, "image_urls", links("1 to 3")),
    ({"model": "veo2"}, "model", "must be 'veo3' or 'veo3_fast'"),
    ({"aspect_ratio": "auto"}, "aspect_ratio", "must be '16:9', '9:16' or 'Auto'"),
    ({"watermark": True}, "watermark", TEXT),
    ({"seeds": 9999}, "seeds", f"{WHOLE} from 10000 to 99999"),
    ({"image_urls": [IMAGE], "extra": {"imageUrls": [IMAGE]}}, "extra",
     "must not hold 'imageUrls', for the field image_urls is given"),
]  # fmt: skip

IMAGES = {"model_type": "image-to-video", "image_url": IMAGE}
NEWER = IMAGES | {"model_version": "1.5"}
RATIOS = "must be '1:1', '16:9', '9:16', '4:3', '3:4', '3:2' or '2:3'"
REFUSED_GROK = [
    ({"prompt": ""}, "prompt", TEXT),
    ({"prompt": None}, "prompt", "must be given with model_type 'text-to-video'"),
    ({"model_type": "t2v"}, "model_type", "must be 'text-to-video' or 'image-to-video'"),
    ({"model_version": "2"}, "model_version", "must be 'legacy' or '1.5'"),
    ({"model_version": "1.5"}, "model_version", "must be 'legacy' with model_type 'text-to-video'"),
    ({"mode": "calm"}, "mode", "must be 'fun', 'normal' or 'spicy'"),
    ({"image_urls": []}, "image_urls", links("at least 1")),
    ({"model_type": "image-to-video"}, "image_urls",
     "one of image_urls or image_url must be given with model_type 'image-to-video'"),
    ({"image_url": "in.png"}, "image_url", LINK),
    ({"aspect_ratio": "21:9"}, "aspect_ratio",
     "must be 'auto', '1:1', '16:9', '9:16', '4:3', '3:4', '3:2' or '2:3'"),
    ({"aspect_ratio": "4:3"}, "aspect_ratio",
     "must be '1:1', '16:9' or '9:16' with text-to-video and version 'legacy'"),
    (IMAGES | {"aspect_ratio": "auto"}, "aspect_ratio", f"{RATIOS} with image-to-video and version 'legacy'"),
    ({"duration": 5}, "duration", "must be 6, 10 or 15"),
    ({"nsfw_checker": "no"}, "nsfw_checker", FLAG),
    (IMAGES | {"nsfw_checker": True}, "nsfw_checker", "must not be given without model_version '1.5'"),
]  # fmt: skip

WORDS = KITE | {"mode": "text-to-video"}
START = {"mode": "image-to-video", "image_url": IMAGE}
MOTION = {"mode": "motion-control", "image_url": IMAGE, "video_url": VIDEO, "version": "3.0"}
OLDER = "with version '2.6'"
BY_MOTION = "with mode 'motion-control'"
LAST = "must not be given but for mode 'image-to-video' with quality_mode 'pro'"
REFUSED_KLING = [
    ({"prompt": None}, "prompt", TEXT),
    ({"mode": "t2v"}, "mode", "must be 'text-to-video', 'image-to-video' or 'motion-control'"),
    ({"version": "2.5"}, "version", "must be '2.6' or '3.0'"),
    ({"model_version": "slow"}, "model_version", "must be 'standard' or 'fast'"),
    ({"model_version": "fast"}, "model_version", f"must be 'standard' {OLDER}"),
    (MOTION | {"model_version": "fast"}, "model_version", f"must be 'standard' {BY_MOTION}"),
    ({"resolution": "1080p"}, "resolution", "must not be given but with model_version 'fast'"),
    ({"version": "3.0", "model_version": "fast", "quality_mode": "4k"}, "quality_mode",
     "must be 'std' or 'pro' with model_version 'fast', which has resolution in its place"),
    ({"resolution": "480p"}, "resolution", "must be '720p' or '1080p'"),
    ({"quality_mode": "8k"}, "quality_mode", "must be 'std', 'pro' or '4k'"),
    ({"quality_mode": "4k"}, "quality_mode", f"must be 'std' or 'pro' {OLDER}"),
    (MOTION | {"quality_mode": "4k"}, "quality_mode", f"must be 'std' or 'pro' {BY_MOTION}"),
    ({"duration": 16}, "duration", f"{WHOLE} from 3 to 15"),
    ({"duration": 3}, "duration", f"must be 5 or 10 {OLDER}"),
    ({"image_url": "in.png"}, "image_url", LINK),
    ({"mode": "image-to-video"}, "image_url", "must be given with mode 'image-to-video'"),
    (MOTION | {"image_url": None}, "image_url", f"must be given {BY_MOTION}"),
    ({"video_url": "in.mp4"}, "video_url", LINK),
    (MOTION | {"video_url": None}, "video_url", f"must be given {BY_MOTION}"),
    ({"end_image_url": "in.png"}, "end_image_url", LINK),
    ({"end_image_url": IMAGE, "quality_mode": "pro"}, "end_image_url", LAST),
    (START | {"end_image_url": IMAGE}, "end_image_url", LAST),
    (START | {"end_image_url": IMAGE, "quality_mode": "pro", "sound": True}, "end_image_url",
     f"must not be given with audio {OLDER}"),
    ({"aspect_ratio": "4:3"}, "aspect_ratio", "must be '16:9', '9:16' or '1:1'"),
    (START | {"aspect_ratio": "1:1"}, "aspect_ratio", "must not be given with mode 'image-to-video'"),
    ({"sound": "yes"}, "sound", FLAG),
    ({"sound": True}, "quality_mode", f"must be given with audio {OLDER}"),
    ({"sound": True, "quality_mode": "std"}, "quality_mode", f"must be 'pro' with audio {OLDER}"),
    ({"character_orientation": "left"}, "character_orientation", "must be 'video' or 'image'"),
    ({"negative_prompt": ""}, "negative_prompt", TEXT),
    ({"seed": True}, "seed", WHOLE),
]  # fmt: skip

SHOTS = [{"prompt": "a kite", "duration": "2"}, {"prompt": "the sea", "duration": 3}]
OWN = {"prompt": None, "multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS}
IS_SHOTS = "must be a list of 1 to 6 object(s) with prompt, duration"
SHOT_SECONDS = "item 1: duration must be whole seconds from 1, as a number or as text"
NO_WORDS = "must be given unless shots of one's own are (multi_shot, shot_type 'customize')"
REFUSED_OMNI = [
    ({"prompt": " "}, "prompt", TEXT),
    ({"prompt": None}, "prompt", NO_WORDS),
    (OWN | {"multi_shot": False}, "prompt", NO_WORDS),
    (OWN | {"shot_type": "intelligence"}, "prompt", NO_WORDS),
    ({"image_list": [IMAGE] * 8}, "image_list", links("1 to 7")),
    ({"mode": "4k"}, "mode", "must be 'std' or 'pro'"),
    ({"duration": 2}, "duration", f"{WHOLE} from 3 to 15"),
    ({"aspect_ratio": "4:3"}, "aspect_ratio", "must be '16:9', '9:16' or '1:1'"),
    ({"sound": "on"}, "sound", FLAG),
    ({"multi_shot": 1}, "multi_shot", FLAG),
    ({"shot_type": "mine"}, "shot_type", "must be 'intelligence' or 'customize'"),
    ({"multi_shot": True}, "shot_type", "must be given with multi_shot"),
    (OWN | {"multi_prompt": SHOTS * 4}, "multi_prompt", IS_SHOTS),
    (OWN | {"multi_prompt": "a kite"}, "multi_prompt", IS_SHOTS),
    (OWN | {"multi_prompt": [{"prompt": "a kite"}]}, "multi_prompt", SHOT_SECONDS),
    (OWN | {"multi_prompt": [{"prompt": "a kite", "duration": "long"}]}, "multi_prompt", SHOT_SECONDS),
    (OWN | {"multi_prompt": [{"prompt": "a kite", "duration": 0}]}, "multi_prompt", SHOT_SECONDS),
    (OWN | {"multi_prompt": [{"prompt": "a kite", "duration": True}]}, "multi_prompt", SHOT_SECONDS),
    (
        OWN | {"multi_prompt": [*SHOTS, {"prompt": "a" * 513, "duration": 1}]},
        "multi_prompt",
        f"item 3: prompt {TEXT}, at most 512 characters",
    ),
    (OWN | {"multi_prompt": None}, "multi_prompt", "must be given with shot_type 'customize'"),
    (OWN | {"duration": 6}, "multi_prompt", "must add up to duration (5 s by default)"),
]

SORA = KITE | {"image_urls": [IMAGE]}
REFUSED_SORA = [
    ({"prompt": None}, "prompt", TEXT),
    ({"model_type": "i2v"}, "model_type", "must be 'text-to-video' or 'image-to-video'"),
    ({"image_urls": ["in.png"]}, "image_urls", links("at least 1")),
    ({"image_urls": None}, "image_urls", "must be given unless model_type is 'text-to-video'"),
    ({"aspect_ratio": "16:9"}, "aspect_ratio", "must be 'portrait' or 'landscape'"),
    ({"duration_seconds": "5"}, "duration_seconds", "must be 5, 10 or 15"),
    ({"quality": "best"}, "quality", "must be 'standard' or 'high'"),
]

TABLES = {
    kind: rows_of(kind, right, table)
    for kind, right, table in (
        (Veo, KITE, REFUSED_VEO),
        (GrokVideo, KITE, REFUSED_GROK),
        (KlingVideo, WORDS, REFUSED_KLING),
        (KlingOmni, KITE, REFUSED_OMNI),
        (Sora, SORA, REFUSED_SORA),
    )
}


ACCEPTED = [
    (Veo, {}),
    (Veo, FRAMES | {"image_urls": [IMAGE] * 2}),
    (Veo, {"generation_type": "REFERENCE_2_VIDEO", "image_urls": [IMAGE] * 3, "seeds": 99999}),
    (GrokVideo, KITE | {"aspect_ratio": "9:16", "model_version": "legacy"}),
    (GrokVideo, IMAGES | {"aspect_ratio": "2:3", "mode": "spicy"}),
    (GrokVideo, NEWER | {"aspect_ratio": "auto", "nsfw_checker": True, "image_urls": [IMAGE]}),
    (KlingVideo, WORDS | {"duration": 10, "sound": True, "quality_mode": "pro"}),
    (KlingVideo, WORDS | {"version": "3.0", "duration": 3, "sound": True, "quality_mode": "4k"}),
    (KlingVideo, WORDS | {"version": "3.0", "model_version": "fast", "resolution": "1080p"}),
    (KlingVideo, WORDS | START | {"end_image_url": IMAGE, "quality_mode": "pro", "sound": False}),
    (KlingVideo, WORDS | MOTION | {"version": "2.6", "duration": 12, "character_orientation": "image"}),
    (KlingOmni, KITE | {"multi_shot": True, "shot_type": "intelligence", "duration": 15}),
    (KlingOmni, OWN),
    (Sora, KITE | {"model_type": "text-to-video"}),
]
