"""Pure rules: no await, no I/O, no clock, no randomness."""

from __future__ import annotations
