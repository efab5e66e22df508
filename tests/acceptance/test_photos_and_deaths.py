"""A folder of photos becomes videos by one command: each uploaded once, billed once, and called like its photo.

The service is one that shares no code with the package, in a process of its own; the simulator stands in for it, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from photo_service import photo_service
from photos import photo, png

_WORDS = ("--family", "image_to_video", "--prompt", "she waves", "--negative-prompt", "blurry", "--out", "out")
_PATIENCE = 240


def photos(folder: Path, count: int) -> list[str]:
    """Write so many photos; gives their names without a suffix."""
    return [photo(folder / f"photos/me-{number:03}.png", number).stem for number in range(count)]


def command(folder: Path, env: dict[str, str], *more: str) -> subprocess.Popen[str]:
    """Start the one command."""
    words = [sys.executable, "-m", "a2e_async", "batch", "run", "photos/", *_WORDS, "--unknown-window", "2", *more]
    said = (folder / "stderr").open("a", encoding="utf-8")
    with said:
        return subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=said, text=True)


def remembered(folder: Path) -> set[str]:
    """Give the contents whose upload the ledger knows."""
    ledger = folder / "out/ledger.sqlite"
    if not ledger.exists():
        return set()
    with contextlib.closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as db:
        found = db.execute("SELECT key FROM about WHERE key LIKE 'upload:%'").fetchall()
    return {key.removeprefix("upload:") for (key,) in found}


def end(folder: Path, env: dict[str, str]) -> None:
    """Run the command until nothing is left."""
    for _run in range(4):
        with command(folder, env) as child:
            if child.wait(_PATIENCE) == 0:
                return
    raise AssertionError((folder / "stderr").read_text("utf-8")[-3000:])


def check(folder: Path, names: list[str], book: dict) -> None:
    """Each photo has one bill with its own content, and one whole file of its name."""
    contents = {hashlib.sha256(png(number)).hexdigest() for number in range(len(names))}
    assert len(book["bills"]) == len(names)
    assert {content for _name, content in book["bills"]} == contents
    assert set(Counter(name for name, _content in book["bills"]).values()) == {1}
    assert sorted(path.stem for path in (folder / "out").glob("*.mp4")) == names
    rows = [json.loads(line) for line in (folder / "out/manifest.jsonl").read_text("utf-8").splitlines()]
    assert {row["status"] for row in rows} == {"done"}
    assert {row["row"]: row["path"] for row in rows} == {f"{name}.png": [f"{name}.mp4"] for name in names}
    assert {row["inputs"]["image_url"]["sha256"] for row in rows} == contents
    for row in rows:
        whole = hashlib.sha256((folder / "out" / row["path"][0]).read_bytes()).hexdigest()
        assert row["sha256"] == [whole]


def die(folder: Path, env: dict[str, str], service, deaths: int, latest: float) -> None:
    """Kill the command so often while rows are left; nothing that was remembered at a death is uploaded again."""
    chance = random.Random(deaths)
    known: list[tuple[int, set[str]]] = []
    while len(known) < deaths:
        with command(folder, env, "--max-running", "8") as child:
            before = _work(service)
            until = time.monotonic() + 30
            while child.poll() is None and _work(service) == before and time.monotonic() < until:
                time.sleep(0.01)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(chance.uniform(0, latest))
            assert child.poll() is None, "it has ended before its death"
            child.kill()
            child.wait()
        known.append((len(service.book()["uploads"]), remembered(folder)))
    assert any(contents for _count, contents in known)
    end(folder, env)
    sent = service.book()["uploads"]
    for count, contents in known:
        assert not contents & set(sent[count:])


def _work(service) -> int:
    book = service.book()
    return int(book["asked"]) + len(book["bills"])


def test_photos_become_videos_and_three_deaths_cost_nothing(tmp_path):
    """The small one: thirty photos, killed three times."""
    names = photos(tmp_path, 30)
    with photo_service() as service:
        die(tmp_path, service.env, service, deaths=3, latest=0.3)
        book = service.book()
    check(tmp_path, names, book)
    assert len(set(book["uploads"])) == 30


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_photos_are_two_hundred_uploads_bills_and_files(tmp_path):
    """One command, no death: as many of each as there are photos."""
    names = photos(tmp_path, 200)
    with photo_service() as service:
        end(tmp_path, service.env)
        book = service.book()
    check(tmp_path, names, book)
    assert (len(book["uploads"]), book["asked"]) == (200, 200)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_photos_and_five_deaths(tmp_path):
    """Still two hundred of each; only what was on its way at a death is uploaded once more."""
    names = photos(tmp_path, 200)
    with photo_service() as service:
        die(tmp_path, service.env, service, deaths=5, latest=1.2)
        book = service.book()
    check(tmp_path, names, book)
    assert len(set(book["uploads"])) == 200
    assert len(book["uploads"]) <= 200 + 5 * 8  # as many as are sent to a host at once


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_two_hundred_photos_against_the_simulator(batch, sim, lonely):
    """The same figures in its book."""
    names = photos(lonely.folder, 200)
    assert (await batch("run", "photos/", *_WORDS)).code == 0
    assert (sim.counters["presign"], sim.counters["upload"], len(sim.book.starts)) == (200, 200, 200)
    assert sorted(path.stem for path in (lonely.folder / "out").glob("*.mp4")) == names
