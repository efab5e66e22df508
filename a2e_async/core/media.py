"""What a file is by its first bytes: every kind of image, video and audio that people really have.

A table of our own, after the lists of the WHATWG MIME sniffing standard, libmagic and the registers of brands, since no
library fits: `filetype` (last release 2022) misses WebM and takes any text that begins with "BM" or "MZ" for a file,
`puremagic` needs Python 3.12 and answers with guesses. Two bytes prove nothing, so short marks are checked further.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence

SNIFFED = 4096
"""How many first bytes tell what a file is."""

Kind = tuple[str, str]
"""Suffix and content type."""

_MOV: Kind = (".mov", "video/quicktime")
_MP4: Kind = (".mp4", "video/mp4")
_M4A: Kind = (".m4a", "audio/mp4")
_3GP: Kind = (".3gp", "video/3gpp")
_3G2: Kind = (".3g2", "video/3gpp2")
_HEIC: Kind = (".heic", "image/heic")
_HEIF: Kind = (".heif", "image/heif")
_AVIF: Kind = (".avif", "image/avif")
_JP2: Kind = (".jp2", "image/jp2")
_MJ2: Kind = (".mj2", "video/mj2")
_WEBM: Kind = (".webm", "video/webm")
_MKV: Kind = (".mkv", "video/x-matroska")
_WAV: Kind = (".wav", "audio/wav")
_MID: Kind = (".mid", "audio/midi")
_MPG: Kind = (".mpg", "video/mpeg")
_TS: Kind = (".ts", "video/mp2t")
_WMV: Kind = (".wmv", "video/x-ms-wmv")
_WMA: Kind = (".wma", "audio/x-ms-wma")
_OGG: Kind = (".ogg", "audio/ogg")
_OGV: Kind = (".ogv", "video/ogg")
_OPUS: Kind = (".opus", "audio/ogg")
_MP3: Kind = (".mp3", "audio/mpeg")
_MP2: Kind = (".mp2", "audio/mpeg")
_AAC: Kind = (".aac", "audio/aac")
_AC3: Kind = (".ac3", "audio/ac3")
_AIFF: Kind = (".aiff", "audio/aiff")
_BMP: Kind = (".bmp", "image/bmp")
_ICO: Kind = (".ico", "image/x-icon")
_TIF: Kind = (".tif", "image/tiff")
_PNM: Kind = (".pnm", "image/x-portable-anymap")

_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", ".png", "image/png"),
    (0, b"\x8aMNG\r\n\x1a\n", ".mng", "video/x-mng"),
    (0, b"\xff\xd8\xff", ".jpg", "image/jpeg"),
    (0, b"GIF87a", ".gif", "image/gif"),
    (0, b"GIF89a", ".gif", "image/gif"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", ".jxl", "image/jxl"),
    (0, b"\xff\x0a", ".jxl", "image/jxl"),
    (0, b"\xff\x4f\xff\x51", ".j2k", "image/j2k"),
    (0, b"8BPS\0\1", ".psd", "image/vnd.adobe.photoshop"),
    (0, b"8BPS\0\2", ".psb", "image/vnd.adobe.photoshop"),
    (0, b"\x76\x2f\x31\x01", ".exr", "image/x-exr"),
    (0, b"#?RADIANCE\n", ".hdr", "image/vnd.radiance"),
    (0, b"DDS \x7c\0\0\0", ".dds", "image/vnd.ms-dds"),
    (0, b"qoif\0", ".qoi", "image/qoi"),
    (0, b"gimp xcf ", ".xcf", "image/x-xcf"),
    (0, b"icns\0", ".icns", "image/icns"),
    (0, b"BPG\xfb", ".bpg", "image/bpg"),
    (0, b"II\xbc\x01", ".jxr", "image/jxr"),
    (0, b"IIU\0", ".rw2", "image/x-panasonic-rw2"),
    (0, b"IIRO\x08\0", ".orf", "image/x-olympus-orf"),
    (0, b"FUJIVIDEOCCD-RAW ", ".raf", "image/x-fuji-raf"),
    (0, b"FLV\x01", ".flv", "video/x-flv"),
    (0, b"DKIF\0\0", ".ivf", "video/x-ivf"),
    (0, b"YUV4MPEG2 ", ".y4m", "video/x-y4m"),
    (0, b".RMF\0\0", ".rm", "application/vnd.rn-realmedia"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", ".mxf", "application/mxf"),
    (0, b"\x1f\x07\0", ".dv", "video/dv"),
    (0, b"\0\0\1\xb3", ".mpg", "video/mpeg"),
    (0, b"\0\0\1\xba", ".mpg", "video/mpeg"),
    (0, b"fLaC\0", ".flac", "audio/flac"),
    (0, b"fLaC\x80", ".flac", "audio/flac"),
    (0, b"#!AMR\n", ".amr", "audio/amr"),
    (0, b"#!AMR-WB\n", ".awb", "audio/amr-wb"),
    (0, b"MThd\0\0\0", ".mid", "audio/midi"),
    (0, b"caff\0\1", ".caf", "audio/x-caf"),
    (0, b".snd\0", ".au", "audio/basic"),
    (0, b".ra\xfd", ".ra", "audio/x-realaudio"),
    (0, b"wvpk", ".wv", "audio/x-wavpack"),
    (0, b"MPCK", ".mpc", "audio/x-musepack"),
    (0, b"MP+\x07", ".mpc", "audio/x-musepack"),
    (0, b"TTA1\1\0", ".tta", "audio/x-tta"),
    (0, b"DSD \x1c\0\0\0", ".dsf", "audio/x-dsf"),
    (0, b"FRM8\0\0", ".dff", "audio/x-dff"),
    (0, b"\x7f\xfe\x80\x01", ".dts", "audio/vnd.dts"),
    (0, b"Creative Voice File\x1a", ".voc", "audio/x-voc"),
    (0, b"Extended Module: ", ".xm", "audio/x-xm"),
)

_IMAGE_BRANDS = (
    (frozenset({b"avif", b"avis"}), _AVIF),
    (frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}), _HEIC),
    (frozenset({b"mif1", b"mif2", b"msf1", b"miaf", b"1pic"}), _HEIF),
)
_BRANDS: dict[bytes, Kind] = {
    b"qt  ": _MOV, b"M4A ": _M4A, b"M4B ": _M4A, b"M4P ": _M4A, b"F4A ": _M4A, b"F4B ": _M4A, b"jp2 ": _JP2,
    b"mjp2": _MJ2, b"crx ": (".cr3", "image/x-canon-cr3"),
}  # fmt: skip
_VIDEO_BRANDS = (b"iso", b"mp4", b"avc", b"M4V", b"MSN", b"das", b"f4v", b"F4V", b"3gp", b"3g2")
_BARE_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_RIFF: dict[bytes, Kind] = {
    b"WEBP": (".webp", "image/webp"), b"WAVE": _WAV, b"AVI ": (".avi", "video/x-msvideo"), b"RMID": _MID, b"CDXA": _MPG,
    b"QLCM": (".qcp", "audio/qcelp"),
}  # fmt: skip
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_AUDIO = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")
_ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
_DIB_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_PNM_HEAD = re.compile(rb"P[1-6]\s(#[^\n]*\n|\s)*\d+\s+\d+\s|P7\nWIDTH ")
_PACKETS = ((188, 0), (192, 4), (204, 0))
_BITRATES = {  # kbit/s by version (MPEG 1 or not) and layer
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_ID3_VERSIONS = range(1, 5)
_LAYER_3 = 1


def sniff(head: bytes) -> Kind | None:
    """Give suffix and content type of a media file by its first bytes, None when they tell nothing.

    Args:
        head: The first `SNIFFED` bytes of the file, or all of a shorter one.
    """
    for at, signature, suffix, content_type in _SIGNATURES:
        if head.startswith(signature, at):
            return suffix, content_type
    return next((kind for probe in _PROBES if (kind := probe(head)) is not None), None)


def _iso(head: bytes) -> Kind | None:
    """ISO base media by the brands of `ftyp`, also the compatible ones; QuickTime of cameras that write none."""
    if head[4:8] == b"jP  ":
        return _MJ2 if head[20:24] == b"mjp2" else _JP2
    if head[4:8] in _BARE_ATOMS and (head[4:8] in (b"moov", b"mdat") or head[0] < ord(" ")):
        return _MOV
    return _branded(head) if head[4:8] == b"ftyp" else None


def _branded(head: bytes) -> Kind:
    major, size = head[8:12], int.from_bytes(head[:4])
    if major[:3] in (b"3gp", b"3ge", b"3gg", b"3gr", b"3gs"):
        return _3GP
    if major[:3] == b"3g2":
        return _3G2
    if major in _BRANDS:
        return _BRANDS[major]
    brands = {major, *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))}
    own = {major} if major.startswith(_VIDEO_BRANDS) else brands
    return next((kind for names, kind in _IMAGE_BRANDS if own & names), _MP4)


def _matroska(head: bytes) -> Kind | None:
    if not head.startswith(b"\x1aE\xdf\xa3"):
        return None
    return _WEBM if b"webm" in head[:80] else _MKV


def _riff(head: bytes) -> Kind | None:
    if head[:4] in (b"RIFF", b"RIFX"):
        return _RIFF.get(head[8:12])
    if head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _WAV
    return _AIFF if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC") else None


def _asf(head: bytes) -> Kind | None:
    if not head.startswith(_ASF):
        return None
    return _WMA if _ASF_AUDIO in head and _ASF_VIDEO not in head else _WMV


def _ogg(head: bytes) -> Kind | None:
    if not head.startswith(b"OggS\0"):
        return None
    if b"\x80theora" in head or b"\1video\0" in head or b"BBCD\0" in head[28:40]:
        return _OGV
    return _OPUS if head[28:36] == b"OpusHead" else _OGG


def _tagged(head: bytes) -> Kind | None:
    """Audio behind an ID3 tag: MP3, unless what follows within reach says otherwise."""
    if not (head.startswith(b"ID3") and len(head) > 3 and head[3] in _ID3_VERSIONS):
        return None
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    rest = head[10 + size :]
    return next((kind for probe in (_signed_audio, _adts) if (kind := probe(rest)) is not None), _MP3)


def _signed_audio(head: bytes) -> Kind | None:
    return (".flac", "audio/flac") if head.startswith(b"fLaC") else None


def _adts(head: bytes) -> Kind | None:
    """AAC as recorders write it: frames with a sync word each."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 0xF > 12:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if len(head) > 5 else 0
    return _AAC if _goes_on(head, length, 0xF0) else None


def _mpeg_audio(head: bytes) -> Kind | None:
    """MP3 and MP2 without a tag: a frame that is followed by another one, as far as can be seen."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version not in _RATES or layer not in (2, 3) or bitrate == 15 or rate == 3:
        return None
    samples = 72 if layer == 3 and version != 3 else 144
    length = samples * 1000 * _BITRATES[version == 3, layer][bitrate] // _RATES[version][rate] + padding
    if not _goes_on(head, length if bitrate else 0, 0xE0):
        return None
    return _MP3 if layer == 3 else _MP2


def _goes_on(head: bytes, length: int, mask: int) -> bool:
    """Whether another frame begins where one of this length ends; one whose end is out of sight is believed."""
    if length < 7 or length + 1 >= len(head):
        return True
    return head[length] == 0xFF and head[length + 1] & mask == mask


def _ac3(head: bytes) -> Kind | None:
    known = head.startswith(b"\x0b\x77") and len(head) > 5 and head[4] >> 6 < 3 and head[4] & 0x3F < 38
    return _AC3 if known and (head[5] >> 3) <= 16 else None


def _packets(head: bytes) -> Kind | None:
    """MPEG transport streams: a sync byte at the beginning of each packet; cameras put a time before it."""
    for size, first in _PACKETS:
        places = range(first, len(head), size)
        if len(places) > 1 and all(head[at] == ord("G") for at in places):
            return _TS
    return None


def _bitmap(head: bytes) -> Kind | None:
    if head.startswith(b"BM") and len(head) > 17:
        return _BMP if int.from_bytes(head[14:18], "little") in _DIB_SIZES else None
    if head[:4] in (b"\0\0\1\0", b"\0\0\2\0") and len(head) > 9:
        count, reserved = int.from_bytes(head[4:6], "little"), head[9]
        return _ICO if count and not reserved else None
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return (".cr2", "image/x-canon-cr2") if head[8:10] == b"CR" else _TIF
    return _PNM if _PNM_HEAD.match(head) else None


def _old_audio(head: bytes) -> Kind | None:
    if head.startswith(b"MAC ") and len(head) > 5 and 3_000 < struct.unpack_from("<H", head, 4)[0] < 5_000:
        return ".ape", "audio/x-ape"
    if head[44:48] == b"SCRM":
        return ".s3m", "audio/x-s3m"
    return (".it", "audio/x-it") if head.startswith(b"IMPM") and b"\0" in head[4:64] else None


_PROBES: Sequence[Callable[[bytes], Kind | None]] = (
    _iso, _matroska, _riff, _asf, _ogg, _tagged, _adts, _mpeg_audio, _ac3, _packets, _bitmap, _old_audio,
)  # fmt: skip

SUFFIXES: tuple[str, ...] = tuple(
    dict.fromkeys([
        ".png", ".jpg", ".mp4", ".webp", ".wav", ".mp3", ".webm", ".mov", ".gif", ".m4a",  # most results
        *(suffix for _at, _signature, suffix, _kind in _SIGNATURES),
        ".3gp", ".3g2", ".heic", ".heif", ".avif", ".jp2", ".mj2", ".cr3", ".mkv", ".avi", ".qcp", ".ts", ".wmv",
        ".wma", ".ogg", ".ogv", ".opus", ".mp2", ".aac",
        ".ac3", ".aiff", ".bmp", ".ico", ".tif", ".cr2", ".pnm",
        ".ape", ".s3m", ".it",
    ])
)  # fmt: skip
"""The suffixes that `sniff` gives."""

_OTHER_SPELLINGS = frozenset({
    ".jpeg", ".jpe", ".jfif", ".apng", ".tiff", ".hif", ".dng", ".nef", ".arw", ".jpx", ".jpf", ".jpm", ".cur", ".tga",
    ".ppm", ".pgm", ".pbm", ".m4v", ".qt", ".mk3d", ".mpeg", ".mpe", ".m2v", ".m2ts", ".mts", ".vob", ".asf", ".f4v",
    ".rmvb", ".divx", ".mjpeg", ".oga", ".spx", ".mka", ".m4b", ".m4r", ".aif", ".aifc", ".midi", ".weba", ".3ga",
    ".gifv", ".mlp", ".eac3",
})  # fmt: skip


def is_media_suffix(suffix: str) -> bool:
    """Whether files of images, videos or audio are called so; nothing that a system would run is."""
    return suffix.lower() in SUFFIXES or suffix.lower() in _OTHER_SPELLINGS
