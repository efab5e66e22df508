"""Files that rows name: which are taken, and how a hostile rows file is kept inside of its folder."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys

import pytest
from photos import mp4, photo, png

from a2e_async.batch import read_file
from a2e_async.batch.files import Files
from a2e_async.batch.inputs import FileInput, OutputOf
from a2e_async.batch.reading import RowReading

VIDEO = {"family": "image_to_video", "prompt": "she waves", "negative_prompt": "blurry"}


def rows(folder, *values, allowed=()):
    """Read a rows file in a folder."""
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps({**VIDEO, **one}) for one in values), encoding="utf-8")
    return read_file(path, how=RowReading(files=Files(folder, allowed)))


def table(folder, text):
    """Read a table in a folder."""
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return read_file(path)


@pytest.mark.parametrize("name", ["me.png", "./me.png", "sub/../me.png", "sub/you.png", "my photo, 2.png", "ä.png"])
def test_a_path_is_a_file_below_the_folder_of_the_rows_file(tmp_path, name):
    """Also with blanks, commas and letters of any script, and where a way leads out and in again."""
    for one in ("me.png", "sub/you.png", "my photo, 2.png", "ä.png"):
        photo(tmp_path / one)
    (row,) = rows(tmp_path, {"image_url": name}).rows
    file = row.fields["image_url"]
    assert (file.name, file.kind, file.size) == (name, "image/png", len(png()))
    assert file.path == (tmp_path / name).resolve()


def test_a_folder_that_is_named_with_files_is_allowed_too(tmp_path):
    """By its absolute path, by a way out, and through a link into it."""
    photo(tmp_path / "photos/me.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.png").symlink_to(tmp_path / "photos/me.png")
    names = [str(tmp_path / "photos/me.png"), "../photos/me.png", "link.png"]
    given = [{"id": str(n), "image_url": name} for n, name in enumerate(names)]
    assert len(rows(tmp_path / "in", *given).bad) == 3
    assert len(rows(tmp_path / "in", *given, allowed=[tmp_path / "photos"]).rows) == 3


HOSTILE = {
    "a way out": ("../secret.png", "outside"),
    "a way out of a folder": ("sub/../../secret.png", "outside"),
    "a way out that is not there": ("../nothing.png", "outside"),
    "an absolute path": ("{out}/secret.png", "outside"),
    "an absolute path to the folder above": ("{out}", "outside"),
    "a link out": ("link.png", "outside"),
    "a link to a link out": ("link2.png", "outside"),
    "a folder that is a link out": ("linked/secret.png", "outside"),
    "a link to nothing outside": ("dangling.png", "outside"),
    "a circle of links": ("circle1.png", "leads back to itself|there is no file|is no plain file|cannot be read"),
    "what is open in this process": ("/proc/self/fd/0", "outside"),
    "this process's folder": ("/proc/self/cwd/secret.png", "outside"),
    "its environment": ("/proc/self/environ", "outside"),
    "a device": ("/dev/zero", "outside"),
    "another device": ("/dev/stdin", "outside"),
    "a link to a device": ("zero.png", "outside"),
    "a password file": ("/etc/passwd", "outside"),
    "a home": ("~/secret.png", "there is no file"),
    "another user's home": ("~root/secret.png", "there is no file"),
    "a pipe": ("pipe.png", "no plain file"),
    "a socket": ("socket.png", "no plain file"),
    "a folder": ("sub", "is a folder"),
    "the folder itself": (".", "is a folder"),
    "a long name": ("x" * 5000, "cannot be read|there is no file"),
    "many folders": ("a/" * 3000 + "b.png", "cannot be read|there is no file"),
    "a file of words": ("words.png", "is not an image, video or audio file"),
    "an empty file": ("empty.png", "is empty"),
    "a video for an image": ("clip.mp4", "takes an image, and clip.mp4 is a video"),
    "a file URL": ("file:///etc/passwd", "must be an http or https URL"),
    "a data URL": ("data:image/png;base64,AAAA", "must be an http or https URL"),
    "an ftp URL": ("ftp://a.example/b.png", "must be an http or https URL"),
    "a windows path": ("C:\\\\secret.png", "there is no file"),
    "a share of windows": ("\\\\\\\\host\\\\share.png", "there is no file"),
    "a host without a scheme": ("www.example.com/a.png", "there is no file .* .a URL begins with https://"),
    "a token": ("sk_0123456789abcdef.png", "there is no file"),
}


@pytest.fixture
def trap(tmp_path):
    """Give a folder with everything in it that a hostile rows file could want, and a secret beside it."""
    folder = tmp_path / "in"
    photo(tmp_path / "secret.png", 1)
    photo(folder / "sub/me.png")
    (folder / "words.png").write_text("a diary, and no image")
    (folder / "empty.png").touch()
    (folder / "clip.mp4").write_bytes(mp4())
    for name, target in {
        "link.png": "../secret.png", "link2.png": "link.png", "linked": "..", "dangling.png": "../nothing",
        "circle1.png": "circle2.png", "circle2.png": "circle1.png", "zero.png": "/dev/zero",
    }.items():  # fmt: skip
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(folder):  # a socket's path is short
        listening.bind("socket.png")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and /proc")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_rows_file_reads_nothing_outside_of_its_folder(trap, kind):
    """Each is told by its line, field and rule; nothing waits for a pipe, and no token is shown."""
    name, words = HOSTILE[kind]
    file = rows(trap, {"image_url": name.format(out=trap.parent).replace("\\\\", "\\")})
    assert file.rows == ()
    (bad,) = file.bad
    assert (bad.line, bad.field) == (1, "image_url")
    assert str(bad).isprintable()
    assert "sk_0123" not in str(bad)
    assert len(str(bad)) < 600
    assert re.search(words, bad.message)


def test_what_lies_outside_is_not_told_from_what_is_not_there(trap):
    """A rows file does not find out which files a machine has."""
    there, missing = (rows(trap, {"image_url": f"../{name}.png"}).bad[0].message for name in ("secret", "missing"))
    assert there.replace("secret", "missing") == missing


# Lists, and which outputs of other rows are meant.

LISTS = {
    '"[""a.png"", ""https://a.example/b,c.png""]"': ["a.png", "https://a.example/b,c.png"],
    "a.png b.png": ["a.png", "b.png"],
    "a.png | b.png": ["a.png", "b.png"],
    "row:x row:y#2": [OutputOf("x"), OutputOf("y", 2)],
    "row:x|https://a.example/b|a.png": [OutputOf("x"), "https://a.example/b", "a.png"],
    "my photo.png|a.png": ["my photo.png", "a.png"],
    '"https://a.example/x,y.png https://a.example/z"': ["https://a.example/x,y.png", "https://a.example/z"],
}


@pytest.mark.parametrize("cell", LISTS)
def test_a_list_in_a_table_is_json_or_separated_by_blanks_or_bars(tmp_path, cell):
    """Of URLs, files and rows alike; one URL that holds a comma is not two."""
    for name in ("a.png", "b.png", "my photo.png"):
        photo(tmp_path / name)
    made = "x,text_to_image,a kite,2,\ny,text_to_image,a kite,2,\n"
    file = table(tmp_path, f"id,family,prompt,max_images,image_urls\n{made}z,virtual_try_on,,,{cell}\n")
    assert file.bad == ()
    found = [one.name if isinstance(one, FileInput) else one for one in file.rows[2].fields["image_urls"]]
    assert found == LISTS[cell]


UNCLEAR = {
    '"https://a.example/a.png,https://b.example/b.png"': "write a list as JSON",
    '"a.png,b.png"': "write a list as JSON",
    '"a.png, b.png"': "write a list as JSON",
    "row:": "must be row:ID",
    "row:x#0 row:y": "must be row:ID",
    "row: row:x": "must be row:ID",
}


@pytest.mark.parametrize("cell", UNCLEAR)
def test_a_list_that_could_mean_two_things_is_refused(tmp_path, cell):
    """Only a person knows where one value ends; the words say how to write it."""
    photo(tmp_path / "a.png")
    file = table(tmp_path, f"id,family,image_urls\nz,virtual_try_on,{cell}\n")
    assert [(bad.line, bad.field) for bad in file.bad] == [(2, "image_urls")]
    assert UNCLEAR[cell] in file.bad[0].message


def test_one_url_with_a_comma_is_one_url(tmp_path):
    """Also in a field that takes one; two are refused."""
    head = "family,prompt,negative_prompt,image_url\nimage_to_video,a,b,"
    (row,) = table(tmp_path, f'{head}"https://a.example/x,y.png"\n').rows
    assert row.fields["image_url"] == "https://a.example/x,y.png"
    (bad,) = table(tmp_path, f'{head}"https://a.example/x.png,https://a.example/y.png"\n').bad
    assert "takes one URL" in bad.message


CHAINS = {
    "a row that is not there": ("row:nobody", "image_url: there is no usable row nobody"),
    "itself": ("row:me", "image_url: rows wait for each other in a circle: me → me"),
    "an output that it will not have": ("row:two#3", "row two makes 2 outputs, so there is no row:two#3"),
    "an output of a row that makes one": ("row:one#2", "row one makes 1 output, so there is no row:one#2"),
    "a video for an image": ("row:clip", "takes an image, and row clip (image_to_video) makes a video"),
    "a row that makes no file": ("row:voice", "row voice makes no file"),
    "a row that is wrong itself": ("row:bad", "there is no usable row bad"),
}


@pytest.mark.parametrize("kind", CHAINS)
def test_what_a_row_will_never_have_is_told_before_anything_is_started(tmp_path, kind):
    """With the row's id, the field and what is wrong; the other rows can go on."""
    taken, words = CHAINS[kind]
    (tmp_path / "a.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt " + bytes(50))
    others = [
        {"id": "one", "family": "text_to_image", "prompt": "a kite"},
        {"id": "two", "family": "text_to_image", "prompt": "a kite", "max_images": 2},
        {"id": "clip", **VIDEO, "image_url": "https://a.example/b.png"},
        {
            "id": "voice",
            "family": "voice_training",
            "voice_urls": ["https://a.example/b.mp3"],
            "name": "x",
            "gender": "male",
        },
        {"id": "bad", "family": "text_to_image"},
        {"id": "me", **VIDEO, "image_url": taken},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, others)), encoding="utf-8")
    file = read_file(path)
    (bad,) = [one for one in file.bad if one.id == "me"]
    assert bad.field == "image_url"
    assert words in bad.message
    assert {row.id for row in file.rows} >= {"one", "two", "clip"}


WRONG_KINDS = {
    "an image for a video": ("caption_removal", "source_url", "kite", "takes a video, and row kite"),
    "an image for a video, beside it": ("sound", "video_url", "kite", "takes a video, and row kite"),
    "a video for audio": ("talking_photo", "audio_url", "clip", "takes audio, and row clip"),
    "an image for a video, inside an object": ("wan30", "input", "kite", "takes a video, and row kite"),
    "an upscaled image for a video": ("caption_removal", "source_url", "large", ""),
    "a video for a video": ("sound", "video_url", "clip", ""),
}


TALKS = {"image_url": "row:kite", "prompt": "she talks", "negative_prompt": "blurry", "duration": 3}


@pytest.mark.parametrize("kind", WRONG_KINDS)
def test_an_output_of_another_kind_is_told_in_every_field(tmp_path, kind):
    """Not for images alone; a family that gives back what it is given may make either."""
    family, field, source, words = WRONG_KINDS[kind]
    taken = f"row:{source}"
    inside = {"mode": "reference", "parameters": {}, "input": {"media": [{"type": "reference_video", "url": taken}]}}
    rows = [
        {"id": "kite", "family": "text_to_image", "prompt": "a kite"},
        {"id": "clip", **VIDEO, "image_url": "row:kite"},
        {"id": "large", "family": "upscale", "source_url": "row:kite"},
        {"id": "me", "family": family, field: taken} | {"talking_photo": TALKS, "wan30": inside}.get(family, {}),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = [one.message for one in read_file(path).bad if one.field == field and "makes" in one.message]
    assert [words in one for one in told] == ([True] if words else [])


def test_a_circle_names_its_rows(tmp_path):
    """And whoever waits behind it is told, too."""
    links = {"a": "c", "b": "a", "c": "b", "d": "a"}
    lines = [f'{one},text_to_image,a kite,"row:{other} row:free"' for one, other in links.items()]
    lines += ["free,text_to_image,a kite,"]
    file = table(tmp_path, "\n".join(["id,family,prompt,input_images", *lines]))
    assert [row.id for row in file.rows] == ["free"]
    words = "input_images: rows wait for each other in a circle: a → c → b → a"
    assert {(one.id, one.message) for one in file.bad} == {(one, words) for one in "abcd"}


def test_an_id_that_ends_in_a_number_can_be_named():
    """The last number is that of the output."""
    file = json.dumps
    assert str(OutputOf("kite#2")) == "row:kite#2#1"
    assert file(str(OutputOf("kite", 2))) == '"row:kite#2"'


# What a row is.


def test_a_row_is_what_is_in_its_files(tmp_path):
    """Its id stays when a file has another name or another folder, and not when it has another content."""
    photo(tmp_path / "a.png", 1), photo(tmp_path / "b/b.png", 1), photo(tmp_path / "c.png", 2)
    one, same, other = (rows(tmp_path, {"image_url": name}).rows[0] for name in ("a.png", "b/b.png", "c.png"))
    assert one.id == same.id != other.id
    assert one.kept()["image_url"] | {"file": "", "at": ""} == same.kept()["image_url"] | {"file": "", "at": ""}
