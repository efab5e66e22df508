"""What went wrong between us and a server, as one of our errors: was the request sent, and words without secrets.

The errors of aiohttp hold the request with its headers, the proxy with its login, and what the server said, which may
be our token: none of them may be a cause or a context of an error of ours, nor a local variable of a frame that raises
one, for test reports and error trackers print all of these. So the pattern of those who talk to a server is

    try:
        ...
    except Exception as error:
        failure = failure_of(error, "GET /path", headers)
    raise failure      # after the block, where Python has dropped `error`
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterable, Mapping

import aiohttp

from a2e_async.core.secrets import Secret, hide
from a2e_async.errors import A2EError, AuthenticationError, TransportError

_NO_HEADERS: Mapping[str, str] = {}
_LONGEST = 300
_UNAUTHORIZED = 401
MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})
"""The numbers of the error that this process, or the machine, has too many files open."""
_SURE = (  # a failure to connect, to the service or to the proxy before it, and an address that was never looked up
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


def failure_of(error: Exception, what: str, headers: Mapping[str, str] = _NO_HEADERS, *, where: str = "") -> A2EError:
    """Give the error to raise, after the `except` block, for whatever came of an exchange.

    Args:
        error: What came; an error of ours is given back as it is.
        what: What was asked, such as "GET /path", for the text.
        headers: What the request carried; its secrets appear in no text.
        where: Whom we could not connect to, for the text of a request that was surely not sent.
    """
    if isinstance(error, A2EError):
        return error.with_traceback(None)
    sent = was_sent(error)
    begin = f"could not connect to {where}" if where and not sent else what
    failure = TransportError(f"{begin}: {words_of(error, headers)}", sent=sent)
    failure.__cause__ = cause_of(error)
    return failure


def was_sent(error: BaseException) -> bool:
    """Whether the request may have been received; False only when that is sure.

    A reset before and one after the service did its work raise the same exception, and so does a parser that trips
    over an answer: only a failure to connect is sure. A redirect is an answer.
    """
    return not isinstance(error, _SURE) or isinstance(error, aiohttp.RedirectClientError)


def words_of(error: BaseException, headers: Mapping[str, str] = _NO_HEADERS) -> str:
    """Say what went wrong in a few words, without a secret of the request, a login or a signature."""
    return hide(_words(error), _secrets_in(headers.values()))[:_LONGEST]


def cause_of(error: BaseException) -> Exception | None:
    """Give what may stand as the cause of an error of ours: the failure of the system under aiohttp's, or None.

    It comes without its traceback, in whose frames aiohttp keeps the request.
    """
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    if isinstance(error, aiohttp.ClientError) or not isinstance(error, OSError | ssl.SSLError | TimeoutError):
        return None
    if hide(str(error)) != str(error):
        return None
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _secrets_in(values: Iterable[str]) -> list[str]:
    """Give the secrets among the values of headers, each whole and without the scheme before it."""
    secrets = [str(value) for value in values if isinstance(value, Secret)]
    return [form for secret in secrets for form in (secret, secret.rpartition(" ")[2])]


def _words(error: BaseException) -> str:  # noqa: PLR0911 - a table of kinds, the narrower ones first
    if isinstance(error, aiohttp.ClientHttpProxyError):
        login = ", its login is missing or wrong" if error.status == 407 else ""  # noqa: PLR2004 - HTTP
        return f"the proxy refused with HTTP {error.status}{login}"
    if isinstance(error, aiohttp.TooManyRedirects):
        return "too many redirects"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{type(error).__name__}: HTTP {error.status}, {error.message}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return _system_words(error.os_error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer came"
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return "the address cannot be read"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, MemoryError):
        return "the answer does not fit into memory"
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {_system_words(error)}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _system_words(error: OSError) -> str:
    words = error.strerror or str(error) or type(error).__name__
    return f"{words} (see ulimit -n)" if error.errno in MANY_FILES else words


def is_stale(error: A2EError) -> bool:
    """Whether the service itself has refused the token that a request carried; a page of a proxy says nothing of it."""
    known = isinstance(error, AuthenticationError) and not error.page
    return known and _UNAUTHORIZED in (getattr(error, "status", 0), getattr(error, "code", 0))
