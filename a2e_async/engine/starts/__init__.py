"""From an intent to accepted tasks, exactly once."""

from __future__ import annotations
