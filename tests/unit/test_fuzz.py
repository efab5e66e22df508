"""A short run of the reply fuzzer of the benchmarks, which also runs by itself for as long as one likes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from a2e_async.core import replies
from a2e_async.errors import A2EError

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fuzz_replies.py"


@pytest.fixture(scope="module")
def fuzz():
    """Load the script as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_replies", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_damaged_replies_raise_only_our_errors(fuzz):
    """2,000 damaged replies are read or refused with one of our errors, each soon, and none shows the token."""
    figures = fuzz.run(2000, seed=20261121)
    assert figures["first_findings"] == []
    assert figures["findings"] == 0
    assert {"read", "ProtocolError", "RejectedRequestError", "ServiceError", "NotFoundError"} <= set(
        figures["outcomes"]
    )


@pytest.mark.parametrize(
    ("breakage", "word"),
    [(lambda text: text, "a token in"), (lambda text: text + 5, "TypeError in read")],
)
def test_the_fuzzer_would_notice(fuzz, monkeypatch, breakage, word):
    """With a reader that shows tokens, or raises something else, there are findings."""
    monkeypatch.setattr(replies, "hide_secrets", breakage)
    assert word in fuzz.run(300, seed=1)["first_findings"][0]


def test_the_same_seed_makes_the_same_replies(fuzz):
    """A finding can be repeated by its seed."""
    one, other = fuzz.Fuzzer(7), fuzz.Fuzzer(7)
    assert [one.reply() for _ in range(50)] == [other.reply() for _ in range(50)]
    assert issubclass(A2EError, Exception)
