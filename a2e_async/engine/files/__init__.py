"""Bytes on disk: downloads and uploads."""

from __future__ import annotations
