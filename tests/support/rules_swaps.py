"""The rules of the families that swap faces and let people talk or move: what is refused, and what is accepted."""

from __future__ import annotations

from refusals import FLAG, LINK, TEXT, rows_of

from a2e_async.families.actor_swap import ActorSwap
from a2e_async.families.face_swap import FaceSwap
from a2e_async.families.face_swap_preview import FaceSwapPreview
from a2e_async.families.head_swap import HeadSwap
from a2e_async.families.motion_transfer import MotionTransfer
from a2e_async.families.talking_photo import TalkingPhoto
from a2e_async.families.talking_video import TalkingVideo

IMAGE = "https://files.example.net/in.png"
VIDEO = "https://files.example.net/in.mp4"
FACE = {"video_url": VIDEO, "face_url": IMAGE}
HEAD = {"image_url": IMAGE, "target_image_url": VIDEO}
MOVE = {"image_url": IMAGE, "video_url": VIDEO}
WORDS = {"prompt": "speaks warmly", "negative_prompt": "blurry"}

REFUSED_FACES = [
    ({"video_url": None}, "video_url", LINK),
    ({"face_url": "data:image/png;base64,AA"}, "face_url", LINK),
    ({"cover_url": "cover.png"}, "cover_url", LINK),
    ({"model_version": "v3"}, "model_version", "must be 'v1' or 'v2'"),
]
REFUSED_PREVIEWS = [
    ({"video_url": "in.mp4"}, "video_url", LINK),
    ({"face_url": "https://f.example/a b.png"}, "face_url", LINK),
]
REFUSED_HEADS = [
    ({"image_url": "head.png"}, "image_url", LINK),
    ({"target_image_url": ""}, "target_image_url", LINK),
    ({"minor_suspected_skip": "yes"}, "minor_suspected_skip", FLAG),
]
REFUSED_ACTORS = [
    ({"image_url": "ftp://f.example/a.png"}, "image_url", LINK),
    ({"video_url": 7}, "video_url", LINK),
    ({"prompt": ""}, "prompt", TEXT),
    ({"negative_prompt": " "}, "negative_prompt", TEXT),
    ({"timeout": 300.5}, "timeout", "must be a whole number from 1"),
]
REFUSED_MOVES = [
    ({"image_url": "person.png"}, "image_url", LINK),
    ({"video_url": "dance.mp4"}, "video_url", LINK),
    ({"positive_prompt": ""}, "positive_prompt", TEXT),
    ({"negative_prompt": ""}, "negative_prompt", TEXT),
    ({"timeout": -1}, "timeout", "must be a number from 1"),
]
REFUSED_TALKS = [
    ({"prompt": None}, "prompt", TEXT),
    ({"negative_prompt": None}, "negative_prompt", TEXT),
    ({"audio_url": "words.mp3"}, "audio_url", LINK),
    ({"duration": 21}, "duration", "must be a whole number from 1 to 20"),
    ({"duration": "5"}, "duration", "must be a whole number from 1 to 20"),
]
TABLES = {
    kind: rows_of(kind, right, table)
    for kind, right, table in (
        (FaceSwap, FACE, REFUSED_FACES),
        (FaceSwapPreview, FACE, REFUSED_PREVIEWS),
        (HeadSwap, HEAD, REFUSED_HEADS),
        (ActorSwap, MOVE, REFUSED_ACTORS),
        (MotionTransfer, MOVE, REFUSED_MOVES),
        (TalkingPhoto, WORDS | {"image_url": IMAGE}, [({"image_url": "me.png"}, "image_url", LINK), *REFUSED_TALKS]),
        (TalkingVideo, WORDS | {"video_url": VIDEO}, [({"video_url": "me.mp4"}, "video_url", LINK), *REFUSED_TALKS]),
    )
}


ACCEPTED = [
    (FaceSwap, {"video_url": IMAGE, "face_url": IMAGE, "model_version": "v2"}),
    (HeadSwap, HEAD | {"minor_suspected_skip": True}),
    (ActorSwap, MOVE | {"timeout": 1}),
    (MotionTransfer, MOVE | {"timeout": 450.5, "positive_prompt": "she dances"}),
    *[(TalkingPhoto, WORDS | {"image_url": IMAGE, "duration": seconds}) for seconds in (1, 20)],
    (TalkingVideo, WORDS | {"video_url": VIDEO, "audio_url": "https://files.example.net/words.mp3"}),
]
