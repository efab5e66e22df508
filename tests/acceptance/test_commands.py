"""Each command does its work and says so in text or JSON lines."""

from __future__ import annotations

import signal
from pathlib import Path
from subprocess import PIPE

import av

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xff\xff\xff"
    b"\x7f\0\t\xfb\x03\xfd\x05CE\xca\0\0\0\0IEND\xaeB`\x82"
)
VIDEO = ("--prompt", "it climbs", "--negative-prompt", "blurry")


def frames(path: Path) -> int:
    """Decode an image or video and count its frames."""
    with av.open(str(path)) as media:
        return sum(1 for _ in media.decode(video=0))


def test_help(a2e):
    """Help comes without a service; tests/unit/cli/test_app.py asks every command for it."""
    commands = [(), ("demo",), ("text-to-image",), ("start", "image-to-video")]
    for words, end in zip(commands, a2e.together(*((*words, "--help") for words in commands)), strict=True):
        assert (end.code, end.err) == (0, ""), words
        assert "--simulate" in end.out


def test_text_to_image(a2e):
    """Several prompts become several images, whose paths are the results; progress goes to stderr, uncoloured."""
    end = a2e("text-to-image", "a red kite", "a blue kite", "--width", "640", "--out", "here")
    assert end.code == 0, end.err
    assert [frames(a2e.folder / line) for line in end.lines] == [1, 1]
    assert {Path(line).parent.name for line in end.lines} == {"here"}
    assert "a red kite: done" in end.err
    assert "2 of 2 done · 20 coins" in end.err
    assert "\x1b" not in end.out + end.err


def test_image_to_video_of_a_file(a2e):
    """A local image is uploaded, and the video made of it is downloaded."""
    (a2e.folder / "kite.png").write_bytes(PNG)
    end = a2e("image-to-video", "kite.png", *VIDEO, "--json")
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
    (("balance",), "coins"),
    (("quote", "image-to-video", "--image-url", "https://example.org/a.png", *VIDEO), "coins"),
    (("upload", "kite.png"), "url"),
    (("families",), "title"),
    (("families", "image-to-video"), "option"),
    (("text-to-image", "a red kite"), "paths"),
    (("start", "text_to_image", "--prompt", "a red kite", "--no-wait"), "task_ids"),
]


def test_simulate(lonely):
    """Commands run against a simulator of their own, without token and network."""
    (lonely.folder / "kite.png").write_bytes(PNG)
    ends = lonely.together(*(("--simulate", *words, "--json") for words, _ in SIMULATED))
    for (words, key), end in zip(SIMULATED, ends, strict=True):
        assert end.code == 0, end.err
        assert [bool(told[key]) for told in end.data] == [True] * len(end.lines) != [], words


def test_simulator(lonely):
    """The simulator prints what to export, takes a token and switches, and ends with Ctrl-C."""
    with lonely.start(
        *["simulator", "--port", "0", "--token", "sk_mine", "--switch", "diamonds=7"], stdout=PIPE, stderr=PIPE
    ) as child:
        lines = [child.stdout.readline(), child.stdout.readline()]
        url = lines[0].removeprefix("export A2E_BASE_URL=").strip()
        assert lines[1] == "export A2E_API_KEY=sk_mine\n"
        assert lonely("balance", "--base-url", url, "--token", "sk_mine").out == "10000 coins, 7 diamonds\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (0, "")
    assert "Ctrl-C" in err
