"""What a file is by its first bytes."""

from __future__ import annotations

import io
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async.core import media


def ftyp(major, *brands):
    """Give the first box of an ISO media file."""
    body = major + bytes(4) + b"".join(brands)
    return (len(body) + 8).to_bytes(4) + b"ftyp" + body + bytes(64)


def packets(size, before=0):
    """Give a few packets of a transport stream."""
    return (bytes(before) + b"G" + b"\1" * (size - before - 1)) * 4


MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
AAC_FRAME = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)  # 16 bytes
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(30)
DIB = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"

HEADS = {
    "png": (b"\x89PNG\r\n\x1a\n....", ".png", "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0....JFIF", ".jpg", "image/jpeg"),
    "gif 87": (b"GIF87a....", ".gif", "image/gif"),
    "gif 89": (b"GIF89a....", ".gif", "image/gif"),
    "webp": (b"RIFF....WEBPVP8 ", ".webp", "image/webp"),
    "bmp": (DIB, ".bmp", "image/bmp"),
    "ico": (b"\0\0\1\0\1\0\x20\x20\0\0\1\0", ".ico", "image/x-icon"),
    "tiff, little": (b"II*\0\x08\0\0\0", ".tif", "image/tiff"),
    "tiff, big": (b"MM\0*\0\0\0\x08", ".tif", "image/tiff"),
    "camera raw": (b"II*\0\x10\0\0\0CR\2\0", ".cr2", "image/x-canon-cr2"),
    "psd": (b"8BPS\0\1" + bytes(20), ".psd", "image/vnd.adobe.photoshop"),
    "jxl": (b"\xff\x0a\xfa", ".jxl", "image/jxl"),
    "jxl in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n", ".jxl", "image/jxl"),
    "jpeg 2000": (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", ".jp2", "image/jp2"),
    "motion jpeg 2000": (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypmjp2", ".mj2", "video/mj2"),
    "jpeg 2000, bare": (b"\xff\x4f\xff\x51\0\x2f", ".j2k", "image/j2k"),
    "portable pixels": (b"P6\n# by hand\n640 480\n255\n", ".pnm", "image/x-portable-anymap"),
    "heic of a phone": (ftyp(b"heic", b"mif1", b"heic"), ".heic", "image/heic"),
    "heic by its compatible brands": (ftyp(b"mif1", b"mif1", b"heic"), ".heic", "image/heic"),
    "heic of an unknown brand": (ftyp(b"MiHE", b"mif1", b"heix"), ".heic", "image/heic"),
    "heif": (ftyp(b"mif1", b"miaf"), ".heif", "image/heif"),
    "heif of many": (ftyp(b"msf1", b"iso8"), ".heif", "image/heif"),
    "avif": (ftyp(b"avif", b"mif1", b"miaf"), ".avif", "image/avif"),
    "avif by its compatible brands": (ftyp(b"mif1", b"avif", b"miaf"), ".avif", "image/avif"),
    "moving avif": (ftyp(b"avis", b"avif"), ".avif", "image/avif"),
    "canon": (ftyp(b"crx ", b"isom"), ".cr3", "image/x-canon-cr3"),
    "mp4": (ftyp(b"isom", b"mp41"), ".mp4", "video/mp4"),
    "mp4 of a phone": (ftyp(b"mp42", b"isom", b"mp42"), ".mp4", "video/mp4"),
    "mp4 with a strange brand": (ftyp(b"XAVC", b"mp42"), ".mp4", "video/mp4"),
    "m4v": (ftyp(b"M4V ", b"mp42"), ".mp4", "video/mp4"),
    "mov": (ftyp(b"qt  "), ".mov", "video/quicktime"),
    "mov of a camera": (b"\0\0\0\x08wide\0\0\0\x10mdat", ".mov", "video/quicktime"),
    "mov, data first": (b"\x7f\0\0\x08mdat....", ".mov", "video/quicktime"),
    "mov, tables first": (b"\0\1\0\x08moov\0\0\0\x6cmvhd", ".mov", "video/quicktime"),
    "m4a": (ftyp(b"M4A ", b"mp42"), ".m4a", "audio/mp4"),
    "audio book": (ftyp(b"M4B ", b"mp42"), ".m4a", "audio/mp4"),
    "3gp": (ftyp(b"3gp5", b"isom"), ".3gp", "video/3gpp"),
    "3g2": (ftyp(b"3g2a", b"isom"), ".3g2", "video/3gpp2"),
    "webm": (b"\x1aE\xdf\xa3\x9f....\x42\x82\x84webm", ".webm", "video/webm"),
    "mkv": (b"\x1aE\xdf\xa3\xa3....\x42\x82\x88matroska", ".mkv", "video/x-matroska"),
    "avi": (b"RIFF....AVI LIST", ".avi", "video/x-msvideo"),
    "flv": (b"FLV\x01\x05\0\0\0\x09", ".flv", "video/x-flv"),
    "ts": (packets(188), ".ts", "video/mp2t"),
    "ts of a camera": (packets(192, before=4), ".ts", "video/mp2t"),
    "mpeg ps": (b"\0\0\1\xba\x44\0\4", ".mpg", "video/mpeg"),
    "mpeg": (b"\0\0\1\xb3\x14\0\xf0", ".mpg", "video/mpeg"),
    "wmv": (ASF + bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b"), ".wmv", "video/x-ms-wmv"),
    "wma": (ASF + bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b"), ".wma", "audio/x-ms-wma"),
    "ogv": (b"OggS\0\2" + bytes(22) + b"\x80theora", ".ogv", "video/ogg"),
    "ogg": (b"OggS\0\2" + bytes(22) + b"\1vorbis", ".ogg", "audio/ogg"),
    "opus": (b"OggS\0\2" + bytes(22) + b"OpusHead", ".opus", "audio/ogg"),
    "flac": (b"fLaC\0\0\0\x22", ".flac", "audio/flac"),
    "flac behind a tag": (b"ID3\4\0\0\0\0\0\4abcdfLaC\0", ".flac", "audio/flac"),
    "wav": (b"RIFF....WAVEfmt ", ".wav", "audio/wav"),
    "large wav": (b"RF64\xff\xff\xff\xffWAVEds64", ".wav", "audio/wav"),
    "aiff": (b"FORM....AIFF", ".aiff", "audio/aiff"),
    "aifc": (b"FORM....AIFC", ".aiff", "audio/aiff"),
    "mp3 with a tag": (b"ID3\x04....", ".mp3", "audio/mpeg"),
    "mp3": (MP3_FRAME * 3, ".mp3", "audio/mpeg"),
    "mp3, short": (b"\xff\xf3\x90", ".mp3", "audio/mpeg"),
    "mp2": (b"\xff\xfd\x90\x00", ".mp2", "audio/mpeg"),
    "aac": (AAC_FRAME * 3, ".aac", "audio/aac"),
    "aac behind a tag": (b"ID3\3\0\0\0\0\0\4abcd" + AAC_FRAME * 3, ".aac", "audio/aac"),
    "ac3": (b"\x0b\x77\0\0\x14\x40", ".ac3", "audio/ac3"),
    "amr": (b"#!AMR\n<", ".amr", "audio/amr"),
    "midi": (b"MThd\0\0\0\6\0\1", ".mid", "audio/midi"),
    "midi in riff": (b"RIFF....RMIDdata", ".mid", "audio/midi"),
    "caf": (b"caff\0\1\0\0", ".caf", "audio/x-caf"),
    "au": (b".snd\0\0\0\x18", ".au", "audio/basic"),
    "ape": (b"MAC \x96\x0f", ".ape", "audio/x-ape"),
    "s3m": (b"song".ljust(44, b"\0") + b"SCRM", ".s3m", "audio/x-s3m"),
    "it": (b"IMPMsong\0", ".it", "audio/x-it"),
}


@pytest.mark.parametrize("kind", HEADS)
def test_media_are_known_by_their_first_bytes(kind):
    """Each kind of media file has its suffix and content type."""
    head, suffix, content_type = HEADS[kind]
    assert media.sniff(head) == (suffix, content_type)
    assert suffix in media.SUFFIXES
    assert media.is_media_suffix(suffix)


NOTHING = [
    b"", b"<html>", b'{"code": 1}', b"RIFF....ACON", b"\0\0\0\0", b"plain words", b"BMW is a maker of cars, and more",
    b"MAC address not found", b"ID", b"ID3 tags are missing", b"GIF8 is no version", b"FORM is missing",
    b"the free ride",
    b"\xff\xfe<\0h\0t\0m\0l\0", b"\xff\xff\xff\xff", b"\xff", b"\xff\xf1", b"\xff\xfb\xf0\0", b"\xff\xfb\x9c\0",
    MP3_FRAME[:417] + b"no frame", AAC_FRAME + b"no frame at all", b"G" * 10, b"P6 is a name", b"\0\0\1\0\0\0",
    b"PK\3\4",
    b"\x0b\x77\0\0\xff\xff", b"MZ\x90\0", b"%PDF-1.7", b"OggZ",
    b"IMPM without a title of any kind, which goes on and on",
]  # fmt: skip


@pytest.mark.parametrize("head", NOTHING)
def test_what_is_no_media_file(head):
    """Bytes that no media file begins with tell nothing, also where two or three of them look like some kind."""
    assert media.sniff(head) is None


@given(st.binary(max_size=300))
def test_no_bytes_trip_whoever_looks_at_them(head):
    """Any bytes at all are some kind or none."""
    known = media.sniff(head)
    assert known is None or known[0] in media.SUFFIXES


@given(st.text(max_size=300))
def test_words_are_hardly_ever_media(text):
    """No text that people write begins like a media file: what can be printed tells nothing."""
    assert media.sniff(text.encode("utf-8", "replace")) is None or not text[:20].isprintable()


@pytest.mark.skipif(find_spec("PIL") is None, reason="needs pillow")
@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *(("PNG", ".png"), ("JPEG", ".jpg"), ("GIF", ".gif"), ("WEBP", ".webp"), ("BMP", ".bmp"), ("TIFF", ".tif")),
        *(
            ("ICO", ".ico"),
            ("PPM", ".pnm"),
            ("JPEG2000", ".jp2"),
            ("AVIF", ".avif"),
            ("DDS", ".dds"),
            ("ICNS", ".icns"),
        ),
    ],
)
def test_images_of_a_real_library_are_known(name, suffix):
    """What Pillow writes is known for what it is."""
    from PIL import Image  # noqa: PLC0415 - an extra

    out = io.BytesIO()
    try:
        Image.new("RGB", (64, 64), "red").save(out, name)
    except (OSError, KeyError):
        pytest.skip(f"this Pillow writes no {name}")
    assert media.sniff(out.getvalue()[: media.SNIFFED])[0] == suffix


@pytest.mark.skipif(find_spec("av") is None, reason="needs av")
@pytest.mark.parametrize(
    ("container", "codec", "suffix"),
    [
        *(("mp4", "mpeg4", ".mp4"), ("mov", "mpeg4", ".mov"), ("matroska", "mpeg4", ".mkv"), ("avi", "mpeg4", ".avi")),
        *(("flv", "flv1", ".flv"), ("mpegts", "mpeg2video", ".ts"), ("mpeg", "mpeg2video", ".mpg")),
        *(("asf", "mpeg4", ".wmv"), ("3gp", "mpeg4", ".3gp"), ("webm", "libvpx", ".webm"), ("ivf", "libvpx", ".ivf")),
        *(
            ("mpeg2video", "mpeg2video", ".mpg"),
            ("mxf", "mpeg2video", ".mxf"),
            ("yuv4mpegpipe", "wrapped_avframe", ".y4m"),
        ),
        *(
            ("wav", "pcm_s16le", ".wav"),
            ("mp3", "libmp3lame", ".mp3"),
            ("adts", "aac", ".aac"),
            ("ipod", "aac", ".m4a"),
        ),
        *(
            ("flac", "flac", ".flac"),
            ("ogg", "libvorbis", ".ogg"),
            ("ogg", "libopus", ".opus"),
            ("aiff", "pcm_s16be", ".aiff"),
        ),
        *(("ac3", "ac3", ".ac3"), ("mp2", "mp2", ".mp2"), ("au", "pcm_s16be", ".au"), ("caf", "pcm_s16be", ".caf")),
        *(("asf", "wmav2", ".wma"), ("wv", "wavpack", ".wv"), ("tta", "tta", ".tta"), ("w64", "pcm_s16le", None)),
    ],
)
def test_videos_and_audio_of_a_real_library_are_known(container, codec, suffix):
    """What FFmpeg writes is known for what it is."""
    import av  # noqa: PLC0415 - an extra
    from av.error import FFmpegError  # noqa: PLC0415 - an extra

    out = io.BytesIO()
    out.name = ""
    try:
        with av.open(out, "w", format=container) as made:
            _fill(av, made, codec)
    except (FFmpegError, ValueError, LookupError):
        pytest.skip(f"this FFmpeg writes no {codec} in {container}")
    known = media.sniff(out.getvalue()[: media.SNIFFED])
    assert (known and known[0]) == suffix


def _fill(av, made, codec):
    """Write a second of something."""
    if av.Codec(codec, "w").type == "video":
        stream = made.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"
        frames = [av.VideoFrame(176, 144, "yuv420p") for _ in range(25)]
    else:
        stream = made.add_stream(codec, rate=44_100)
        stream.layout = "stereo"
        kind = av.Codec(codec, "w").audio_formats[0].name
        frames = [av.AudioFrame(kind, "stereo", stream.codec_context.frame_size or 1152) for _ in range(30)]
        for frame in frames:
            frame.sample_rate = 44_100
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
    for frame in frames:
        for packet in stream.encode(frame):
            made.mux(packet)
    for packet in stream.encode(None):
        made.mux(packet)
