"""How workers are begun: nothing secret stands in their command."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from a2e_async.cli.batch.workers import FleetOptions, worker_environment, worker_words
from a2e_async.cli.settings import Settings

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
