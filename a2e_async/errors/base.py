"""What every error has in common: its facts, its text, its pickle."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar

_IDS_IN_TEXT = 3
_LONGEST = 4000
# C0, C1, all ends of lines, what turns the direction of reading, halves of characters.
_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class PartialResult(Protocol):
    """What an error knows of a result: the tasks of a start that did complete."""

    @property
    def url(self) -> str:
        """The first output."""
        ...

    @property
    def urls(self) -> tuple[str, ...]:
        """Every output, in the order of the reply."""
        ...

    @property
    def coins(self) -> float | None:
        """The coins these tasks were charged."""
        ...


class A2EError(Exception):
    """Base of every error of this package; made of what happened in one sentence, and further attributes by name.

    Attributes:
        message: What happened; the text of the error also says for which tasks, and what to do next.
        request: The request that the error concerns, or None.
        task_ids: The ids of the tasks that the error concerns; every one of them may have been paid for.
        tag: The mark in the name of these tasks, by which they can be found again, or None.
        family: The name of their family, "" where it is not known.
        attempts: How often the request was sent before it was given up.
    """

    request: Any = None
    task_ids: tuple[str, ...] = ()
    tag: str | None = None
    family: str = ""
    attempts: int = 1
    _goes_on = False  # whether there is a task to watch on

    def __init__(self, message: str, **facts: Any) -> None:  # noqa: ANN401 - each class documents its own facts
        super().__init__(message)
        self.message = message
        self.__dict__.update(facts)

    def about(self, request: object, task_ids: Sequence[str] = (), tag: str | None = None, family: str = "") -> Self:
        """Say which request and tasks the error concerns; returns the error itself."""
        self.request, self.task_ids, self.tag, self.family = request, tuple(task_ids), tag, family
        return self

    def __str__(self) -> str:
        told = self._told()
        return _visible(told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…") + self._whose()

    def _told(self) -> str:
        """Give what happened, and what can be done about it."""
        line = self._watch_line() if self._goes_on else ""
        often = f" (after {self.attempts} attempts)" if self.attempts > 1 else ""
        return f"{self.message}{often}" + (f"; {line} watches on" if line else "")

    def _watch_line(self) -> str:
        """Give the line of Python that watches the tasks again, or finds them."""
        family = repr(self.family) if self.family else "family"
        if self.task_ids:
            ids = [repr(str(task_id)) for task_id in self.task_ids[:_IDS_IN_TEXT]]
            more = ", ..." if len(self.task_ids) > _IDS_IN_TEXT else ""
            return f"a2e.attach({family}, {', '.join(ids)}{more})"
        return f"await a2e.find({family}, {self.tag!r})" if self.tag else ""

    def _whose(self) -> str:
        known = [f"task {task_id}" for task_id in self.task_ids[:_IDS_IN_TEXT]]
        if len(self.task_ids) > _IDS_IN_TEXT:
            known.append(f"and {len(self.task_ids) - _IDS_IN_TEXT} more")
        if self.tag:
            known.append(f"tag {self.tag}")
        return f" [{', '.join(known)}]" if known else ""

    def __reduce__(self) -> tuple[Any, ...]:
        facts = self.__dict__.copy()
        if hasattr(self.request, "without_secrets"):
            facts["request"] = self.request.without_secrets()
        return _restore, (type(self), self.args, facts)


def _visible(text: str) -> str:
    r"""Write out what a terminal obeys, or what could look like another line of a log, as `\x1b` and `\n`.

    The words of a service and of file hosts are part of errors, and whoever prints an error sends them to a terminal.
    """
    if text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _restore(kind: type[A2EError], args: tuple[Any, ...], facts: dict[str, Any]) -> A2EError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__setstate__(facts)
    return error


E = TypeVar("E", bound=A2EError)


def again(error: E) -> E:
    """Give the same error once more, with all its facts, for another job: no two jobs may share a traceback."""
    return copy.copy(error)
