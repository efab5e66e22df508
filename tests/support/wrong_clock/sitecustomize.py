"""Puts the wall clock of a process wrong: on its PYTHONPATH, by so many seconds as WRONG_CLOCK says."""

from __future__ import annotations

import os
import time

_ahead = float(os.environ.get("WRONG_CLOCK", "0"))
_now = time.time
time.time = lambda: _now() + _ahead
