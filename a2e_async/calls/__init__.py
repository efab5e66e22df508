"""One-shot endpoints that start no task; one file per group. A call, like a family, is data that the engine sends."""

from __future__ import annotations

from typing import get_type_hints

import attrs

from a2e_async.calls import groups
from a2e_async.calls.base import Line, plan_of


class Calls:
    """All calls of a client, in groups: `await a2e.calls.speech.say("Hello", tts_id=...)`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def account(self) -> groups.Account:
        """Tokens in the way of the old API."""
        return groups.Account(self._line)

    @property
    def avatars(self) -> groups.Avatars:
        """Avatars of the service and of your own."""
        return groups.Avatars(self._line)

    @property
    def backgrounds(self) -> groups.Backgrounds:
        """Images behind an avatar."""
        return groups.Backgrounds(self._line)

    @property
    def credits(self) -> groups.Credits:
        """Balance, prices and history."""
        return groups.Credits(self._line)

    @property
    def faces(self) -> groups.Faces:
        """Images of faces that are kept for swaps."""
        return groups.Faces(self._line)

    @property
    def language(self) -> groups.Languages:
        """Which language a text is in."""
        return groups.Languages(self._line)

    @property
    def prompts(self) -> groups.Prompts:
        """Fuller prompts for image to video."""
        return groups.Prompts(self._line)

    @property
    def speech(self) -> groups.Speech:
        """Text to speech."""
        return groups.Speech(self._line)

    @property
    def storage(self) -> groups.Storage:
        """URLs for uploads, and copies of files that lie elsewhere."""
        return groups.Storage(self._line)

    @property
    def streaming(self) -> groups.Streaming:
        """Rooms with a live avatar."""
        return groups.Streaming(self._line)

    @property
    def tasks(self) -> groups.Tasks:
        """Names, marks and lists of tasks."""
        return groups.Tasks(self._line)

    @property
    def twins(self) -> groups.Twins:
        """What can be done with a video twin."""
        return groups.Twins(self._line)

    @property
    def voices(self) -> groups.Voices:
        """Public voices and those of your own."""
        return groups.Voices(self._line)

    @property
    def watermark(self) -> groups.Watermark:
        """Watermarks."""
        return groups.Watermark(self._line)


@attrs.frozen(kw_only=True)
class Listed:
    """A method and path that a call reaches.

    Attributes:
        group: The call's group, such as "speech".
        name: Its name, such as "say".
        method: "GET", "POST", "PUT" or "DELETE".
        path: The path; arguments stand in it in braces.
        note: "deprecated: ..." or "undocumented: ..." with the reason, "" where all is well.
        about: What the call does, in one line.
    """

    group: str
    name: str
    method: str
    path: str
    note: str
    about: str


def catalogue() -> list[Listed]:
    """List every method and path of every call, older dialects after the call's own."""
    return [
        Listed(
            group=group,
            name=name.lstrip("_"),
            method=endpoint.method,
            path=endpoint.path,
            note=endpoint.note,
            about=(method.__doc__ or "").strip().partition("\n")[0],
        )
        for group, held in vars(Calls).items()
        if isinstance(held, property)
        for name, method in vars(get_type_hints(held.fget)["return"]).items()
        if callable(method) and (plan := plan_of(method)) is not None
        for endpoint in plan.endpoints()
    ]
