"""What one process needs not, and so does not load: the module in which several processes work on a batch."""

from __future__ import annotations

import importlib
from typing import Any


def several() -> Any:  # noqa: ANN401 - a module
    """Give `cli.batch.several`."""
    return importlib.import_module("a2e_async.cli.batch.several")
