"""The rules of Wan's images and R2V, of Hailuo and of MiniMax H3: what is refused, in which words, what is accepted."""

from __future__ import annotations

from refusals import FLAG, LINK, TEXT, links, rows_of

from a2e_async.families.hailuo import Hailuo
from a2e_async.families.minimax_h3 import MinimaxH3
from a2e_async.families.wan26_image import Wan26Image
from a2e_async.families.wan26_r2v import Wan26R2v
from a2e_async.families.wan27_image import Wan27Image

IMAGE = "https://files.example.net/in.png"
VIDEO = "https://files.example.net/in.mp4"
AUDIO = "https://files.example.net/in.mp3"
KITE = {"prompt": "the kite climbs"}
SHAPES = "must be '1:1', '3:2', '2:3', '4:3', '3:4', '16:9', '9:16' or '21:9'"

REFUSED_WAN26 = [
    ({"prompt": "a" * 2001}, "prompt", f"{TEXT}, at most 2000 characters"),
    ({"input_images": [IMAGE] * 5}, "input_images", links("1 to 4")),
    ({"aspect_ratio": "5:4"}, "aspect_ratio", SHAPES),
    ({"negative_prompt": "a" * 501}, "negative_prompt", f"{TEXT}, at most 500 characters"),
    ({"prompt_extend": "yes"}, "prompt_extend", FLAG),
    ({"force_generate": 1}, "force_generate", FLAG),
]

REFUSED_WAN27 = [
    ({"prompt": "a" * 5001}, "prompt", f"{TEXT}, at most 5000 characters"),
    ({"model": "wan2.7"}, "model", "must be 'wan2.7-image' or 'wan2.7-image-pro'"),
    ({"input_images": [IMAGE] * 10}, "input_images", links("1 to 9")),
    ({"aspect_ratio": "5:4"}, "aspect_ratio", SHAPES),
    ({"bbox_list": []}, "bbox_list", "must be a list of at least one item"),
    ({"bbox_list": "0,0,1,1"}, "bbox_list", "must be a list of at least one item"),
    ({"force_generate": 1}, "force_generate", FLAG),
]

REFERRING = KITE | {"reference_urls": [IMAGE, VIDEO]}
REFUSED_R2V = [
    ({"prompt": " "}, "prompt", TEXT),
    ({"reference_urls": None}, "reference_urls", links("1 to 5")),
    ({"reference_urls": []}, "reference_urls", links("1 to 5")),
    ({"reference_urls": [IMAGE] * 6}, "reference_urls", links("1 to 5")),
    ({"model": "wan2.6"}, "model", "must be 'wan2.6-r2v-flash' or 'wan2.6-r2v'"),
    ({"duration": 15}, "duration", "must be 5 or 10"),
    ({"resolution": "480p"}, "resolution", "must be '720p' or '1080p'"),
    ({"aspect_ratio": "21:9"}, "aspect_ratio", "must be '16:9', '9:16', '1:1', '4:3' or '3:4'"),
    ({"shot_type": "many"}, "shot_type", "must be 'single' or 'multi'"),
    ({"audio": "on"}, "audio", FLAG),
]

STILL = KITE | {"image_url": IMAGE}
REFUSED_HAILUO = [
    ({"prompt": None}, "prompt", TEXT),
    ({"image_urls": ["in.png"]}, "image_urls", links("at least 1")),
    ({"image_url": None}, "image_urls", "one of image_urls or image_url must be given"),
    ({"image_url": "in.png"}, "image_url", LINK),
    ({"resolution": "720P"}, "resolution", "must be '768P' or '1080P'"),
    ({"resolution": "1080P", "duration": 10}, "resolution", "must be '768P' with duration 10"),
    ({"duration": 5}, "duration", "must be 6 or 10"),
]

FRAMES = {"mode": "image-to-video", "first_frame_url": IMAGE}
GUIDED = {"mode": "reference-to-video", "reference_image_urls": [IMAGE]}
GUIDES = ("reference_image_urls", "reference_video_urls", "reference_audio_urls")
NO_FRAME = "must not be given but with mode 'image-to-video'"
NO_GUIDE = "must not be given but with mode 'reference-to-video'"
FIXED = "must be '21:9', '16:9', '4:3', '1:1', '3:4' or '9:16' with mode 'text-to-video'"
REFUSED_MINIMAX = [
    ({"prompt": ""}, "prompt", TEXT),
    ({"mode": "t2v"}, "mode", "must be 'text-to-video', 'image-to-video' or 'reference-to-video'"),
    (FRAMES | {"first_frame_url": "in.png"}, "first_frame_url", LINK),
    (FRAMES | {"first_frame_url": None}, "first_frame_url", "must be given with mode 'image-to-video'"),
    (FRAMES | {"last_frame_url": "in.png"}, "last_frame_url", LINK),
    ({"first_frame_url": IMAGE}, "first_frame_url", NO_FRAME),
    ({"last_frame_url": IMAGE}, "last_frame_url", NO_FRAME),
    (GUIDED | {"last_frame_url": IMAGE}, "last_frame_url", NO_FRAME),
    (GUIDED | {"reference_image_urls": None}, "reference_image_urls",
     f"one of {', '.join(GUIDES[:2])} or {GUIDES[2]} must be given with mode 'reference-to-video'"),
    *[({field: ["in"]}, field, links("at least 1")) for field in GUIDES],
    ({"reference_image_urls": [IMAGE]}, "reference_image_urls", NO_GUIDE),
    ({"mode": "text-to-video", "reference_video_urls": [VIDEO]}, "reference_video_urls", NO_GUIDE),
    (FRAMES | {"reference_audio_urls": [AUDIO]}, "reference_audio_urls", NO_GUIDE),
    ({"resolution": "1080P"}, "resolution", "must be '768P' or '2K'"),
    ({"duration": 3}, "duration", "must be a whole number from 4 to 15"),
    ({"duration": 16}, "duration", "must be a whole number from 4 to 15"),
    ({"aspect_ratio": "3:2"}, "aspect_ratio",
     "must be 'adaptive', '21:9', '16:9', '4:3', '1:1', '3:4' or '9:16'"),
    ({"aspect_ratio": "adaptive"}, "aspect_ratio", FIXED),
    ({"mode": "text-to-video", "aspect_ratio": "adaptive"}, "aspect_ratio", FIXED),
]  # fmt: skip

TABLES = {
    kind: rows_of(kind, right, table)
    for kind, right, table in (
        (Wan26Image, KITE, REFUSED_WAN26),
        (Wan27Image, KITE, REFUSED_WAN27),
        (Wan26R2v, REFERRING, REFUSED_R2V),
        (Hailuo, STILL, REFUSED_HAILUO),
        (MinimaxH3, KITE, REFUSED_MINIMAX),
    )
}

ACCEPTED = [
    (Wan26Image, {"prompt": "a" * 2000, "input_images": [IMAGE] * 4, "negative_prompt": "b" * 500}),
    (Wan27Image, {"prompt": "a" * 5000, "input_images": [IMAGE] * 9, "bbox_list": [[0, 0, 1, 1]]}),
    (Wan26R2v, REFERRING | {"reference_urls": [IMAGE] * 5, "duration": 10}),
    (Hailuo, STILL | {"duration": 10, "resolution": "768P"}),
    (Hailuo, KITE | {"image_urls": [IMAGE] * 2, "duration": 6, "resolution": "1080P"}),
    (MinimaxH3, KITE | {"duration": 4, "aspect_ratio": "21:9"}),
    (MinimaxH3, KITE | FRAMES | {"last_frame_url": IMAGE, "duration": 15, "aspect_ratio": "adaptive"}),
    (MinimaxH3, KITE | GUIDED | {"aspect_ratio": "adaptive", "reference_video_urls": [VIDEO]}),
    (MinimaxH3, KITE | {"mode": "reference-to-video", "reference_audio_urls": [AUDIO]}),
]
