"""The report of a batch: manifests for machines and spreadsheets, and a page that nothing breaks out of."""

from __future__ import annotations

import re

import pytest
from reports import EVIL, NOW, entry, report

from a2e_async.batch.manifest import COLUMNS, cell, iso, number
from a2e_async.batch.report import write_report
from a2e_async.store.entries import Entry, FileEntry, State


def test_done(tmp_path):
    """A row that is done, in all three files."""
    (line,), (row,), page = report(tmp_path, entry())
    assert tuple(row) == tuple(line) == COLUMNS
    assert line == {
        "row": "a",
        "family": "text_to_image",
        "status": "done",
        "ids": ["t1"],
        "coins": 40,
        "path": ["a.png"],
        "bytes": [1234],
        "sha256": ["ab" * 32],
        "started": "2026-11-21T03:09:49.250Z",
        "finished": "2026-11-21T03:10:01.750Z",
        "seconds": 12.5,
        "error": "",
        "prompt": "a red kite",
        "inputs": {"negative_prompt": "blurry", "width": 512},
    }
    assert row == line | {
        "ids": "t1",
        "coins": "40",
        "path": "a.png",
        "bytes": "1234",
        "sha256": "ab" * 32,
        "seconds": "12.5",
        "inputs": '{"negative_prompt":"blurry","width":512}',
    }
    times = [0, 1000, 1500, 13500, 14000]
    assert page.data["rows"] == [["a", 4, 1, "a red kite", "blurry", ["a.png", 1234], 40, times, 0, ["t1"], 1]]
    assert page.data["families"] == ["text_to_image"]
    assert page.data["settings"] == [{"width": 512}]
    assert page.data["states"][4:6] == [["done", 0], ["failed", 1]]
    assert (page.data["base"], page.data["now"]) == (NOW - 20, NOW)


def test_planned(tmp_path):
    """A row of which nothing has happened: empty cells, nulls, and no time that is made up."""
    (line,), (row,), page = report(tmp_path, Entry(id="b", family="text_to_image", fields={}, planned_at=NOW))
    assert line["coins"] is line["started"] is line["finished"] is line["seconds"] is None
    assert line["ids"] == line["path"] == []
    assert {name: value for name, value in row.items() if value} == {
        "row": "b",
        "family": "text_to_image",
        "status": "planned",
    }
    assert page.data["rows"] == [["b", 0, 1, 0, 0, 0, None, [0, None, None, None, None]]]


def test_bad(tmp_path):
    """A failed row has its reason everywhere; an unknown one without ids shows its tag."""
    failed = entry("c", state=State.FAILED, error="moderation: no\r\nface", files=(), coins=0, attempt=3)
    unknown = entry("d", state=State.UNKNOWN, task_ids=(), tag="k7f3q9x2m4pda", error="lost", files=(), coins=None)
    lines, rows, page = report(tmp_path, failed, unknown)
    assert [line["error"] for line in lines] == ["moderation: no\r\nface", "lost"]
    assert [row["error"] for row in rows] == ["moderation: no face", "lost"]
    first, second = page.data["rows"]
    assert first[5:] == [0, 0, [0, 1000, 1500, 13500, 14000], "moderation: no\r\nface", ["t1"], 1, 3]
    assert second[6] is None
    assert second[-1] == "k7f3q9x2m4pda"


def test_several_files(tmp_path):
    """Several files are lists in one place and joined in the other, in the same order."""
    files = tuple(FileEntry(path=f"d/a-{n}.png", bytes=n, sha256=f"{n}" * 64) for n in (1, 2))
    (line,), (row,), page = report(tmp_path, entry(files=files, task_ids=("t1", "t2")))
    assert (line["path"], line["bytes"]) == (["d/a-1.png", "d/a-2.png"], [1, 2])
    assert (row["ids"], row["path"], row["bytes"]) == ("t1;t2", "d/a-1.png;d/a-2.png", "1;2")
    assert row["sha256"] == f"{'1' * 64};{'2' * 64}"
    assert page.data["rows"][0][5] == ["d/a-1.png", 1, "d/a-2.png", 2]


def test_empty(tmp_path):
    """A batch without rows has a head in its table and a page."""
    lines, rows, page = report(tmp_path)
    assert lines == rows == page.data["rows"] == []
    assert (tmp_path / "manifest.csv").read_text("utf-8") == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\t'=1"),
        ("\r=1", " '=1"),
        ("  =1", "  '=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),  # where cells are split at semicolons
        ('a"=1', "a\"'=1"),
        ("a,\t@b", "a,\t'@b"),
        ("a - b = c", "a - b = c"),
        ("a\nb\x00c\u2028d", "a b c d"),
        ("half \ud800", "half \ud800"),
    ],
)
def test_formulas(text, written):
    """Nothing in a cell is run by a spreadsheet or breaks its line."""
    assert cell(text) == written


def test_formulas_in_every_cell(tmp_path):
    """Ids, paths and families are as little trusted as errors; JSON Lines keeps them as they are."""
    evil = entry("=id", family="@family", error="-error", task_ids=("=t", "+t"))
    (line,), (row,), _ = report(tmp_path, evil)
    assert (row["row"], row["family"], row["error"]) == ("'=id", "'@family", "'-error")
    assert (row["ids"], row["path"]) == ("'=t;'+t", "'=id.png")
    assert (line["row"], line["ids"], line["error"]) == ("=id", ["=t", "+t"], "-error")


def test_hostile_text(tmp_path):
    """What a prompt says stays text: the page has the elements that it always has, and every file is UTF-8."""
    hostile = entry(EVIL, fields={"prompt": EVIL, "negative_prompt": EVIL, EVIL: EVIL}, error=EVIL, family=EVIL)
    lines, rows, page = report(tmp_path, hostile)
    (tmp_path / "plain").mkdir()
    _, _, usual = report(tmp_path / "plain", entry())
    policies = [{"content": given.get("content", "")} for tag, given in page.tags if "http-equiv" in given]
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in usual.tags]
    assert len(policies) == 1
    assert lines[0]["row"] == lines[0]["error"] == EVIL
    assert "\n" not in rows[0]["error"]
    row = page.data["rows"][0]
    assert row[0] == row[3] == row[4] == row[8] == EVIL
    assert page.data["settings"] == [{EVIL: EVIL}]
    assert not re.search("[\u2028\u2029]", page.scripts[0])


def test_hostile_folder(tmp_path):
    """The folder's name is the title, escaped."""
    folder = tmp_path / "<b>$style & co"
    folder.mkdir()
    html = write_report(folder, [entry()]).read_text("utf-8")
    assert '<h1 dir="auto">&lt;b&gt;$style &amp; co</h1>' in html


def test_policy(tmp_path):
    """The page forbids itself the network, and every script and style but its own."""
    *_, page = report(tmp_path, entry())
    (policy,) = [given["content"] for _, given in page.tags if given.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["style-src"])
    assert "http" not in policy
    sources = [given[name] for _, given in page.tags for name in ("src", "href") if name in given]
    assert sorted(sources) == ["#rows", "data:,", "manifest.csv", "manifest.jsonl"]


def test_secrets_and_odd_values(tmp_path):
    """Secrets stay out of the page; values that JSON or JavaScript do not know are shown as text."""
    fields = {
        "prompt": 7,
        "webhook_url": "https://h.example/?key=1",
        "webhook_token": "s3cret",
        "api_token": "s3cret",
        "nan": float("nan"),
        "big": 2**60,
        "flag": True,
        "none": None,
        "half": 0.5,
        "links": ["a", "b"],
        "nested": {"x": object},
    }
    *_, page = report(tmp_path, entry(fields=fields, coins=float("nan")))
    (settings,) = page.data["settings"]
    assert settings.pop("nested").startswith("{'x'")
    assert settings == {"nan": "nan", "big": str(2**60), "flag": "yes", "half": 0.5, "links": "a b"}
    assert page.data["rows"][0][3] == "7"
    assert page.data["rows"][0][6] is None


def test_long_prompt(tmp_path):
    """A prompt of 10 kB is there; one that nobody reads to its end is cut and says so."""
    *_, page = report(tmp_path, entry(fields={"prompt": "x" * 10_000}), entry(fields={"prompt": "x" * 10_000_000}))
    first, second = (row[3] for row in page.data["rows"])
    assert first == "x" * 10_000
    assert second.endswith("x … (10,000,000 characters)")
    assert (tmp_path / "index.html").stat().st_size < 200_000


def test_many_settings(tmp_path):
    """Settings that all differ are kept in their rows when the table of shared ones is full."""
    *_, page = report(tmp_path, *(entry(fields={"seed": n}) for n in range(1001)), entry(fields={}))
    assert len(page.data["settings"]) == 1000
    assert page.data["rows"][999][10] == 1000
    assert page.data["rows"][1000][10] == {"seed": 1000}
    assert len(page.data["rows"][1001]) == 10


def test_times():
    """Times are UTC to the millisecond."""
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(1_795_230_608.9996) == "2026-11-21T03:10:08.999Z"
    assert iso(None) is None


def test_numbers():
    """Whole coins are whole, odd ones are not known."""
    assert [number(n) for n in (40.0, 2.5, None, float("inf"))] == [40, 2.5, None, None]
    assert isinstance(number(40.0), int)
