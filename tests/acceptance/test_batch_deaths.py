"""A batch that is killed again and again bills every row once."""

from __future__ import annotations

import pytest
from kill_series import CLOCKS, COINS, live


@pytest.mark.slow
def test_three_deaths(tmp_path):
    """Killed three times in the middle, every row is billed once, and every file is whole."""
    life = live(tmp_path, deaths=3, seed=3)
    assert life.good, f"{life}\n{life.last_words}"
    assert life.deaths == 3
    assert life.at_work >= 2


@pytest.mark.slow
def test_deaths_on_machines_whose_clocks_are_wrong(tmp_path):
    """Each life has another wall clock, and coins for each row once: every row is billed once."""
    life = live(tmp_path, deaths=3, seed=33, clocks=CLOCKS, more=("--max-coins", str(COINS)))
    assert life.good, f"{life}\n{life.last_words}"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [100, 101])
def test_twenty_deaths_on_machines_whose_clocks_are_wrong(tmp_path, seed):
    """The same with twenty deaths: as many bills as rows, and the coins are never passed."""
    life = live(tmp_path, deaths=20, seed=seed, clocks=CLOCKS, more=("--max-coins", str(COINS)))
    assert life.good, f"{life}\n{life.last_words}"
    assert life.at_work >= 12


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_deaths(tmp_path):
    """The same with twenty deaths."""
    life = live(tmp_path, deaths=20, seed=20)
    assert life.good, f"{life}\n{life.last_words}"
    assert life.deaths == 20
    assert life.at_work >= 12
