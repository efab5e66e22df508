"""What a job is, what is told about it, and how it ends."""

from __future__ import annotations
