"""Every group of calls. Each is loaded when it is first asked for: nobody waits for those of others."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # one line for each group
    from a2e_async.calls.account import Account
    from a2e_async.calls.avatars import Avatars
    from a2e_async.calls.backgrounds import Backgrounds
    from a2e_async.calls.credits import Credits
    from a2e_async.calls.faces import Faces
    from a2e_async.calls.languages import Languages
    from a2e_async.calls.prompts import Prompts
    from a2e_async.calls.speech import Speech
    from a2e_async.calls.storage import Storage
    from a2e_async.calls.streaming import Streaming
    from a2e_async.calls.tasks import Tasks
    from a2e_async.calls.twins import Twins
    from a2e_async.calls.voices import Voices
    from a2e_async.calls.watermark import Watermark

__all__ = [
    "Account",
    "Avatars",
    "Backgrounds",
    "Credits",
    "Faces",
    "Languages",
    "Prompts",
    "Speech",
    "Storage",
    "Streaming",
    "Tasks",
    "Twins",
    "Voices",
    "Watermark",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"a2e_async.calls.{name.lower()}"), name)
