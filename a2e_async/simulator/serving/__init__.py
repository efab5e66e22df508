"""The service on a socket, its webhooks, and its clock."""

from __future__ import annotations
