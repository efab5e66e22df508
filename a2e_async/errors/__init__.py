"""Every exception of the package, in one tree.

A2EError
├── UsageError              our caller is wrong, nothing was sent
│   ├── InvalidRequestError     a field breaks a rule
│   ├── ClientClosedError       the client is closed, or was closed before this start was sent
│   ├── MissingTokenError       no token was given and none is in the environment
│   └── KeyConflictError        one key, two requests
├── ServiceError            the service said no
│   ├── AuthenticationError     ├── InsufficientCoinsError     ├── RateLimitedError
│   ├── RejectedRequestError    ├── ModerationError            └── NotFoundError
├── TransportError          could not talk,            ├── ProtocolError      talked, got nonsense
├── StartUnknownError       a start may or may not have been taken
├── BudgetExceededError     the start was not sent
├── InputFailedError        what the request takes could not be had, nothing was sent
├── JobFailedError          a task failed
├── JobTimeoutError         the job's deadline passed, ├── JobDetachedError   nobody watches: the task goes on
├── JobCancelledError       never sent, or deleted     ├── DownloadError      a result file could not be had whole
└── LedgerError             the ledger of a batch, or a store, cannot be used
    └── FencedError             another process holds these jobs now

Laws of this file: no error holds a job (that would be a cycle), every error pickles, and no error ever holds a token;
a pickle of one leaves out the secrets of its request too. An error that leaves something to be done says what.
"""

from __future__ import annotations

from typing import Any

from a2e_async.errors.base import A2EError, PartialResult, again

__all__ = [
    "A2EError",
    "AuthenticationError",
    "BudgetExceededError",
    "ClientClosedError",
    "DownloadError",
    "FencedError",
    "InputFailedError",
    "InsufficientCoinsError",
    "InvalidRequestError",
    "JobCancelledError",
    "JobDetachedError",
    "JobFailedError",
    "JobTimeoutError",
    "KeyConflictError",
    "LedgerError",
    "MissingTokenError",
    "ModerationError",
    "NotFoundError",
    "PartialResult",
    "ProtocolError",
    "RateLimitedError",
    "RejectedRequestError",
    "ServiceError",
    "StartUnknownError",
    "TransportError",
    "UsageError",
    "again",
]


class UsageError(A2EError):
    """Our caller is wrong; nothing was sent."""


class InvalidRequestError(UsageError):
    """A field breaks a rule of the service; nothing was sent.

    Attributes:
        field: The name of the field.
        rule: The rule it breaks.
    """

    field: str = ""
    rule: str = ""


class ClientClosedError(UsageError):
    """The client is closed; this start was never sent."""


class MissingTokenError(UsageError):
    """No token was given and none is in the environment."""


class KeyConflictError(UsageError):
    """A key was given for one request, and another request was started under it; nothing was sent for this one.

    Attributes:
        key: The key.
        other: The request to which the key belongs, as plain JSON values: its `family` and its fields.
    """

    key: str = ""
    other: Any = None


class ServiceError(A2EError):
    """The service said no.

    Attributes:
        status: The HTTP status.
        code: The `code` of the reply's body, or None; a non-zero code also comes with status 200.
        trace_id: The service's mark of this reply, or None.
        retry_after: Seconds the service asks us to wait, or None.
        no_route: True when the service does not know the path at all, so that nothing can have happened.
        page: True when the answer is not the service's own JSON but a page of something in between (gateway, cache,
            firewall), which knows nothing of the task, the token or the account.
    """

    status: int = 0
    code: int | str | None = None
    trace_id: str | None = None
    retry_after: float | None = None
    no_route: bool = False
    page: bool = False

    def _told(self) -> str:
        code = f", code {self.code}" if self.code else ""
        trace = f", trace {self.trace_id}" if self.trace_id else ""
        often = f", after {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{self.message} (HTTP {self.status}{code}{trace}{often})"


class AuthenticationError(ServiceError):
    """The token was refused."""


class InsufficientCoinsError(ServiceError):
    """The account holds too few coins for this start.

    Attributes:
        needed: Coins that the start needs, or None where its price is not known.
        balance: Coins that the account holds, or None where the service has not said so.
    """

    needed: float | None = None
    balance: float | None = None

    def _told(self) -> str:
        needs = f"; it needs {self.needed:g} coins" if self.needed is not None else ""
        holds = f"; the account holds {self.balance:g}" if self.balance is not None else ""
        return f"{super()._told()}{needs}{holds}"


class RateLimitedError(ServiceError):
    """Too many requests; `retry_after` says how long the service asks us to wait."""

    def _told(self) -> str:
        wait = f"; the service asks to wait {self.retry_after:g} s" if self.retry_after is not None else ""
        return f"{super()._told()}{wait}; a lower rate= or max_starts= sends fewer requests"


class RejectedRequestError(ServiceError):
    """The service refused the request."""


class ModerationError(ServiceError):
    """The service's moderation refused the content.

    Attributes:
        skippable: True when `minor_suspected_skip=True` lets the same request through (body code 1004).
    """

    skippable: bool = False


class NotFoundError(ServiceError):
    """The service does not know this task."""


class TransportError(A2EError):
    """The service could not be talked to: DNS, refused connection, TLS, reset or time limit.

    Attributes:
        sent: False when the request surely did not reach the service.
    """

    sent: bool = True


class ProtocolError(A2EError):
    """The service answered with nonsense: HTML, cut JSON, a shape we do not know.

    Attributes:
        status: The HTTP status.
        excerpt: The first 200 characters of the body, without secrets.
    """

    status: int = 0
    excerpt: str = ""


class StartUnknownError(A2EError):
    """A start may or may not have been taken, and its tag could not be found; it was not sent again.

    A call that costs coins and whose answer was lost raises it too, and says where to look.

    Attributes:
        search_again: Whether a later search may find it: the list could not be read, or the client was closed. False
            when none ever will: names do not come back, the start is too old, or both sends are proven absent.
    """

    search_again: bool = False

    def _told(self) -> str:
        line = self._watch_line()
        if self.search_again and line:
            return f"{super()._told()}; to search again: {line}, which gives the job if the service has taken it"
        listed = f"; a2e.records({self.family!r}) lists what the service has" if self.family else ""
        return super()._told() + listed


class BudgetExceededError(A2EError):
    """The start was not sent: it would pass the budget.

    Attributes:
        needed: Coins the start needs, or None when its price is not known.
        left: Coins the budget has left.
    """

    needed: float | None = None
    left: float = 0


class InputFailedError(A2EError):
    """What the request takes could not be had, such as a job that has failed, so that nothing was sent.

    Attributes:
        field: The field of the request.
        cause: Why, as an error; also `__cause__`.
    """

    field: str = ""
    cause: BaseException | None = None

    def __setstate__(self, facts: dict[str, Any] | None) -> None:
        super().__setstate__(facts)
        self.__cause__ = self.cause


class JobFailedError(A2EError):
    """A task failed.

    Attributes:
        code: The service's `failed_code`.
        refunded: Whether the coins came back: True, False, or None where the service does not say.
        result: The `Result` of the tasks of this start that did complete, or None.
        records: The last record of every task of this start.
    """

    code: str = ""
    refunded: bool | None = None
    result: PartialResult | None = None
    records: tuple[Any, ...] = ()


class JobTimeoutError(A2EError):
    """The job's deadline passed; the task goes on at the service."""

    _goes_on = True


class JobDetachedError(A2EError):
    """The job is not watched any more; the task goes on at the service."""

    _goes_on = True


class JobCancelledError(A2EError):
    """The job was cancelled: never sent, or its task was deleted before it began.

    Attributes:
        refunded: True when the coins came back or none were charged, None where the service does not say.
    """

    refunded: bool | None = None


class DownloadError(A2EError):
    """A result file could not be fetched whole; nothing half is left under its name.

    Attributes:
        url: The URL, without its query.
        expired: True when the URL has expired; results live for about three days.
    """

    url: str = ""
    expired: bool = False


class LedgerError(A2EError):
    """The ledger of a batch, or a store, cannot be used; the message says why."""


class FencedError(LedgerError):
    """Another process holds these jobs now: this one was taken for dead, for it slept or could not reach the store."""
