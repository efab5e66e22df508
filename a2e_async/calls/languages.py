"""Languages: which one a text is in."""

from __future__ import annotations

from typing import Annotated

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import text
from a2e_async.core import rules
from a2e_async.core.requests import SentAs


class Languages(Group):
    """What the service can tell about a text."""

    @call(
        "POST",
        "/api/v1/video/lang_classify",
        text("lang", "language", "code"),
        reads=True,
        note="undocumented: only older pages have it",
    )
    def detect(self, said: Annotated[str, rules.text(), SentAs("msg")]) -> None:
        """Tell the language of a text, such as "en" (POST /api/v1/video/lang_classify).

        Args:
            said: The text.
        """
