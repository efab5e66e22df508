"""What the service says: a request in, a reply out."""

from __future__ import annotations
