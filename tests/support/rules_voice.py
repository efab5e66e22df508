"""The rules of avatars, voices, sound and captions: what is refused, in which words, and what is accepted."""

from __future__ import annotations

from refusals import FLAG, LINK, TEXT, links, rows_of

from a2e_async.families.avatar_video import AvatarVideo
from a2e_async.families.caption_removal import CaptionRemoval
from a2e_async.families.dubbing import Dubbing
from a2e_async.families.sound import Sound
from a2e_async.families.video_twin import VideoTwin
from a2e_async.families.voice_training import VoiceTraining

IMAGE = "https://files.example.net/in.png"
VIDEO = "https://files.example.net/in.mp4"
SPEECH = "https://files.example.net/in.mp3"
CAPTIONS = (
    "language", "title", "FontName", "PrimaryColour", "TitleBoxColour", "OutlineColour", "BackColour", "Fontsize",
    "subtitle_position", "BorderStyle",
)  # fmt: skip
NUMBER = "must be a number"

SIZED = {"web_bg_width": 853, "web_bg_height": 480, "web_people_width": 270, "web_people_height": 480}
AVATAR = {"anchor_id": "65f0" * 6, "anchor_type": 0, "audio_src": SPEECH}
IDS = ("anchor_id", "back_id", "custom_back_id", "face_swap_id")
OBJECT_ID = "must be an id of 24 hexadecimal digits"
FLAGS = ("is_skip_rs", "is_skip_gp", "is_allow_reverse", "is_caption_enabled", "is_to_public_pool")
PLACES = ("web_people_x", "web_people_y", "web_dist_bg_width", "web_dist_bg_height", "web_dist_bg_x", "web_dist_bg_y")
REFUSED_AVATARS = [
    *[({field: " "}, field, TEXT) for field in ("color", "anchor_background_color", "wl_model", "lip_model", "msg")],
    *[({field: wrong}, field, OBJECT_ID) for field in IDS for wrong in ("", "zzz", "65f0", "65f0" * 7, "g" * 24)],
    *[({field: "yes"}, field, FLAG) for field in FLAGS],
    *[({field: "in.mp3"}, field, LINK) for field in ("audio_src", "custom_voice", "anchor_background_img")],
    *[({field: -1}, field, f"{NUMBER} from 0") for field in SIZED],
    *[({field: "0"}, field, NUMBER) for field in (*PLACES, "erode_factor")],
    ({"gp_model": "a"}, "gp_model", "must be an object with compose_mode, compose_ratio"),
    ({"gp_model": {"compose_ratio": "1"}}, "gp_model", "compose_ratio must be a number"),
    ({"caption_align": "a"}, "caption_align", f"must be an object with {', '.join(CAPTIONS)}"),
    ({"caption_align": {"Fontsize": 5.5}}, "caption_align", "Fontsize must be a whole number from 1"),
    ({"caption_align": {"subtitle_position": "0.3"}}, "caption_align",
     "subtitle_position must be a number from 0 to 1"),
    ({"caption_align": {"title": ""}}, "caption_align", f"title {TEXT}"),
    ({"anchor_type": 2}, "anchor_type", "must be 0 or 1"),
    ({"audio_src": None}, "audio_src", "one of audio_src or custom_voice must be given"),
    ({"title": "t" * 41}, "title", f"{TEXT}, at most 40 characters"),
    ({"resolution": 0}, "resolution", "must be a whole number from 1"),
    (SIZED | {"back_id": "65f1" * 6, "custom_back_id": "65f2" * 6}, "custom_back_id", "must not be given with back_id"),
    *[({background: "65f1" * 6}, "web_bg_width", f"must be given with {background}")
      for background in ("back_id", "custom_back_id", "color")],
    *[(SIZED | {"color": "rgb(0,0,0)", field: None}, field, "must be given with color") for field in SIZED],
    ({"is_skip_rs": False, "extra": {"isSkipRs": True}}, "extra",
     "must not hold 'isSkipRs', for the field is_skip_rs is given"),
]  # fmt: skip

TWIN = {"video_url": VIDEO}
REFUSED_TWINS = [
    ({"video_url": "in.mp4"}, "video_url", LINK),
    ({"video_url": None}, "video_url", "one of video_url or image_url must be given"),
    ({"image_url": "in.png"}, "image_url", LINK),
    ({"gender": ""}, "gender", TEXT),
    ({"video_background_image": "in.png"}, "video_background_image", LINK),
    ({"video_background_color": ""}, "video_background_color", TEXT),
    ({"model_version": "V3"}, "model_version", "must be 'V2.0' or 'V2.1'"),
    ({"prompt": ""}, "prompt", TEXT),
    ({"negative_prompt": ""}, "negative_prompt", TEXT),
    ({"skip_preview": "no"}, "skip_preview", FLAG),
    ({"is_transcoding": "no"}, "is_transcoding", FLAG),
    ({"video_background_color": "blue", "extra": {"video_backgroud_color": "red"}}, "extra",
     "must not hold 'video_backgroud_color', for the field video_background_color is given"),
]  # fmt: skip

REFUSED_VOICES = [
    ({"voice_urls": []}, "voice_urls", links("at least 1")),
    ({"voice_urls": SPEECH}, "voice_urls", links("at least 1")),
    ({"gender": "none"}, "gender", "must be 'female' or 'male'"),
    ({"denoise": "no"}, "denoise", FLAG),
    ({"enhance_voice_similarity": 1}, "enhance_voice_similarity", FLAG),
    ({"model": "own"}, "model", "must be 'a2e', 'cartesia', 'minimax' or 'elevenlabs'"),
    ({"language": ""}, "language", TEXT),
]

REFUSED_DUBBING = [
    ({"source_url": "in.mp4"}, "source_url", LINK),
    ({"target_lang": None}, "target_lang", TEXT),
    ({"source_lang": ""}, "source_lang", TEXT),
    ({"num_speakers": -1}, "num_speakers", "must be a whole number from 0"),
    ({"drop_background_audio": "no"}, "drop_background_audio", FLAG),
]

ENDING = "must be an http or https URL without spaces whose path ends in .mp4, .avi, .mov or .mkv"
REFUSED_SOUND = [
    ({"video_url": "https://files.example.net/in.webm"}, "video_url", ENDING),
    ({"video_url": "https://files.example.net/in?as=in.mp4"}, "video_url", ENDING),
    ({"video_url": "in.mp4"}, "video_url", ENDING),
    ({"caption": ""}, "caption", TEXT),
    ({"cot_description": ""}, "cot_description", TEXT),
    ({"seed": "7"}, "seed", "must be a whole number"),
]

REFUSED_CAPTIONS = [({"source_url": None}, "source_url", LINK)]

TABLES = {
    kind: rows_of(kind, right, table)
    for kind, right, table in (
        (AvatarVideo, AVATAR, REFUSED_AVATARS),
        (VideoTwin, TWIN, REFUSED_TWINS),
        (VoiceTraining, {"voice_urls": [SPEECH]}, REFUSED_VOICES),
        (Dubbing, {"source_url": VIDEO, "target_lang": "es"}, REFUSED_DUBBING),
        (Sound, {"video_url": VIDEO}, REFUSED_SOUND),
        (CaptionRemoval, {"source_url": VIDEO}, REFUSED_CAPTIONS),
    )
}


ACCEPTED = [
    (AvatarVideo, AVATAR | {"title": "t" * 40, "web_people_x": -12.5, "web_dist_bg_width": -1}),
    (AvatarVideo, AVATAR | {"audio_src": None, "custom_voice": SPEECH, "anchor_type": 1}),
    (
        AvatarVideo,
        AVATAR | SIZED | {"back_id": "65f1" * 6, "color": "rgba(0,0,0,1)", "caption_align": {"Fontsize": 50}},
    ),
    (VideoTwin, {"image_url": IMAGE, "video_background_color": "rgba(0,0,0,1)"}),
    (VoiceTraining, {"voice_urls": (SPEECH, SPEECH)}),
    (Dubbing, {"source_url": VIDEO, "target_lang": "es", "num_speakers": 0}),
    (Sound, {"video_url": "https://files.example.net/IN.MP4?signed=1"}),
    (CaptionRemoval, {"source_url": VIDEO, "name": "n" * 100}),
]
