"""What the commands that start tasks read: prompts and images from words, files and stdin."""

from __future__ import annotations

import io
import json
import sys

import pytest
from photos import mp4, photo

from a2e_async.cli.app import main
from a2e_async.cli.by_family import leading_field
from a2e_async.core.family import families, family_of
from a2e_async.core.requests import fields_of


@pytest.fixture
def a2e(monkeypatch, capsys, tmp_path):
    """Give a function that runs a command with this stdin, and gives its code, results and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, stdin: bytes = b""):
        monkeypatch.setattr(sys, "argv", ["a2e", "--json", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main()
        told = capsys.readouterr()
        return code, [json.loads(line) for line in told.out.splitlines()], told.err

    return run


@pytest.mark.parametrize(
    ("words", "stdin", "prompts"),
    [
        (("a", "b"), b"", ["a", "b"]),
        (("-",), b"\xef\xbb\xbfone\r\n\n  two \n", ["one", "two"]),
        (("a", "-", "z"), "кот\n".encode(), ["a", "кот", "z"]),
    ],
)
def test_prompts(a2e, words, stdin, prompts):
    """Prompts are words, or lines of stdin where a dash stands."""
    code, sent, _err = a2e("text-to-image", *words, "--dry-run", stdin=stdin)
    assert (code, [one["body"]["prompt"] for one in sent]) == (0, prompts)


@pytest.mark.parametrize(("stdin", "clue"), [(b"", "stdin is empty"), (b" \n\n", "empty"), (b"\xff\xfea", "UTF-8")])
def test_bad_stdin(a2e, stdin, clue):
    """Nothing, and what is no text, is refused before anything is sent."""
    code, sent, err = a2e("text-to-image", "-", "--dry-run", stdin=stdin)
    assert (code, sent) == (2, [])
    assert clue in err


def test_images(a2e, tmp_path):
    """Each image is a video of its own: URLs as they are, files by the URL that they would get."""
    photo(tmp_path / "my kite.png")
    words = ("--prompt", "p", "--negative-prompt", "n", "--dry-run")
    code, sent, err = a2e("image-to-video", "https://x.org/a.png", "my kite.png", *words)
    assert code == 0, err
    assert [one["body"]["image_url"] for one in sent] == [
        "https://x.org/a.png",
        "https://uploaded.example/my%20kite.png",
    ]
    assert [one["body"]["name"].partition(" ~")[0] for one in sent] == [
        "a",
        "my-kite",
    ]  # what the service, too, calls them
    code, sent, _err = a2e("image-to-video", "-", *words, stdin=b"https://x.org/b.png\nhttps://x.org/c.png\n")
    assert [one["body"]["image_url"][-5] for one in sent] == ["b", "c"]
    code, sent, err = a2e("image-to-video", "https://x.org/a.png", "gone.png", *words)
    assert (code, sent, "gone.png" in err) == (2, [], True)


def test_a_path_stands_where_a_url_can(a2e, tmp_path):
    """In every command that starts one thing, in lists and in objects; what is no such file is told by its field."""
    photo(tmp_path / "me.png")
    (tmp_path / "clip.mp4").write_bytes(mp4())
    (tmp_path / "words.png").write_text("words")
    url = "https://uploaded.example/"
    code, sent, err = a2e("start", "upscale", "me.png", "--dry-run")
    assert (code, sent[0]["body"]["source_url"]) == (0, f"{url}me.png"), err
    assert "me.png would be uploaded first" in err
    both = ("--image-urls", "me.png", "--image-urls", "https://x.org/b.png")
    code, sent, err = a2e("start", "virtual-try-on", *both, "--dry-run")
    assert (code, sent[0]["body"]["image_urls"]) == (0, [f"{url}me.png", "https://x.org/b.png"]), err
    code, sent, err = a2e("text-to-image", "a kite", "--input-images", "me.png", "--dry-run")
    assert (code, sent[0]["body"]["input_images"]) == (0, [f"{url}me.png"]), err
    for words, told in {
        ("upscale", "gone.png"): "source_url: ",
        ("upscale", "words.png"): "source_url: must be an image",
        ("caption-removal", "me.png"): "source_url: must be a video",
        ("upscale", "file:///me.png"): "source_url: must be an http or https URL",
    }.items():
        code, sent, err = a2e("start", *words, "--dry-run")
        assert (code, sent, told in err) == (2, [], True), err


@pytest.mark.parametrize("name", sorted(families()))
def test_the_first_field_by_its_place(a2e, name):
    """What Python takes by its place is taken so here, too."""
    family = family_of(name)
    leading = leading_field(family)
    if not leading or leading not in family.example:
        return
    rest = {key: value for key, value in family.example.items() if key != leading}
    words = [word for key, value in rest.items() for word in _option(key, value)]
    first = family.example[leading]
    by_place = a2e("start", name, *(first if isinstance(first, list) else [first]), *words, "--dry-run")
    by_name = a2e("start", name, *_option(leading, first), *words, "--dry-run")
    assert by_place[0] == by_name[0] == 0, by_place[2]
    [one], [other] = by_place[1], by_name[1]
    assert {**one["body"], "name": "", "title": ""} == {**other["body"], "name": "", "title": ""}


def _option(name, value):
    option = "--task-timeout" if name == "timeout" else "--" + name.replace("_", "-")
    if isinstance(value, bool):
        return [option if value else f"--no-{option[2:]}"]
    return [
        word
        for one in (value if isinstance(value, list | tuple) else [value])
        for word in (option, one if isinstance(one, str) else json.dumps(one))
    ]


IMAGES = ("a.png", "x/a.png", "b.png", "b.jpg", "c d.png", "https://x.org/photo.webp?sig=1")


@pytest.mark.slow  # each run waits for videos
def test_videos_are_called_like_their_images(a2e, tmp_path):
    """With the suffix where two are alike but for it, with a number where two are alike; a second run makes others."""
    for number, name in enumerate(IMAGES[:-1]):
        photo(tmp_path / name, number)
    words = ("--prompt", "p", "--negative-prompt", "n", "--simulate", "--out", "out")
    code, done, err = a2e("image-to-video", *IMAGES, *words)
    assert code == 0, err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a-png-2.mp4", "a-png.mp4", "b-jpg.mp4", "b-png.mp4", "c-d.mp4", "photo.mp4",
    ]  # fmt: skip
    assert len(done) == len(IMAGES)
    a2e("image-to-video", "c d.png", *words)
    assert (tmp_path / "out/c-d-2.mp4").exists()
    a2e("image-to-video", "c d.png", "--name", "mine", *words)
    assert [path.name[:5] for path in (tmp_path / "out").glob("mine*")] == ["mine-"]


def test_a_second_image_behind_an_option_is_no_prompt(a2e, tmp_path):
    """Nobody means a file that is there, and it would be paid for; one word too many is told with how several go."""
    for name in ("me.png", "coat.png"):
        photo(tmp_path / name)
    code, sent, err = a2e("start", "gpt-image", "--input-images", "me.png", "coat.png", "--dry-run")
    assert (code, sent) == (2, [])
    assert "'coat.png' is a file, and would be the prompt" in err
    assert "--input-images A --input-images B" in err
    words = ("--prompt", "coat.png", "--input-images", "me.png", "--dry-run", "--model", "gpt-image-2")
    code, sent, err = a2e("start", "gpt-image", *words)
    assert (code, sent[0]["body"]["prompt"]) == (0, "coat.png"), err
    code, sent, err = a2e("text-to-image", "p", "q", "--dry-run")
    assert (code, len(sent)) == (0, 2), err
    code, sent, err = a2e("start", "virtual-try-on", "me.png", "coat.png", "--dry-run")
    assert (code, len(sent[0]["body"]["image_urls"])) == (0, 2), err
    code, sent, err = a2e("start", "virtual-try-on", "me.png", "--image-urls", "coat.png", "--dry-run")
    assert (code, "given twice: 'me.png' stands for it" in err) == (2, True), err
    code, sent, err = a2e("start", "sound", "--video-url", "https://x.org/a.mp4", "b.mp4", "c.mp4", "--dry-run")
    assert (code, sent) == (2, []), err


def test_the_help_says_how_several_are_given(monkeypatch, capsys):
    """Of every list of every family."""
    for name, family in families().items():
        lists = [field.name.replace("_", "-") for field in fields_of(family.request) if field.kind is list]
        if lists:
            monkeypatch.setattr(sys, "argv", ["a2e", "start", name, "--help"])
            main()
            told = "".join(capsys.readouterr().out.split())  # lines may be broken anywhere
            for one in lists:
                assert f"Giveitonceforeach,inorder(--{one}A--{one}B)" in told, name


def test_files_to_upload_are_all_examined_before_the_first_is_paid_for(a2e, tmp_path):
    """One that is cut is named with the way to send it as it is."""
    photo(tmp_path / "me.png")
    (tmp_path / "cut.png").write_bytes(photo(tmp_path / "you.png", 2).read_bytes()[:-20])
    code, done, err = a2e("upload", "me.png", "cut.png", "--simulate")
    assert (code, done) == (2, []), err
    assert "upload: cut.png is cut: it is a PNG" in err
    assert "`a2e upload --kind image/png` gives a URL of it" in err
    code, done, err = a2e("upload", "me.png", "cut.png", "--simulate", "--kind", "image/png")
    assert (code, [one["file"] for one in done]) == (0, ["me.png", "cut.png"]), err
    code, done, err = a2e("upload", "me.png", "--simulate", "--kind", "text/html")
    assert (code, "kind: must be a content type" in err) == (2, True)
