"""What came before a break is gone on with only where the host proves that it is the same file."""

from __future__ import annotations

import json

import pytest
from videos import HALF, OTHER_VIDEO, VIDEO, is_whole, part_of

from a2e_async import DownloadError


async def test_a_reset_in_the_middle_is_resumed_by_range_and_etag(a2e, host, tmp_path):
    """The second request asks for the rest of the very same file, and each byte is sent once."""
    host.script = [{"after": HALF, "then": "reset"}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [None, f"bytes={HALF}-"]
    assert host.requests[1][1]["if-range"] == host.etag
    assert host.served == len(VIDEO)


async def test_a_download_that_was_given_up_is_resumed_by_the_next_one(a2e, host, tmp_path):
    """What an earlier call left is completed by a later one."""
    host.script = [{"after": HALF}] * 4
    with pytest.raises(DownloadError):
        await a2e.download(host.url, tmp_path, name="video")
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.served == len(VIDEO)


async def test_a_file_that_has_changed_is_begun_anew(a2e, host, tmp_path):
    """Another ETag means another file: halves of two files are never put together."""
    host.script = [{"after": HALF}] * 4
    with pytest.raises(DownloadError):
        await a2e.download(host.url, tmp_path, name="video")
    host.body = OTHER_VIDEO
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path, OTHER_VIDEO)


async def test_a_part_of_another_file_is_not_believed(a2e, host, tmp_path):
    """A server that answers 206 in spite of another ETag is not trusted."""
    host.script = [{"after": HALF}]
    real = host.etag
    host.script.append({"status": 206, "tag": False, "head": ['ETag: "other"', f"Content-Range: bytes {HALF}-9/10"]})
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.etag == real


@pytest.mark.parametrize("content_range", ["bytes 0-9/10", "bytes 7-9/10", "nonsense", ""])
async def test_a_part_from_another_place_is_not_believed(a2e, host, tmp_path, content_range):
    """A 206 that begins elsewhere than was asked for is thrown away."""
    host.script = [{"after": HALF}, {"status": 206, "head": [f"Content-Range: {content_range}"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


async def test_a_rest_that_comes_in_parts_is_put_together(a2e, host, tmp_path):
    """A 206 that ends before the file does is not the end of the file."""
    place = f"Content-Range: bytes {HALF}-{HALF + 99}/{len(VIDEO)}"
    host.script = [{"after": HALF}, {"status": 206, "body": VIDEO[HALF : HALF + 100], "head": [place]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [None, f"bytes={HALF}-", f"bytes={HALF + 100}-"]


async def test_a_server_without_ranges_sends_the_whole_file_again(a2e, host, tmp_path):
    """A 200 to a question for the rest is the whole file from its first byte."""
    host.script = [{"after": HALF, "ranges": False}, {"ranges": False}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


async def test_a_server_without_etag_is_not_resumed(a2e, host, tmp_path):
    """Without the proof that it is the same file nothing is put together."""
    host.script = [{"after": HALF, "tag": False}, {"tag": False}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [None, None]


async def test_a_weak_etag_is_no_proof(a2e, host, tmp_path):
    """A weak ETag does not say that bytes are the same, so nothing is resumed by it."""
    weak = {"tag": False, "head": ['ETag: W/"abc"']}
    host.script = [{"after": HALF, **weak}, weak]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [None, None]


async def left_over(a2e, host, folder, body, **note):
    """Let a download be given up in the middle, and put another hidden file in the place of what it left."""
    host.script = [{"after": HALF}] * 4
    with pytest.raises(DownloadError):
        await a2e.download(host.url, folder, name="video")
    host.requests.clear()
    part = part_of(folder)
    part.write_bytes(body)
    about = part.with_name(f"{part.name}.etag")
    about.write_text(json.dumps({**json.loads(about.read_text()), **note}))


async def test_a_range_that_is_refused_begins_anew(a2e, host, tmp_path):
    """HTTP 416 throws away what is there."""
    await left_over(a2e, host, tmp_path, VIDEO + b"more", total=None)
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [f"bytes={len(VIDEO) + 4}-", None]


async def test_a_file_that_only_lacks_its_name_is_not_fetched_again(a2e, host, tmp_path):
    """Whoever was killed between the last byte and the name has the whole file: the host says that nothing is left."""
    await left_over(a2e, host, tmp_path, VIDEO)
    host.script = [{"status": 416, "body": b"", "head": [f"Content-Range: bytes */{len(VIDEO)}"]}]
    served = host.served
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.served == served


@pytest.mark.parametrize(
    "note", [{"etag": ""}, {"etag": '"another file"'}, {"boot": "before"}, {"total": 7}, {"etag": 5}]
)
async def test_a_part_without_proof_is_not_trusted(a2e, host, tmp_path, note):
    """A left-over hidden file is only used when its ETag is that of the file, and the machine has not died since."""
    await left_over(a2e, host, tmp_path, b"x" * HALF, **note)
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


@pytest.mark.parametrize("words", ["", "no json", "[1]", "[" * 3_000, '"text"'])
async def test_a_note_that_cannot_be_read_proves_nothing(a2e, host, tmp_path, words):
    """Whatever stands beside a hidden file, it is begun anew unless that is a proof."""
    await left_over(a2e, host, tmp_path, b"x" * HALF)
    part = part_of(tmp_path)
    part.with_name(f"{part.name}.etag").write_text(words)
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [None]


REST = f"Content-Range: bytes {HALF}-{len(VIDEO) - 1}/"


@pytest.mark.parametrize(
    "act",
    [
        {"tag": False, "head": [f"{REST}{len(VIDEO)}"]},
        {"tag": False, "head": ['ETag: W/"weak"', f"{REST}{len(VIDEO)}"]},
        {"head": [f"{REST}{len(VIDEO) + 5}"]},
        {"head": [f"{REST}{len(VIDEO) - 5}"]},
        {"head": [f"{REST}{'9' * 5000}"]},
        {"head": [f"{REST}{len(VIDEO)}", "Content-Encoding: gzip"]},
        {"head": ["Content-Type: multipart/byteranges; boundary=x"]},
    ],
)
async def test_a_rest_is_believed_with_the_same_tag_and_the_same_length_only(a2e, host, tmp_path, act):
    """A host that ignores If-Range, and names no tag or another length, may have another file by now."""
    host.script = [{"after": HALF}, {"status": 206, "body": OTHER_VIDEO[HALF:], **act}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize("total", ["*", str(len(VIDEO))])
async def test_a_rest_whose_length_was_known_before_need_not_name_it(a2e, host, tmp_path, total):
    """A star for the length is no other length."""
    host.script = [{"after": HALF}, {"status": 206, "body": VIDEO[HALF:], "head": [f"{REST}{total}"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


@pytest.mark.parametrize(
    "act",
    [
        {"status": 206, "head": [f"Content-Range: bytes 0-{len(VIDEO) - 1}/{len(VIDEO)}"]},
        *({"status": status, "length": length} for status in (201, 203, 226) for length in (True, False)),
        {"head": ["Content-Range: nonsense"]},
    ],
)
@pytest.mark.parametrize("broken", [False, True])
async def test_unusual_answers_that_hold_the_whole_file_are_taken(a2e, host, tmp_path, act, broken):
    """A 206 that begins at the beginning, a 201, 203 or 226 has all there is; also where the rest was asked for."""
    host.script = [*([{"after": HALF}] if broken else []), act]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


@pytest.mark.parametrize(
    "act", [{"status": 202}, {"status": 204, "body": b"", "length": False}, {"status": 226, "head": ["IM: vcdiff"]}]
)
async def test_answers_that_hold_something_else_are_refused(a2e, host, tmp_path, act):
    """A promise, nothing, or a difference to a file that we do not have: none of them is kept as the file."""
    host.script = [act]
    with pytest.raises(DownloadError, match=f"HTTP {act['status']}"):
        await a2e.download(host.url, tmp_path, name="video")
    assert not [*tmp_path.iterdir()]


async def test_a_part_that_nobody_asked_for_is_completed(a2e, host, tmp_path):
    """A host that sends only the beginning is asked for the rest."""
    host.script = [{"status": 206, "body": VIDEO[:HALF], "head": [f"Content-Range: bytes 0-{HALF - 1}/{len(VIDEO)}"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
    assert host.ranges == [None, f"bytes={HALF}-"]


async def test_more_bytes_than_the_file_has_are_thrown_away(a2e, host, tmp_path):
    """A rest that is longer than what is missing belongs to something else."""
    host.script = [{"after": HALF}, {"status": 206, "body": VIDEO[HALF - 9 :], "head": [f"{REST}{len(VIDEO)}"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)


async def test_a_part_of_nobody_knows_how_much_is_not_the_file(a2e, host, tmp_path):
    """A 206 that names no length, of a file whose length was never told, could be any part of it."""
    host.script = [{"status": 206, "body": VIDEO[:HALF], "head": [f"Content-Range: bytes 0-{HALF - 1}/*"]}]
    assert is_whole(await a2e.download(host.url, tmp_path, name="video"), tmp_path)
