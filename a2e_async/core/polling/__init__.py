"""When to poll next: schedule, cohorts, ages, and what was learned of each family."""

from __future__ import annotations
