"""Several processes on one batch, as people run them: killed, stopped, resumed, and paid for once."""

from __future__ import annotations

import pytest
from fleet_torture import OWN, SIMULATOR, Pains, torture
from postgres_server import missing


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(bool(missing()), reason=missing() or "PostgreSQL is here")
def test_a_fleet_pays_once_whatever_happens(tmp_path):
    """Five kills, a pause of two and a half leases and a restart of the database: one bill a row, every file whole."""
    end = torture(tmp_path, 7, Pains(rows=200), service=OWN)
    assert end.good, end
    assert (end.pauses, end.restarts) == (1, 1), end


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_workers_of_one_machine_pay_once_whatever_happens(tmp_path):
    """Without any server: three kills and a pause past the lease."""
    end = torture(tmp_path, 8, Pains(rows=120, kills=3, sqlite=True, within=7), service=SIMULATOR)
    assert end.good, end
