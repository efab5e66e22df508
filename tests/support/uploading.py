"""A client and a simulated service on a socket, for tests of files that go there and come back."""

from __future__ import annotations

from videos import QUICK

from a2e_async import A2EClient, Cadence
from a2e_async.simulator import serve


def client(sim, **options):
    """Make a client of a simulator on a socket."""
    return A2EClient(sim.token, base_url=sim.url, retry=QUICK, cadence=Cadence(delay=0.02), **options)


def service(**switches):
    """Run a quick simulator."""
    return serve(speed=50, media="tiny", **{"task_seconds": 1, **switches})
