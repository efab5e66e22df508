"""The media of the simulator: real images and videos, with and without the extras."""

from __future__ import annotations

import asyncio
import io
import sys
from array import array

import pytest

from a2e_async.simulator import ImageSpec, Stored, Studio, VideoSpec
from a2e_async.simulator.media import studio
from a2e_async.simulator.media.specs import AudioSpec

av = pytest.importorskip("av")
Image = pytest.importorskip("PIL.Image")

KITE = ImageSpec("a red kite over the hills at sunset", 640, 480)
BOAT = ImageSpec("a sailing boat at night", 640, 480)


def frames_of(body):
    """Decode every frame of a video, with its length in seconds."""
    with av.open(io.BytesIO(body)) as video:
        length = video.streams.video[0].duration * video.streams.video[0].time_base
        return [frame.to_image() for frame in video.decode(video=0)], float(length)


def image_of(body):
    """Open an image and read all of it."""
    with Image.open(io.BytesIO(body)) as opened:
        assert opened.format == "PNG"
        return opened.convert("RGB")


def mean(image):
    """Give the mean colour of an image."""
    return image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))


def distance(one, other):
    """Give how far two colours are apart."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("mode", ["pretty", "plain"])
def test_images_depend_on_their_prompt_alone(mode):
    """The same prompt gives the same bytes in any studio, another prompt another image; none is flat."""
    one, again, other = (Studio(mode).render_now(what) for what in (KITE, KITE, BOAT))
    assert one == again
    assert one.etag != other.etag
    assert distance(mean(image_of(one.body)), mean(image_of(other.body))) > 20
    assert len(image_of(one.body).getcolors(1 << 24)) > 30


@pytest.mark.parametrize(("asked", "given"), [((640, 480), (640, 480)), ((1344, 768), (1024, 585)), ((3, 3), (16, 16))])
def test_pretty_images_have_the_size_asked_for_up_to_a_limit(asked, given):
    """Large images are made smaller in the same shape."""
    assert image_of(Studio("pretty").render_now(ImageSpec("x", *asked)).body).size == given


def test_the_prompt_is_written_into_the_image():
    """Two prompts of the same scene differ where the words stand."""
    scene = ImageSpec("kite red day one", 512, 384), ImageSpec("kite red day two", 512, 384)
    first, second = (image_of(Studio("pretty").render_now(one).body).crop((60, 330, 450, 384)) for one in scene)
    assert first.tobytes() != second.tobytes()


@pytest.mark.parametrize("words", ["", "x" * 500, "日本語の凧", "word " * 200, "line\nbreak [fail]"])
def test_any_prompt_can_be_drawn(words):
    """Empty, endless, foreign and odd prompts make images too."""
    assert image_of(Studio("pretty").render_now(ImageSpec(words, 256, 256)).body).size == (256, 256)


@pytest.mark.parametrize("subject", ["kite", "balloon", "bird", "boat", "tree", "city", "mountain"])
@pytest.mark.parametrize("mode", ["pretty", "plain"])
def test_every_subject_can_be_drawn(subject, mode):
    """Each subject has an image of its own."""
    assert image_of(Studio(mode).render_now(ImageSpec(f"a {subject}", 160, 90)).body).size == (160, 90)


@pytest.mark.parametrize(("mode", "rate"), [("pretty", 12), ("plain", 2)])
@pytest.mark.parametrize("seconds", [5, 10])
def test_videos_begin_with_their_image_and_last_as_long_as_asked(mode, rate, seconds):
    """Every frame decodes, the length is right and the first frame resembles the image."""
    studio = Studio(mode)
    frames, length = frames_of(studio.render_now(VideoSpec(KITE, seconds=seconds, variant="v")).body)
    still = image_of(studio.render_now(KITE).body)
    assert length == pytest.approx(seconds, abs=0.05)
    assert len(frames) == (seconds * rate if mode == "pretty" else 10)
    assert distance(mean(frames[0]), mean(still)) < 12
    assert frames[0].tobytes() != frames[-1].tobytes()
    assert abs(frames[0].width / frames[0].height - 4 / 3) < 0.2


def test_videos_are_the_same_bytes_each_time():
    """Rendering is repeatable, so that links keep their entity tags."""
    video = VideoSpec(KITE, seconds=5, variant="v")
    assert Studio("pretty").render_now(video) == Studio("pretty").render_now(video)
    assert Studio("plain").render_now(video) == Studio("plain").render_now(video)


@pytest.mark.parametrize("mode", ["pretty", "plain"])
def test_a_video_between_two_images_ends_with_the_second(mode):
    """With an end image the video goes over to it."""
    studio = Studio(mode)
    frames, _ = frames_of(studio.render_now(VideoSpec(KITE, BOAT, 5, "v")).body)
    assert distance(mean(frames[-1]), mean(image_of(studio.render_now(BOAT).body))) < 15


def test_a_video_of_an_upload_shows_the_upload():
    """Uploaded images of any common kind can be videoed, and files that are none do no harm."""
    out = io.BytesIO()
    Image.new("RGB", (300, 200), (200, 30, 60)).save(out, "JPEG")
    studio = Studio("pretty")
    frames, _ = frames_of(studio.render_now(VideoSpec(Stored("d1", out.getvalue(), "image/jpeg"))).body)
    assert distance(mean(frames[0]), (200, 30, 60)) < 10
    assert len(frames_of(studio.render_now(VideoSpec(Stored("d2", b"no image"))).body)[0]) == 60
    assert len(frames_of(Studio("plain").render_now(VideoSpec(Stored("d2", b"no image"))).body)[0]) == 10


def test_tiny_media_are_small_and_valid():
    """The media for load tests are real files of a few hundred bytes."""
    studio = Studio("tiny")
    image, video = studio.render_now(KITE), studio.render_now(VideoSpec(KITE, seconds=15))
    assert max(len(image.body), len(video.body)) < 2000
    assert image_of(image.body).size == (2, 2)
    frames, length = frames_of(video.body)
    assert (len(frames), length) == (2, 15)


def test_plain_videos_are_baseline_h264_with_their_index_first():
    """Any player shows them, and a browser may begin before the end."""
    body = Studio("plain").render_now(VideoSpec(KITE)).body
    assert body[4:8] == b"ftyp"
    assert body.index(b"moov") < body.index(b"mdat")
    with av.open(io.BytesIO(body)) as video:
        assert video.streams.video[0].codec_context.profile == "Constrained Baseline"
        assert video.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_pretty_videos_play_in_browsers():
    """H.264, yuv420p, even sides, index first."""
    body = Studio("pretty").render_now(VideoSpec(ImageSpec("x", 333, 777))).body
    assert body.index(b"moov") < body.index(b"mdat")
    with av.open(io.BytesIO(body)) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.width % 2 == stream.height % 2 == 0


async def test_a_file_is_rendered_once_however_many_ask(monkeypatch):
    """Concurrent requests share one rendering, later ones the kept file."""
    studio, rendered = Studio("plain"), []
    make = studio._image
    monkeypatch.setattr(studio, "_image", lambda what: rendered.append(what) or make(what))
    blobs = await asyncio.gather(*(studio.render(KITE) for _ in range(20)))
    assert (len(set(map(id, blobs))), await studio.render(KITE) is blobs[0], rendered) == (1, True, [KITE])
    studio.close()


async def test_a_caller_who_leaves_takes_no_file_away():
    """Cancelling one of two who wait for a file leaves the other with it."""
    studio = Studio("plain")
    leaving, staying = (asyncio.create_task(studio.render(VideoSpec(KITE))) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).content_type == "video/mp4"
    assert leaving.cancelled()
    studio.close()


def test_the_store_is_bounded():
    """Beyond its bytes the studio forgets what was asked for longest ago."""
    studio = Studio("plain", keep_bytes=3000)
    for index in range(10):
        studio.render_now(ImageSpec(f"image {index}", 160, 90))
    assert studio._kept_bytes == sum(len(blob.body) for blob in studio._kept.values()) <= 3000
    assert ImageSpec("image 9", 160, 90) in studio._kept


def test_without_the_extras_media_are_plain(monkeypatch):
    """Auto falls back, pretty says what to install."""
    assert studio.has_extras()
    monkeypatch.setitem(sys.modules, "av", None)
    assert Studio().mode == "plain"
    with pytest.raises(ImportError, match="sim"):
        Studio("pretty")


@pytest.mark.parametrize("mode", ["pretty", "plain", "tiny"])
def test_sounds_play_and_differ_by_their_words(mode):
    """A sound decodes to samples that are not silent, as long as asked for; other words sound otherwise."""
    one, again, other = (Studio(mode).render_now(AudioSpec(words, 1.5)) for words in ("hello", "hello", "goodbye"))
    assert (one, one.content_type) == (again, "audio/wav")
    assert one.body != other.body
    with av.open(io.BytesIO(one.body)) as sound:
        stream = sound.streams.audio[0]
        samples = array("h", b"".join(bytes(frame.planes[0]) for frame in sound.decode(stream)))
    assert max(samples) > 1000
    assert len(samples) / stream.rate == (0.5 if mode == "tiny" else 1.5)
