"""Account: tokens in the way of the old API; today they are made on the account page of the service's site."""

from __future__ import annotations

from typing import Annotated

import attrs

from a2e_async.calls.base import Group, call
from a2e_async.calls.reading import At, Named, Value, each, nothing, one
from a2e_async.calls.writing import Extra, Id
from a2e_async.core import rules

_DEPRECATED = "deprecated: tokens are made on the account page now"


@attrs.frozen(kw_only=True)
class ApiToken(Value):
    """A token of the account.

    Attributes:
        id: Its id.
        alias: What it was made for.
        token: The token itself, "" in lists; not shown in a repr.
    """

    id: Named = ""
    alias: Annotated[str, At("alias", "name")] = ""
    token: Annotated[str, At("token", "access_token")] = attrs.field(default="", repr=False)


class Account(Group):
    """Tokens, as the old API makes them."""

    @call("POST", "/api/login/account", one(ApiToken, "token"), note=f"{_DEPRECATED}; its body is not documented")
    def log_in(self, *, extra: Extra) -> None:
        """Get a login token, with which the other calls of this group are made (POST /api/login/account).

        Args:
            extra: The fields of the body by the service's own names.
        """

    @call("POST", "/api/v1/token/generate", one(ApiToken, "token"), note=_DEPRECATED)
    def make_token(self, alias: Annotated[str, rules.text()]) -> None:
        """Make an API token; the client's own must be a login token (POST /api/v1/token/generate).

        Args:
            alias: What it is made for.
        """

    @call(
        "GET",
        "/api/v1/token/list",
        each(ApiToken),
        note=f"{_DEPRECATED}; undocumented: the path by analogy with token/generate",
    )
    def tokens(self) -> None:
        """List the API tokens (GET /api/v1/token/list)."""

    @call(
        "POST",
        "/api/v1/token/delete",
        nothing,
        note=f"{_DEPRECATED}; undocumented: path and `_id` by analogy with token/generate",
    )
    def delete_token(self, token_id: Id) -> None:
        """Delete an API token (POST /api/v1/token/delete).

        Args:
            token_id: Its id.
        """
