"""One request, one reply: session, service, pacer, token and limits."""

from __future__ import annotations
