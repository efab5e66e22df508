"""What awaits: the session layer, the starter, the poller, and the jobs that both serve."""

from __future__ import annotations
