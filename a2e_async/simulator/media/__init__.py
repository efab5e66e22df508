"""Images, videos and audio made from prompts."""

from __future__ import annotations
