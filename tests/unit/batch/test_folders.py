"""Folders and globs as rows: which files are taken, what they are called, and what is said of those that are none."""

from __future__ import annotations

import json

import pytest
from photos import mp4, photo

from a2e_async.batch import read_file, rows_of_files
from a2e_async.batch.folder_fields import file_field
from a2e_async.batch.folders import folder_of
from a2e_async.core.family import families, family_of
from a2e_async.core.requests import fields_of
from a2e_async.errors import UsageError

WAVE = {"prompt": "she waves", "negative_prompt": "blurry"}


def ids(source, **fields):
    """Give the ids of the rows of a folder or a glob."""
    return [row.id for row in rows_of_files(source, "image_to_video", **{**WAVE, **fields})]


def test_a_folder_is_its_own_photos_as_people_count_them(tmp_path):
    """Hidden files, folders and other kinds are passed over, and what lies below is another folder's."""
    for name in ("IMG_10.png", "IMG_2.png", ".hidden.png", "below/IMG_3.png"):
        photo(tmp_path / name)
    (tmp_path / "clip.mp4").write_bytes(mp4())
    assert ids(tmp_path) == ["IMG_2.png", "IMG_10.png"]


def test_a_glob_reaches_below_and_passes_over_what_is_hidden(tmp_path):
    """A row is called as its file lies below the folder; a folder that is called like a photo is none."""
    for name in ("a.png", "below/b.png", ".trash/c.png"):
        photo(tmp_path / name)
    (tmp_path / "album.png").mkdir()
    assert ids(f"{tmp_path}/**/*.png") == ["a.png", "below/b.png"]


def test_one_photo_is_one_row(tmp_path):
    """As a pattern for which the shell has found one file."""
    photo(tmp_path / "me.png")
    assert folder_of(tmp_path / "me.png") == tmp_path
    assert ids(tmp_path / "me.png") == ["me.png"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """And not taken for an empty one."""
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere"):
        ids(tmp_path / "nowhere")


def test_one_file_that_is_no_photo_keeps_a_program_from_starting_the_others(tmp_path):
    """It is called as one, so its maker has meant it; the words name it."""
    photo(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("a diary")
    with pytest.raises(UsageError, match=r"1 of its files cannot be taken; .*b\.png is not an image"):
        ids(tmp_path)


def test_text_beside_a_photo_that_cannot_be_read_is_told(tmp_path):
    """Its video would be made of another prompt than its maker wrote."""
    photo(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match=r"prompt: a\.txt must be UTF-8 text"):
        ids(tmp_path)


def test_names_that_no_row_may_have_are_told_from_each_other(tmp_path):
    """By their digests, so that two long names that begin alike are two rows, and the same two tomorrow."""
    names = [f"{'x' * 150}{n}.png" for n in range(2)] + ["line\nbreak.png"]
    for name in names:
        photo(tmp_path / name)
    found = ids(tmp_path)
    assert len(set(found)) == 3
    assert all(len(one) <= 100 and one.isprintable() for one in found)
    assert found == ids(tmp_path)


def test_a_field_of_files_is_chosen_by_its_name(tmp_path):
    """As people write it, with a hyphen too; one that the family has not is refused with those that it has."""
    assert file_field(family_of("image_to_video"), "image-url").name == "image_url"
    with pytest.raises(
        UsageError, match=r"field: image_to_video has no field 'photo' that takes a file; it has image_url"
    ):
        file_field(family_of("image_to_video"), "photo")


def test_each_family_takes_files_into_the_field_that_it_needs_or_says_that_it_takes_none():
    """A folder of photos is never put where the service does not expect it."""
    for family in families().values():
        media = [
            one for one in fields_of(family.request) if one.media and one.kind in (str, list) and not one.inherited
        ]
        if not media:
            with pytest.raises(UsageError, match=f"{family.name} takes no file"):
                file_field(family)
        else:
            needed = [one for one in media if one.required]
            assert file_field(family).name in [one.name for one in needed[:1] or media]


def test_a_list_has_the_file_first_and_then_what_was_given_for_all(tmp_path):
    """A person of each photo in the same clothes."""
    photo(tmp_path / "people/a.png", 1), photo(tmp_path / "people/b.png", 2)
    clothes = photo(tmp_path / "clothes.png", 3)
    for given in ([clothes], clothes, "https://x.org/coat.png"):
        rows = rows_of_files(tmp_path / "people", "virtual_try_on", image_urls=given)
        last = given[0] if isinstance(given, list) else given
        assert [[row.fields["image_urls"][0].name, row.fields["image_urls"][1]] for row in rows] == [
            ["a.png", last],
            ["b.png", last],
        ]
        assert all(row.request() for row in rows)


@pytest.mark.parametrize(
    ("family", "given", "words"),
    [
        ("virtual_try_on", {}, "image_urls: .* takes a list of 2 to 4 in it: .* behind .*--set image_urls=URL_OR_FILE"),
        ("head_swap", {}, "target_image_url: .* given as image_url, and head_swap needs target_image_url as well"),
        ("actor_swap", {}, "--set video_url=URL_OR_FILE, or each row its own in a rows file"),
        ("image_to_video", {"image_url": "https://x.org/a.png"}, "image_url: takes the files of .* give it nothing"),
    ],
)
def test_what_a_family_needs_beside_the_files_is_said_once(tmp_path, family, given, words):
    """With the fields by name, and how the others are given; no URL that stands for a file is shown."""
    photo(tmp_path / "a.png"), photo(tmp_path / "b.png", 2)
    with pytest.raises(UsageError, match=words) as refused:
        rows_of_files(tmp_path, family, **given)
    assert ".invalid" not in str(refused.value)
    assert "b.png" not in str(refused.value)


def test_what_is_refused_is_shown_by_its_own_name(tmp_path):
    """And not by the URL that stands for it until it has one."""
    photo(tmp_path / "a.png")
    others = ["https://x.org/1.png"] * 4
    (tmp_path / "rows.jsonl").write_text(json.dumps({"image_urls": ["row:b", "a.png", *others]}))
    [bad] = read_file(tmp_path / "rows.jsonl", "virtual_try_on").bad
    assert "not list ['row:b', 'a.png'," in bad.message
    assert ".invalid" not in bad.message
