"""What the service is made of: tasks, coins, the book, faults, and what each family does."""

from __future__ import annotations
