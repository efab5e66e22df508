"""Short runs of the fuzzers of the benchmarks, which also run by themselves for as long as one likes."""

from __future__ import annotations

import pytest

from a2e_async.batch import cells, stored
from a2e_async.batch.ledger import FolderLedger
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.core import replies, sse
from a2e_async.errors import A2EError, LedgerError
from benchmarks import fuzz_ledgers, fuzz_replies, fuzz_rows, fuzz_streams

RUNS = {
    "replies": (fuzz_replies, 2000, {"read", "ProtocolError", "RejectedRequestError", "ServiceError", "NotFoundError"}),
    "streams": (fuzz_streams, 2000, {"read", "ProtocolError", "ServiceError"}),
    "rows": (fuzz_rows, 400, {"read", "UsageError"}),
    "ledgers": (fuzz_ledgers, 400, {"read", "LedgerError"}),
}


@pytest.mark.parametrize("name", RUNS)
def test_damage_raises_only_our_errors(name):
    """Damaged replies, streams, rows and ledgers are read or refused with ours, each soon, and none shows a token."""
    script, count, outcomes = RUNS[name]
    figures = script.run(count, seed=20261121)
    assert figures["first_findings"] == []
    assert figures["findings"] == 0
    assert outcomes <= set(figures["outcomes"])


@pytest.mark.parametrize(
    ("breakage", "word"),
    [(lambda text: text, "a token in"), (lambda text: text + 5, "TypeError")],
)
def test_the_fuzzer_would_notice(monkeypatch, breakage, word):
    """With a reader that shows tokens, or raises something else, there are findings."""
    monkeypatch.setattr(replies, "hide_secrets", breakage)
    assert word in fuzz_replies.run(300, seed=1)["first_findings"][0]


@pytest.mark.parametrize(
    ("script", "place", "name", "count"),
    [
        (fuzz_streams, sse.Messages, "_take", 20),
        (fuzz_rows, cells, "text_of", 20),
        (fuzz_ledgers, stored, "entry_of", 20),
    ],
)
def test_each_fuzzer_would_notice_an_error_that_is_not_ours(monkeypatch, script, place, name, count):
    """Whatever breaks inside a reader is a finding."""

    def broken(*_given):
        raise KeyError(name)

    monkeypatch.setattr(place, name, broken)
    assert "KeyError" in script.run(count, seed=1)["first_findings"][0]


def test_the_same_seed_makes_the_same_replies():
    """A finding can be repeated by its seed."""
    one, other = fuzz_replies.Fuzzer(7), fuzz_replies.Fuzzer(7)
    assert [one.reply() for _ in range(50)] == [other.reply() for _ in range(50)]
    assert issubclass(A2EError, Exception)


async def test_a_ledger_whose_text_is_none_is_damaged(tmp_path):
    """sqlite3 fails to decode its own words about a table of such a name; it is damage in our words, too."""
    good = await fuzz_ledgers.good_ledger(tmp_path / "good")
    for hurt in (
        good.replace(b"lost_coins REAL", b"lost\xf1coins RE\xf1L"),
        good.replace(b"CREATE TABLE rows", b"CREATE TABLE r\xf1ws"),
    ):
        (tmp_path / FILE_NAME).write_bytes(hurt)
        with pytest.raises(LedgerError, match="damaged"):
            list(stored.read_entries(tmp_path / FILE_NAME))
        with pytest.raises(LedgerError, match="damaged"):
            await FolderLedger.open(tmp_path)
