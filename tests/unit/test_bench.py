"""What the side-by-side benchmarks say of their runs, and that their server speaks as the services do."""

from __future__ import annotations

import contextlib
import json
import subprocess

import pytest

from benchmarks import __main__ as bench
from benchmarks import suite, summary, tables
from benchmarks.contestants import BATCH, CONTESTANTS, LOOPS, OURS, PEERS
from benchmarks.dialects import DIALECTS, Call, World
from benchmarks.server import Book, densest

DEFAULTS = dict.fromkeys(summary.MEDIANS, 1.0)
MACHINE = {"line": "machine", "cpu": "a cpu", "cores": 2, "system": "an os", "python": "3.11", "load": 0.1}


def run(contestant, cpu, *, jobs=1000, round_=1, lost=0):
    """Make the line of one run."""
    why = {"PoolTimeout": lost} if lost else {}
    told = {"line": "run", "contestant": contestant, "jobs": jobs, "round": round_, "why": why, "versions": {"x": "1"}}
    return {**DEFAULTS, **told, "load": 1.0, "cpu": cpu, "lost": lost}


def test_a_ratio_is_taken_within_a_round():
    """Each round gives a ratio of its own, so that a slow round is slow for both."""
    lines = [run(OURS, 1), run(BATCH, 1), run(OURS, 10, round_=2), run(BATCH, 5, round_=2)]
    assert summary.beside_batch(lines) == [1, 2]


def test_a_peer_that_loses_jobs_is_not_the_best_one():
    """Who gives up jobs saves their cost, and so is left out; so is one whose transport was changed."""
    lines = [run(OURS, 1), run("replicate run", 2, lost=1), run("openai aiohttp", 3), run("openai", 20)]
    assert summary.beside_peers(lines) == [1 / 20]


def test_the_most_lost_jobs_of_any_round_are_told():
    """A round that lost jobs is not hidden by one that lost none."""
    lines = [MACHINE, run("openai", 1), run("openai", 1, round_=2, lost=7), run("openai", 1, round_=3)]
    assert summary.medians(lines)[1000]["openai"]["most_lost"] == 7
    assert "| 0, at most 7 (PoolTimeout) |" in tables.markdown(lines)


def test_a_limit_that_is_passed_is_told():
    """A figure says whether it is within its limit."""
    (figure,) = summary.figures([run(OURS, 2), run(BATCH, 1)])
    assert (figure["value"], figure["at_most"], figure["ok"]) == (2, 1.5, False)


def test_tables_tell_of_what_was_not_there():
    """A table names the peers that were not installed, and those that did not end."""
    lines = [MACHINE, run(OURS, 1), {"line": "skipped", "contestant": "openai", "missing": ["openai"]}]
    lines.append({"line": "failed", "contestant": "replicate", "jobs": 1000, "round": 1, "why": "TimeoutExpired"})
    text = tables.markdown(lines)
    assert "Not installed: openai." in text
    assert "Did not end: replicate (1,000 jobs)." in text


def test_every_client_is_ours_by_hand_or_a_peer():
    """Nobody is left out of the comparison."""
    assert {OURS, BATCH, LOOPS, *PEERS} == set(CONTESTANTS)


@pytest.mark.parametrize(
    ("times", "most"), [([], 0), ([5.0], 1), ([0.0, 0.5, 0.99, 1.0, 1.6], 3), ([0.0, 1.0, 2.0], 1)]
)
def test_the_densest_second(times, most):
    """The densest second may begin at any moment; its end is not in it."""
    assert densest(times) == most


def said(answer):
    """Read the body of an answer."""
    return json.loads(answer.body)


START = {
    "a2e": ("/api/v1/userImage2Video/start", b'{"prompt":"video 3","name":"video 3 ~k7f3q9x2m4pda"}'),
    "replicate": ("/v1/predictions", b'{"version":"v","input":{"prompt":"video 3"}}'),
    "fal": ("/fal/a2e/video", b'{"prompt":"video 3"}'),
    "runway": ("/runway/v1/image_to_video", b'{"promptText":"video 3"}'),
    "openai": ("/openai/v1/videos", b'{"prompt":"video 3"}'),
}
LOOK = {
    "a2e": ("/api/v1/userImage2Video/{}", lambda said: said["data"]["current_status"], "processing", "completed"),
    "replicate": ("/v1/predictions/{}", lambda said: said["status"], "starting", "succeeded"),
    "fal": ("/fal/a2e/video/requests/{}/status", lambda said: said["status"], "IN_PROGRESS", "COMPLETED"),
    "runway": ("/runway/v1/tasks/{}", lambda said: said["status"], "RUNNING", "SUCCEEDED"),
    "openai": ("/openai/v1/videos/{}", lambda said: said["status"], "in_progress", "completed"),
}


@pytest.mark.parametrize("name", START)
def test_a_dialect_tells_a_video_from_its_start_to_its_end(name):
    """In every dialect a video is started once, runs as long as it was drawn, and then has ended."""
    speak = next(dialect for _prefix, dialect in DIALECTS if dialect.__name__ == name)
    world = World(2, 2, 1, "http://127.0.0.1:1")
    path, body = START[name]
    assert speak(world, Call(path, body, b"", 10.0)).kind == "start"
    (task_id,) = world.tasks
    assert world.ends == {3: 12.0}
    path, status, running, ended = LOOK[name]
    polls = [speak(world, Call(path.format(task_id), b"", b"", moment)) for moment in (11.9, 12.0)]
    assert [status(said(look)) for look in polls] == [running, ended]
    assert speak(world, Call(path.format("0" * 24), b"", b"", 11.0)) is None


def test_one_look_answers_for_many_videos():
    """A batch enquiry gives a row for each video that is known, with the name that was sent."""
    world = World(2, 2, 1, "")
    speak = dict(DIALECTS)["/api/v1/"]
    path, body = START["a2e"]
    for _ in range(2):
        speak(world, Call(path, body, b"", 10.0))
    ids = [*world.tasks, "0" * 24]
    look = speak(world, Call("/api/v1/userImage2Video/batchDetail", json.dumps({"ids": ids}).encode(), b"", 13.0))
    rows = said(look)["data"]
    assert [row["_id"] for row in rows] == ids[:2]
    assert {row["name"] for row in rows} == {"video 3 ~k7f3q9x2m4pda"}
    assert {row["current_status"] for row in rows} == {"completed"}


def test_a_held_start_is_answered_at_the_end():
    """A start that asks to be held is answered when the video has ended, with its link."""
    world = World(2, 2, 1, "")
    speak = dict(DIALECTS)["/v1/"]
    path, body = START["replicate"]
    answer = speak(world, Call(path, body, b"POST / HTTP/1.1\r\nPrefer: wait", 10.0))
    assert answer.until == 12.0
    assert said(answer)["status"] == "succeeded"


def test_the_server_counts_what_it_was_asked():
    """A video that was started twice, and each request by its kind, is in the report."""
    book = Book()
    book.reset({"shortest": 1, "longest": 1})
    path, body = START["a2e"]
    for moment in (10.0, 10.1):
        book.answer(Call(path, body, b"", moment))
    book.answer(Call("/nowhere", b"", b"", 10.2))
    report = book.report()
    assert (report["videos"], report["doubles"], report["requests"]["start"], report["peak"]) == (1, 1, 2, 2)


def test_a_run_that_was_ended_goes_on_where_it_was(monkeypatch):
    """What its lines have is not measured again, and the batch poller by hand still gets the mean delay of ours."""
    asked = []

    def noted(_served, name, jobs, *, seed, options=None, **_how):
        asked.append((name, jobs, seed, options))
        raise subprocess.SubprocessError

    monkeypatch.setattr(suite, "run", noted)
    monkeypatch.setattr(suite, "server", contextlib.nullcontext)
    done = [run(OURS, 1) | {"delay": 0.4}, run(BATCH, 1, round_=2), {"line": "cost"}, {"line": "start"}]
    plan = suite.Plan(rounds={1_000: 2}, contestants=[OURS, BATCH])
    lines = list(suite.measure(plan, done))
    assert asked == [(BATCH, 1_000, 1, {"interval": 0.8}), (OURS, 1_000, 2, None)]
    assert [line["line"] for line in lines] == ["machine", "plan", "failed", "failed", "machine"]


def test_the_lines_of_a_run_lie_on_the_disk_as_they_come(tmp_path):
    """Whoever ends a run has all lines but the last; figures, which are made of them, are not read again."""
    bench.keep([run(OURS, 1), {"line": "figure"}], tmp_path)
    assert bench.kept(tmp_path) == [run(OURS, 1)]
    assert bench.kept(tmp_path / "other") == []
