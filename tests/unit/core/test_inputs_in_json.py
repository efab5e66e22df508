"""A request with inputs as plain JSON: what a file, a result or a job is, in words, and never its bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from a2e_async import ImageToVideo, Record, Result, Status

URL = "https://files.example.net/a.png?sig=s3cret"
RECORD = Record(id="abc", family="text_to_image", status=Status.COMPLETED, urls=(URL,))


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (URL, URL),
        (Path("photos/me.png"), {"file": str(Path("photos/me.png"))}),
        (b"\x89PNG", {"bytes": 4}),
        (RECORD, URL),
        (Result((RECORD,)), URL),
    ],
)
def test_what_a_field_of_files_holds_is_told(given, plain):
    """It can be written as JSON, whatever it is."""
    told = ImageToVideo(given, prompt="it climbs", negative_prompt="blurry").to_dict()
    assert told["image_url"] == plain
    assert json.loads(json.dumps(told)) == told


def test_an_open_file_is_told_by_its_name(tmp_path):
    """It is not read for that."""
    (tmp_path / "me.png").write_bytes(b"\x89PNG")
    with (tmp_path / "me.png").open("rb") as file:
        told = ImageToVideo(file, prompt="it climbs", negative_prompt="blurry").to_dict()
        assert told["image_url"] == {"file": f"open file {tmp_path / 'me.png'}"}
        assert file.tell() == 0
