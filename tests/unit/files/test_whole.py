"""Files that are cut are told from whole ones by their structure; whatever phones and players make passes."""

from __future__ import annotations

import io
import struct
import wave

import pytest
from given import PNG
from PIL import Image

from a2e_async.core.inputs import FaultError
from a2e_async.engine.files.contents import InMemory
from a2e_async.engine.files.examining import Examiner
from a2e_async.engine.files.whole import cut_of

NOISE = Image.effect_noise((120, 90), 80)
COLOURS = Image.merge("RGB", (NOISE, NOISE.rotate(180), NOISE))


def cut(data):
    """Say how a content shows that it is cut."""
    return cut_of(io.BufferedReader(io.BytesIO(data)), len(data))


def saved(kind, **how):
    """Give an image as a file."""
    out = io.BytesIO()
    COLOURS.save(out, kind, **how)
    return out.getvalue()


def as_of_a_camera():
    """Give a JPEG with EXIF, in which there is a whole thumbnail with an end mark of its own."""
    exif = Image.Exif()
    exif[0x010E] = "a description"
    thumbnail = saved("JPEG")
    head = b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + 6 + len(exif.tobytes()) + len(thumbnail))
    return head + b"Exif\0\0" + exif.tobytes() + thumbnail + saved("JPEG")[2:]


def recording(seconds=1):
    """Give a WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(range(1, 251)) * 64 * seconds)
    return out.getvalue()


def box(kind, body=b"", *, size=None):
    """Give one box of an MP4."""
    return struct.pack(">I4s", 8 + len(body) if size is None else size, kind) + body


FTYP = box(b"ftyp", b"isom\0\0\2\0isommp42")
MDAT, MOOV = box(b"mdat", b"\1" * 5000), box(b"moov", box(b"mvhd", bytes(100)))
LONG_MDAT = struct.pack(">I4sQ", 1, b"mdat", 16 + 5000) + b"\1" * 5000
HEIC = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(400)) + MDAT
WEBM = b"\x1aE\xdf\xa3\x84webm\x18\x53\x80\x67\x48\x00" + bytes(0x800)
STREAMED_WEBM = b"\x1aE\xdf\xa3\x84webm\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(0x800)

WHOLE = {
    "a PNG": saved("PNG"),
    "an animated PNG": saved("PNG", save_all=True, append_images=[COLOURS.rotate(90)]),
    "a JPEG": saved("JPEG"),
    "a progressive JPEG": saved("JPEG", progressive=True),
    "a JPEG of a camera": as_of_a_camera(),
    "a JPEG of many images": saved("MPO", save_all=True, append_images=[COLOURS.rotate(90)]),
    "a GIF": saved("GIF"),
    "an animated GIF": saved("GIF", save_all=True, append_images=[COLOURS.rotate(90)]),
    "a WebP": saved("WEBP"),
    "a BMP": saved("BMP"),
    "a TIFF": saved("TIFF", compression="tiff_lzw"),
    "a JPEG 2000": saved("JPEG2000"),
    "a WAV": recording(),
    "an AIFF": b"FORM" + struct.pack(">I", 4 + 4000) + b"AIFF" + bytes(4000),
    "an MP4 of a camera": FTYP + MDAT + MOOV,
    "an MP4 for streaming": FTYP + MOOV + box(b"free", bytes(40)) + MDAT,
    "a large MP4": FTYP + box(b"wide") + LONG_MDAT + MOOV,
    "an MP4 in fragments": FTYP + MOOV + (box(b"moof", bytes(90)) + MDAT) * 3,
    "a MOV without a brand": box(b"wide") + MDAT + MOOV,
    "a HEIC": HEIC,
    "a WebM": WEBM,
}
STILL_GOOD = {
    "a motion photo": saved("JPEG") + FTYP + MDAT + MOOV,
    "a motion photo in HEIC": HEIC + box(b"mpvd", FTYP + MDAT + MOOV),
    "a trailer of a phone": FTYP + MDAT + MOOV + b"\0\0\0\0\x23SEFT trailer" + bytes(99),
    "a trailer that looks like a box": FTYP + MDAT + MOOV + box(b"SefT", bytes(9), size=1 << 30),
    "an own box that is cut": FTYP + MDAT + MOOV + box(b"uuid", bytes(9), size=1 << 20),
    "a media box to the end": FTYP + MOOV + box(b"mdat", bytes(500), size=0),
    "a PNG with a text behind it": saved("PNG") + b"\n<!-- from a site -->" + bytes(9),
    "a GIF without its end mark": saved("GIF")[:-1],
    "a WAV of a stream": recording().replace(struct.pack("<I", 16000), b"\xff\xff\xff\xff"),
    "a WAV of sox in a pipe": recording().replace(struct.pack("<I", 16000), struct.pack("<I", 0x7FFFF000)),
    "a WAV that was left open": recording().replace(struct.pack("<I", 16000), bytes(4)),
    "a WAV whose head is off by 44": recording().replace(struct.pack("<I", 16000), struct.pack("<I", 16044)),
    "a WebP of an open size": saved("WEBP")[:4] + b"\xff\xff\xff\xff" + saved("WEBP")[8:],
    "a WebM of a browser": STREAMED_WEBM,
    "a WebM of a browser that was closed": STREAMED_WEBM[:900],
    "a PNG by its mark alone": PNG,
    "a JPEG by its mark alone": b"\xff\xd8\xff" + b"x" * 99,
    "a JPEG of an unknown head": b"\xff\xd8\xff\xe0" + b"\x30" * 99,
    "an MP4 by its mark alone": b"\0\0\0\x18ftypmp42" + bytes(600),
    "a BMP of unknown packing": b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 900, 900, 1, 24, 1) + bytes(99),
}
SURELY_CUT = {
    "a recording that broke off": (FTYP + box(b"mdat", b"\1" * 500, size=0), "its moov box"),
    "an MP4 that ends behind its media": (FTYP + MDAT, "its moov box"),
    "a large MP4 in its media": (FTYP + LONG_MDAT[:-700], "the last 700 bytes are missing"),
    "an MP4 in its index": (FTYP + MDAT + MOOV[:-1], "the last 1 byte is missing"),
    "a fragment": (FTYP + MOOV + box(b"moof", bytes(90)) + MDAT[:-9], "the last 9 bytes are missing"),
    "a PNG behind a chunk": (saved("PNG")[:-12], "its end mark (IEND)"),
    "a photo in its thumbnail": (as_of_a_camera()[:900], "ends before its image"),
    "a photo behind its thumbnail": (as_of_a_camera()[:-900], "its end mark"[4:]),
    "a JPEG in its first segment": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "ends before its image"),
}


@pytest.mark.parametrize("data", [*WHOLE.values(), *STILL_GOOD.values()], ids=[*WHOLE, *STILL_GOOD])
def test_good_files_pass(data):
    """Whole files, and what real recorders, phones and sites make of them."""
    assert cut(data) == ""


@pytest.mark.parametrize("data", WHOLE.values(), ids=list(WHOLE))
def test_what_lies_behind_the_end_says_nothing(data):
    """Phones, sites and editors append bytes to whole files."""
    assert cut(data + b"\0\1\2trailer" * 50) == ""


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if kind != "a JPEG of many images"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.97])
def test_cut_files_are_told(kind, share):
    """A copy that broke off anywhere in the media."""
    data = WHOLE[kind]
    assert cut(data[: int(len(data) * share)]) != ""


@pytest.mark.parametrize(("data", "words"), SURELY_CUT.values(), ids=list(SURELY_CUT))
def test_how_a_file_is_cut_is_said(data, words):
    """So that people know what to do with it."""
    assert words in cut(data)


def test_a_large_scan_is_searched_to_its_end():
    """The end mark of a photo can lie far before what a phone has appended, and between two pieces that are read."""
    photo = saved("JPEG")
    scan = photo[:-2] + b"\1" * ((1 << 18) * 2 - len(photo) + 1)
    assert cut(scan + b"\xff\xd9" + bytes(1 << 19)) == ""
    for shift in range(4):
        assert cut(photo[:-2] + b"\1" * ((1 << 18) - shift) + b"\xff\xd9" + bytes((1 << 18) + 9)) == ""
    assert cut(scan + bytes(1 << 19)) != ""


def test_a_cut_file_is_a_fault_unless_its_kind_is_given():
    """Whoever says what a file is takes it as it is."""
    content = InMemory(saved("PNG")[:-50], "me.png")
    with pytest.raises(FaultError, match="is cut: it is a PNG") as fault:
        Examiner(1 << 30).examine(content)
    assert fault.value.rule == "must be a whole file"
    assert Examiner(1 << 30).examine(content, "image/png").kind == "image/png"
