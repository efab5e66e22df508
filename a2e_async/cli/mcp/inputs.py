"""What an agent gives as an input: a URL, a file below the server's folders, or the job of a key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from a2e_async.cli.mcp.intents import job_of
from a2e_async.client import A2EClient
from a2e_async.core.family import Request, family_of
from a2e_async.core.requests import fields_of
from a2e_async.errors import UsageError

_JOB = "job:"
_URLS = ("http://", "https://")


@attrs.frozen
class GivenInputs:
    """Makes requests of what an agent gives.

    Args:
        a2e: The open client.
        roots: The folders whose files may be inputs; what is relative lies below the first.
    """

    a2e: A2EClient
    roots: Sequence[Path]

    async def request(self, family: str, fields: dict[str, Any]) -> Request[Any]:
        """Make a request, in which files and jobs stand where they were named.

        Raises:
            UsageError: There is no such family, file or job, or the file lies outside.
            InvalidRequestError: A field breaks its rule.
        """
        known = family_of(family)
        given = dict(fields)
        for field in fields_of(known.request):
            value = given.get(field.name)
            if field.media and isinstance(value, str):
                given[field.name] = await self._input(field.name, value)
            elif field.media and isinstance(value, list):
                given[field.name] = [await self._input(field.name, one) for one in value]
        made: Request[Any] = known.request(**given)
        return made

    async def _input(self, field: str, value: object) -> object:
        if not isinstance(value, str) or value.lower().startswith(_URLS):
            return value
        if value.startswith(_JOB):
            return await job_of(self.a2e, value.removeprefix(_JOB))
        return self._file(field, value)

    def _file(self, field: str, name: str) -> Path:
        path = (self.roots[0] / name).resolve()
        if not any(path.is_relative_to(root.resolve()) for root in self.roots):
            raise UsageError(f"{field}: files must be below {', '.join(map(str, self.roots))}, not {name!r:.200}")
        if not path.is_file():
            raise UsageError(f"{field}: must be a URL, {_JOB} and a key, or a file; there is no file {name!r:.200}")
        return path
