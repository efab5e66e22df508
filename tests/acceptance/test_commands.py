"""Each command does its work and says so in text or JSON lines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import av
import pytest

from a2e_async.cli.app import COMMANDS

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xff\xff\xff"
    b"\x7f\0\t\xfb\x03\xfd\x05CE\xca\0\0\0\0IEND\xaeB`\x82"
)
FILM = ("--prompt", "it climbs", "--negative-prompt", "blurry")


def frames(path: Path) -> int:
    """Decode a picture or film and count its frames."""
    with av.open(str(path)) as media:
        return sum(1 for _ in media.decode(video=0))


def test_help(a2e):
    """Every command has help, and it comes without a service."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    children = {name: a2e.start(name, "--help", **pipes) for name in COMMANDS}
    for name, child in children.items():
        out, err = child.communicate(timeout=60)
        assert (child.returncode, err) == (0, ""), name
        assert out.startswith(f"Usage: a2e {name}")
        assert "--simulate" in out


def test_text_to_image(a2e):
    """Several prompts become several pictures, whose paths are the results; progress goes to stderr, uncoloured."""
    end = a2e("text-to-image", "a red kite", "a blue kite", "--width", "640", "--out", "here")
    assert end.code == 0, end.err
    assert [frames(a2e.folder / line) for line in end.lines] == [1, 1]
    assert {Path(line).parent.name for line in end.lines} == {"here"}
    assert "a red kite: done" in end.err
    assert "2 of 2 done · 20 coins" in end.err
    assert "\x1b" not in end.out + end.err


def test_image_to_video_of_a_file(a2e):
    """A local picture is uploaded, and the film made of it is downloaded."""
    (a2e.folder / "kite.png").write_bytes(PNG)
    end = a2e("image-to-video", "kite.png", *FILM, "--json")
    assert end.code == 0, end.err
    (told,) = end.data
    assert frames(a2e.folder / told["paths"][0]) > 1
    assert (told["family"], told["status"], told["coins"], told["error"]) == ("image_to_video", "completed", 30, None)
    assert told["request"]["prompt"] == "it climbs"


def test_from_a_start_to_a_file(a2e):
    """A task that is started without waiting is found, shown, watched and downloaded by its id."""
    end = a2e("start", "text-to-image", "--prompt", "a red kite", "--no-wait")
    assert end.code == 0, end.err
    (task_id,) = end.lines
    assert [task_id, a2e("list", "text_to_image", "--limit", "100")][1].out.count(task_id) == 1
    watched = a2e("watch", "text_to_image", task_id)
    assert (watched.code, len(watched.lines)) == (0, 1), watched.err
    assert watched.lines[0].startswith("http")
    shown = a2e("--json", "show", "text_to_image", task_id).data
    assert [(told["id"], told["status"], told["name"]) for told in shown] == [(task_id, "completed", "a red kite")]
    fetched = a2e("download", "text-to-image", task_id, "--out", "here")
    assert fetched.code == 0, fetched.err
    assert frames(a2e.folder / fetched.lines[0]) == 1


def test_cancel(a2e):
    """A task that has ended is too late to cancel, and stays."""
    (task_id,) = a2e("text-to-image", "a red kite", "--no-download", "--json").data[0]["task_ids"]
    end = a2e("cancel", "text_to_image", task_id)
    assert (end.code, end.out) == (1, f"{task_id} too late to cancel\n")
    assert a2e("show", "text_to_image", task_id).code == 0


def test_failures(a2e):
    """A failed job is one line on stderr and exit code 1; the others are downloaded all the same."""
    end = a2e("text-to-image", "a red kite", "a kite [fail:nsfw]", "--json")
    assert end.code == 1
    assert sorted(told["error"]["kind"] if told["error"] else "" for told in end.data) == ["", "JobFailedError"]
    assert [line for line in end.err.splitlines() if line.startswith("a2e: ")] != []
    assert len(list(a2e.folder.iterdir())) == 1


SIMULATED = [
    ("balance", ("balance",), "coins"),
    ("quote", ("quote", "image-to-video", "--image-url", "https://example.org/a.png", *FILM), "coins"),
    ("upload", ("upload", "kite.png"), "url"),
    ("list", ("list", "image_to_video"), None),
    ("families", ("families",), "title"),
    ("family", ("families", "image-to-video"), "option"),
    ("text-to-image", ("text-to-image", "a red kite"), "paths"),
    ("start", ("start", "text_to_image", "--prompt", "a red kite", "--no-wait"), "task_ids"),
]


@pytest.mark.parametrize(("words", "key"), [case[1:] for case in SIMULATED], ids=[case[0] for case in SIMULATED])
def test_simulate(lonely, words, key):
    """Commands run against a simulator of their own, without token and network."""
    (lonely.folder / "kite.png").write_bytes(PNG)
    end = lonely("--simulate", *words, "--json")
    assert end.code == 0, end.err
    assert (key is None) == (end.data == [])
    assert all(told[key] for told in end.data)


def test_simulator_prints_what_to_export(service):
    """The fixture is made of what `a2e simulator --json` prints; the lines for a shell say the same."""
    assert service.env["A2E_BASE_URL"].startswith("http://127.0.0.1:")
    assert json.dumps(service.env)
