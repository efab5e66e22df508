"""How workers are begun: nothing secret stands in their command."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from a2e_async.cli.batch.workers import FleetOptions, worker_environment, worker_words
from a2e_async.cli.commands.work import _finish
from a2e_async.cli.run import Run
from a2e_async.cli.settings import Settings
from a2e_async.store.entries import State

URL = "postgresql://a2e:secret@db/a2e"


def test_secrets_stand_in_the_environment_alone():
    """The token and the store's address are told by it, and by no word that others can see."""
    run = SimpleNamespace(settings=Settings(token="sk_mine", json=True, max_starts=5, verbose=1), sim=None)
    fleet = FleetOptions(url=URL, name="kites", workers=2, lease=10.0)
    words = " ".join(worker_words(run, Path("out"), fleet))
    assert "work --with-parent --quiet --out out --batch kites --lease 10.0 --json --max-starts 5 -v" in words
    assert "secret" not in words
    assert "sk_mine" not in words
    told = worker_environment(run, fleet, SimpleNamespace(base_url="https://video.a2e.ai"))
    assert told == {"A2E_STORE": URL, "A2E_BASE_URL": "https://video.a2e.ai", "A2E_API_KEY": "sk_mine"}


@pytest.mark.parametrize(
    ("ends", "said", "code"),
    [
        ({State.DONE: 4}, "4 rows done", 0),
        ({State.DONE: 1, State.FAILED: 2}, "1 row done, 2 not", 1),
        ({State.DONE: 2, State.PLANNED: 1}, "2 rows done, 1 left for others or another run", 1),
    ],
)
def test_a_worker_counts_what_it_leaves(ends, said, code, capsys):
    """A row that it has given back, as its file is not on this machine, is not called done."""
    worker = SimpleNamespace(ends=Counter(ends), stopped_by=None)
    assert _finish(Run(Settings()), worker, hidden=False) == code
    assert capsys.readouterr().err.strip() == said
