"""The one coroutine that watches every task, and what it knows."""

from __future__ import annotations
