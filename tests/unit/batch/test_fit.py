"""Images that are made fit on demand: upright, RGB, JPEG of HEIC, not above the limit; the files stay as they are."""

from __future__ import annotations

import hashlib
import io
import sys

import attrs
import pytest
from batches import play, service
from photos import mp4, photo
from PIL import Image

from a2e_async.batch import Row, State
from a2e_async.batch.cells import UnclearError
from a2e_async.batch.files import Files
from a2e_async.batch.fit import fitted_bytes, made_fit
from a2e_async.core.family import family_of
from a2e_async.core.requests import fields_of
from a2e_async.errors import UsageError

EXIF_ORIENTATION = 0x0112


def field_of(family, name):
    """Give a field of a family."""
    return next(field for field in fields_of(family_of(family).request) if field.name == name)


IMAGE = field_of("image_to_video", "image_url")
LIMITED = field_of("kling_omni", "image_list")


def turned(path):
    """Write a photo of 40 by 20 pixels that a camera has turned; its left end is red."""
    image = Image.new("RGB", (40, 20), "blue")
    image.paste("red", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    image.save(path, exif=exif)
    return path


def fit(path, field=IMAGE):
    """Give what is done to a file, and the image that comes of it."""
    file = Files(path.parent, fit=made_fit).take(path.name, field)
    return file, Image.open(io.BytesIO(fitted_bytes(file))) if file.fitted else None


def test_a_turned_photo_is_put_upright(tmp_path):
    """Its pixels are, for nothing says that the service reads how the camera was held."""
    before = turned(tmp_path / "me.jpg").read_bytes()
    file, image = fit(tmp_path / "me.jpg")
    assert (file.fitted, file.kind, file.suffix) == ("turned upright", "image/jpeg", ".jpg")
    assert (image.size, image.getexif().get(EXIF_ORIENTATION)) == ((20, 40), None)
    red, _green, blue = image.getpixel((10, 2))
    assert (red > 200, blue < 60) == (True, True)
    assert (tmp_path / "me.jpg").read_bytes() == before


def test_cmyk_becomes_rgb(tmp_path):
    """Printers' colours are shown wrong, or not at all."""
    Image.new("CMYK", (30, 30), (0, 255, 255, 0)).save(tmp_path / "me.jpg")
    file, image = fit(tmp_path / "me.jpg")
    assert (file.fitted, image.mode) == ("CMYK to RGB", "RGB")


def test_heic_becomes_jpeg(tmp_path):
    """As phones write it."""
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    Image.new("RGB", (64, 64), "red").save(tmp_path / "me.heic", format="HEIF")
    file, image = fit(tmp_path / "me.heic")
    assert (file.fitted, file.suffix, image.format, image.size) == ("HEIC to JPEG", ".jpg", "JPEG", (64, 64))


@pytest.mark.parametrize(("missing", "words"), [("pillow_heif", r"a2e_async\[fit\]"), ("PIL", "needs Pillow")])
def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch, missing, words):
    """With the line that installs it, before anything is sent."""
    (tmp_path / "me.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(100))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UnclearError, match=words):
        Files(tmp_path, fit=made_fit).take("me.heic", IMAGE)


def test_an_image_above_the_limit_is_scaled_down(tmp_path):
    """Until it fits; without --fit it is refused."""
    noise = Image.effect_noise((3600, 3600), 100)
    noise.save(tmp_path / "me.png", compress_level=0)
    with pytest.raises(UnclearError, match="at most 10,485,760 here"):
        Files(tmp_path).take("me.png", LIMITED)
    file, image = fit(tmp_path / "me.png", LIMITED)
    assert file.fitted == "scaled to at most 10485760 bytes"
    assert len(fitted_bytes(file)) <= 10 << 20
    assert image.size[0] > 1500


def test_what_is_transparent_stays_so(tmp_path):
    """JPEG could not keep it."""
    image = Image.new("RGBA", (20, 10), (255, 0, 0, 10))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 8
    image.save(tmp_path / "me.png", exif=exif)
    file, made = fit(tmp_path / "me.png")
    assert (file.suffix, made.format, made.mode, made.size) == (".png", "PNG", "RGBA", (10, 20))


def test_an_image_that_is_fit_is_uploaded_as_it_is(tmp_path):
    """Nothing is lost by writing it anew; nor is its row another one than without --fit."""
    photo(tmp_path / "me.png")
    file, made = fit(tmp_path / "me.png")
    assert (file.fitted, made) == ("", None)
    assert file == Files(tmp_path).take("me.png", IMAGE)


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xff\xe0 no jpeg at all" + bytes(100), b"\x89PNG\r\n\x1a\n" + bytes(50)], ids=["jpeg", "png"]
)
def test_an_image_that_cannot_be_read_is_told(tmp_path, content):
    """It begins like one, and is none."""
    (tmp_path / "me.png").write_bytes(content)
    with pytest.raises(UnclearError, match=r"me\.png cannot be read as an image"):
        Files(tmp_path, fit=made_fit).take("me.png", IMAGE)


async def test_what_was_done_is_said_in_the_row_and_uploaded_once(tmp_path):
    """The row is its file's content and what is done to it; a changed file is not sent."""
    turned(tmp_path / "me.jpg")
    fields = {"prompt": "she waves", "negative_prompt": "blurry"}
    file = Files(tmp_path, fit=made_fit).take("me.jpg", IMAGE)
    rows = [Row(f"r{n}", "image_to_video", {**fields, "image_url": file}) for n in range(3)]
    async with service() as sim:
        for _run in range(2):
            run = await play(tmp_path / "out", sim, rows)
        assert {one.entry.state for one in run.outcomes.values()} == {State.DONE}
        kept = run.outcomes["r0"].entry.fields["image_url"]
        digest = hashlib.sha256((tmp_path / "me.jpg").read_bytes()).hexdigest()
        assert (kept["fitted"], kept["sha256"]) == ("turned upright", digest)
        assert (sim.counters["upload"], len(sim.book.starts)) == (1, 3)
    (tmp_path / "me.jpg").write_bytes(b"\xff\xd8\xff another")
    with pytest.raises(UsageError, match="has changed since"):
        fitted_bytes(file)


def test_a_video_is_left_as_it_is(tmp_path):
    """Only images are made fit."""
    (tmp_path / "clip.mp4").write_bytes(mp4())
    assert Files(tmp_path, fit=made_fit).take("clip.mp4").fitted == ""


def test_the_same_photo_in_many_rows_is_made_fit_once(tmp_path):
    """Opening it takes longer than all else that is done for a row."""
    turned(tmp_path / "me.jpg")
    asked = []

    def counted(file, field):
        asked.append(file.name)
        return made_fit(file, field)

    files = Files(tmp_path, fit=counted)
    assert files.take("me.jpg", IMAGE) == files.take("./me.jpg", IMAGE)
    assert asked == ["me.jpg"]


def test_an_image_that_has_gone_is_told_before_its_upload(tmp_path):
    """The caller hears which file it was."""
    file, _image = fit(turned(tmp_path / "me.jpg"))
    (tmp_path / "me.jpg").unlink()
    with pytest.raises(UsageError, match=r"me\.jpg cannot be read: No such file"):
        fitted_bytes(file)


def test_an_image_that_nothing_makes_small_enough_is_not_sent(tmp_path):
    """Below some size nobody would know what it shows."""
    file, _image = fit(turned(tmp_path / "me.jpg"))
    with pytest.raises(UsageError, match=r"me\.jpg cannot be scaled to 10 bytes"):
        fitted_bytes(attrs.evolve(file, fitted="scaled to at most 10 bytes"))
