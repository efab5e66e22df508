"""Inputs that cannot be right: each is told before anything is sent or paid, with its field and the rule."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from given import PNG, WORDS
from odd_files import (
    Awaited,
    Broken,
    as_text,
    at_its_end,
    bound,
    closed,
    fifo,
    for_writing,
    hidden,
    loop_of_links,
    place,
)
from photos import png
from videos import QUICK

from a2e_async import (
    A2EClient,
    ImageToVideo,
    InvalidRequestError,
    Record,
    Result,
    Transfers,
    UsageError,
)
from a2e_async.requests import (
    CaptionRemoval,
    Dubbing,
    KlingOmni,
    Sound,
    VirtualTryOn,
    VoiceTraining,
    Wan30,
    WanSpicy,
    WanVideo,
)
from a2e_async.simulator import serve

MP4 = b"\0\0\0\x18ftypmp42" + bytes(600)
FTYP = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"
MOV = b"\0\0\0\x14ftypqt  " + bytes(600)
WEBM = b"\x1a\x45\xdf\xa3\x42\x82\x84webm" + bytes(600)
WAV = b"RIFF\x24\x02\0\0WAVEfmt " + bytes(600)
OGG = b"OggS\0\2" + bytes(22) + b"\x01vorbis" + bytes(300)
LINK = "https://f.example/a.png"
OMNI = {"prompt": "p", "duration": 5}


def video(image):
    """Make a request with one image."""
    return ImageToVideo(image, **WORDS)


RECORD = Record(id="65f000000000000000000001", family="text_to_image")
VIDEO = Record(id="65f000000000000000000002", family="image_to_video", urls=("https://r.example/1.mp4",))

# what makes the request, what makes the input of it, the field, the rule, what is said of the file
BAD = {
    "a missing file": (video, place("none.png"), "image_url", "must be a file that can be read", "none.png"),
    "an empty file": (video, place("empty.png", b""), "image_url", "must not be empty", "empty.png"),
    "empty bytes": (video, b"", "image_url", "must not be empty", "0 bytes"),
    "text": (video, place("a.png", b"hello " * 99), "image_url", "must be an image, a video or audio", "a.png"),
    "a page": (video, b"<html>no</html>", "image_url", "must be an image, a video or audio", "15 bytes"),
    "a document": (video, b"%PDF-1.7" + bytes(99), "image_url", "must be an image, a video or audio", "107 bytes"),
    "an archive": (video, place("a.zip", b"PK\3\4" + bytes(99)), "image_url", "must be an image, a video", "a.zip"),
    "a cut PNG": (
        video,
        place("cut.png", png()[:-5]),
        "image_url",
        "must be a whole file",
        "(IEND) (",
    ),
    "a cut PNG in memory": (
        video,
        io.BytesIO(png()[:50]),
        "image_url",
        "must be a whole file",
        "bytes are missing (open file",
    ),
    "a cut JPEG": (
        video,
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1" + bytes(8) + b"\xff\xda\0\2scan",
        "image_url",
        "whole",
        "(EOI)",
    ),
    "a cut video": (
        CaptionRemoval,
        place("a.mp4", FTYP + b"\0\0\x40\0mdat" + bytes(99)),
        "source_url",
        "whole",
        "a.mp4",
    ),
    "a cut recording": (
        lambda one: VoiceTraining([one], name="n", model="cartesia"),
        b"RIFF\xff\xff\0\0WAVEdata\xf0\xff\0\0" + bytes(500),
        "voice_urls",
        "voice_urls: item 1: must be a whole file",
        "a WAV of which",
    ),
    "a video as an image": (video, place("a.png", MP4), "image_url", "must be an image", "a file of video/mp4"),
    "audio as an image": (video, WAV, "image_url", "must be an image", "audio/wav"),
    "an image as a video": (CaptionRemoval, PNG, "source_url", "must be a video", "image/png"),
    "audio as a video": (
        lambda one: Dubbing(one, source_lang="en", target_lang="es", name="n"),
        WAV,
        "source_url",
        "must be a video",
        "audio/wav",
    ),
    "an image as audio": (
        lambda one: VoiceTraining([one], name="n", model="cartesia"),
        PNG,
        "voice_urls",
        "voice_urls: item 1: must be audio",
        "image/png",
    ),
    "the second of a list": (
        lambda one: VirtualTryOn([LINK, one]),
        place("two.png", MP4),
        "image_urls",
        "image_urls: item 2: must be an image",
        "two.png",
    ),
    "another container": (Sound, WEBM, "video_url", "must be a file whose name ends in .mp4", "video/webm"),
    "another codec": (
        lambda one: WanSpicy(LINK, prompt="p", duration=5, resolution="720p", audio_url=one),
        OGG,
        "audio_url",
        "must be a file whose name ends in .wav, .mp3",
        "audio/ogg",
    ),
    "above the family's limit": (
        lambda one: KlingOmni(image_list=[one], **OMNI),
        PNG + bytes(11 << 20),
        "image_list",
        "must have at most 10 MiB",
        "bytes",
    ),
    "above the client's limit": (video, PNG + bytes(33 << 20), "image_url", "must have at most", "bytes"),
    "inside an object": (
        lambda one: WanVideo(
            model="wan2.7-i2v",
            task_type="reference_image",
            duration=5,
            reference_media=[{"type": "reference_image", "url": one}],
            **WORDS,
        ),
        place("gone.png"),
        "reference_media",
        "must be a file that can be read",
        "gone.png",
    ),
    "a video's place inside an object": (
        lambda one: Wan30(input={"media": [{"type": "reference_video", "url": one}]}, mode="reference", parameters={}),
        PNG,
        "input",
        "input: media: item 1: url: must be a video",
        "image/png",
    ),
    "a page's place": (
        lambda one: Wan30(input={"media": [{"type": "link", "url": one}]}, mode="reference", parameters={}),
        PNG,
        "input",
        "must be a URL",
        "image/png",
    ),
    "a name that is too long": (
        video,
        place("a" * 300 + ".png"),
        "image_url",
        "must be a file that can be read",
        "aaa.png)",
    ),
    "a path that breaks": (video, lambda _f: Broken(), "image_url", "must be an http or https URL", "Broken"),
    "a folder": (video, lambda folder: folder, "image_url", "must be a plain file", "a folder"),
    "a pipe": (video, fifo, "image_url", "must be a plain file", "a pipe"),
    "a device": (video, lambda _folder: Path("/dev/zero"), "image_url", "must be a plain file", "a device"),
    "a socket": (video, bound, "image_url", "must be a", "s.png"),
    "a circle of links": (video, loop_of_links, "image_url", "must be a file that can be read", "loop.png"),
    "below a file": (video, hidden, "image_url", "must be a file that can be read", "b.png"),
    "memory of a process": (video, lambda _f: Path("/proc/self/mem"), "image_url", "must be a file that can", "mem"),
    "a path with NUL": (video, lambda _f: Path("a\0.png"), "image_url", "must be a path that can be used", "NUL"),
    "nobody's home": (
        video,
        lambda _f: Path("~nobody-at-all/a.png"),
        "image_url",
        "must be a path that can be used",
        "nobody",
    ),
    "a closed file": (video, closed, "image_url", "must be open", "closed.png"),
    "a file for writing": (video, for_writing, "image_url", "must be open for reading", "out.png"),
    "a file as text": (video, as_text, "image_url", "must be an http or https URL", "mode 'rb'"),
    "a file at its end": (video, at_its_end, "image_url", "must not be empty", "seek(0)"),
    "an awaited file": (video, lambda _f: Awaited(), "image_url", "must be an http or https URL", "await file.read()"),
    "bytes that change": (video, lambda _f: bytearray(PNG), "image_url", "must be an http or https URL", "bytes(...)"),
    "a text that is a path": (video, "photos/me.png", "image_url", "must be", "Path('photos/me.png')"),
    "a text of a list": (VirtualTryOn, [LINK, "dress.png"], "image_urls", "must be a list", "Path('dress.png')"),
    "a data URL": (video, "data:image/png;base64,AAAA", "image_url", "no data: URL", "data:image/png"),
    "a file URL": (video, "file:///etc/passwd", "image_url", "must be an http or https URL", "file:///etc/passwd"),
    "a number": (video, 5, "image_url", "must be an http or https URL", "int 5"),
    "a class": (video, lambda _f: io.BytesIO, "image_url", "must be an http or https URL", "type"),
    "a result without output": (video, Result(()), "image_url", "must have an output", "Result"),
    "a record without output": (video, RECORD, "image_url", "must have an output", "Record"),
    "a record of a video": (video, VIDEO, "image_url", "must be an image", "the video that"),
}


def given(made, folder):
    """Give the input of a case."""
    return made(folder) if callable(made) else made


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_bad_inputs_are_told_before_anything_is_sent(tmp_path):
    """Each with its field, the rule and what it is; nothing is asked for, uploaded, started or paid."""
    assert len(BAD) > 30
    async with (
        serve(media="tiny") as sim,
        A2EClient(sim.token, base_url=sim.url, retry=QUICK, transfers=Transfers(largest=32 << 20)) as a2e,
    ):
        for number, (case, (request, made, field, rule, words)) in enumerate(BAD.items()):
            folder = tmp_path / str(number)
            folder.mkdir()
            with pytest.raises(UsageError) as refused:
                await a2e.start(request(given(made, folder)))
            text = str(refused.value)
            assert rule in text, (case, text)
            assert words in text, (case, text)
            assert type(refused.value) is InvalidRequestError, case
            assert refused.value.field == field, (case, text)
            assert text.startswith(field), (case, text)
            assert refused.value.rule, case
            assert len(text) < 400, (case, text)
        assert not sim.counters
        assert a2e.spent == a2e.reserved == 0
        assert sim.book.charged == 0
