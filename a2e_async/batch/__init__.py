"""Durable batches: kill it at any moment, run it again, and pay once."""

from __future__ import annotations
