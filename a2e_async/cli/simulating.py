"""A simulator in the process of a command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from a2e_async.cli.display.output import tell
from a2e_async.simulator import Simulator, serve


@asynccontextmanager
async def simulator(**options: Any) -> AsyncIterator[Simulator]:  # noqa: ANN401 - the simulator's own arguments
    """Open a simulator in this process, and say what is missing for better media."""
    missing = [name for name, module in (("pillow", "PIL"), ("av", "av")) if find_spec(module) is None]
    if missing:
        names = " and ".join(missing)
        tell(f"a2e: without {names} the simulator makes small, plain media; pip install 'a2e-async[sim]'")
    async with serve(**options) as simulated:
        yield simulated
