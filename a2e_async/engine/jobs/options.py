"""What may be chosen for a start beyond the request itself."""

from __future__ import annotations

import enum
import math
from typing import Any, Final, Literal

import attrs

from a2e_async.core.family import Family
from a2e_async.core.hooks import Journal, Posted
from a2e_async.core.inputs import NO_MEMORY, UploadMemory
from a2e_async.core.rules import kind_of
from a2e_async.errors import InvalidRequestError


class Default(enum.Enum):
    """Stands for "not given" where None has a meaning of its own."""

    DEFAULT = "default"


DEFAULT: Final = Default.DEFAULT
NO_JOURNAL: Final = Journal()


@attrs.frozen(kw_only=True)
class Options:
    """How starts are sent and watched.

    Attributes:
        timeout: Seconds since acceptance after which a job gives up waiting (JobTimeoutError, the task goes on);
            by default its family's (3 h), None for ever.
        on_unknown: What happens when a lost start is not found: "resend" sends it once more under the same tag when
            its absence is proven, "raise" never does.
        tagging: Whether names carry a tag. Without one a lost start cannot be found and is never sent again.
        find_first: Whether the tag is looked for before the first send, as a resume does.
        sent_before: The POSTs by which an earlier process may have sent this start; with `find_first`.
        price: What the start costs in coins, for the budget; by default it is asked or learned.
        journal: What is written down before anybody is told.
        uploads: What is remembered of uploads beyond the client's life.
        tasks: How many tasks the start of attached ones asked for; where fewer are known, the others, which were paid
            for like these, are looked for by their tag when these have ended.
    """

    timeout: float | Default | None = DEFAULT
    on_unknown: Literal["resend", "raise"] = "resend"
    tagging: bool = True
    find_first: bool = False
    sent_before: Posted | None = None
    price: float | None = None
    journal: Journal = NO_JOURNAL
    uploads: UploadMemory = NO_MEMORY
    tasks: int = 1

    def __attrs_post_init__(self) -> None:
        if self.on_unknown not in ("resend", "raise"):
            raise _refuse("on_unknown", "must be 'resend' or 'raise'", self.on_unknown)
        for field, value in (("timeout", self.timeout), ("price", self.price)):
            if value not in (None, DEFAULT) and not _is_amount(value):
                raise _refuse(field, "must be a number of at least 0", value)
        if type(self.tasks) is not int or self.tasks < 1:
            raise _refuse("tasks", "must be a whole number of at least 1", self.tasks)
        if not isinstance(self.sent_before, Posted | None):
            raise _refuse("sent_before", "must be a Posted or None", self.sent_before)

    def seconds(self, family: Family) -> float | None:
        """Give the time limit for a job of this family."""
        return family.timeout if self.timeout is DEFAULT else self.timeout


def changed(options: Options, **changes: Any) -> Options:  # noqa: ANN401 - the fields of Options
    """Give options with other values; None and DEFAULT stand for "as it was", but a timeout of None for "never"."""
    given = {key: value for key, value in changes.items() if value is not None and value is not DEFAULT}
    if "timeout" in changes and changes["timeout"] is None:
        given["timeout"] = None
    return attrs.evolve(options, **given) if given else options


class Keyed:
    """What was started with options, and may have a key."""

    __slots__ = ()
    options: Options

    @property
    def key(self) -> str | None:
        """The caller's own name of the intent, or a random one; None without a store, where no key lives on."""
        return self.options.journal.key


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _refuse(field: str, rule: str, value: object) -> InvalidRequestError:
    return InvalidRequestError(f"{field}: {rule}, not {kind_of(value)}", field=field, rule=rule)
