"""One-shot endpoints that start no task; one file per group. A call, like a family, is data that the engine sends."""

from __future__ import annotations
