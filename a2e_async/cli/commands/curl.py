"""`--dry-run`: the start requests as curl commands, without the token."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from a2e_async.cli.display.output import MASK
from a2e_async.cli.run import Run
from a2e_async.core import addresses, tags, wire
from a2e_async.core.family import Request, family_of
from a2e_async.core.http import HttpRequest
from a2e_async.core.records import Result
from a2e_async.core.requests import fields_of, require_public_links
from a2e_async.engine.settings import find_base_url


def dry_run(run: Run, requests: Sequence[Request[Result]]) -> int:
    """Print each start request as a curl command; nothing is sent."""
    base_url = find_base_url(run.settings.base_url)
    for request in requests:
        if not addresses.is_local(base_url):  # a dry run refuses what a start refuses
            require_public_links(request)
        sent = written(request)
        url, body = base_url + sent.path, _without_secrets(request, sent.body or {})
        run.output.result(curl(sent.method, url, body), {"method": sent.method, "url": url, "body": body})
    return 0


def written(request: Request[Result]) -> HttpRequest:
    """Give the start request that a client would send, with a tag in the task's name."""
    family = family_of(request)
    tag = tags.make(os.urandom(tags.BYTES_OF_A_TAG))
    name = tags.put(wire.untagged_name(family, request), tag, tags.FIRST, family.name_limit)
    return wire.start(family, request, name=name)


def curl(method: str, url: str, body: Mapping[str, Any]) -> str:
    """Give a request with a JSON body as a curl command."""
    headers = ["-H", f"Authorization: Bearer {MASK}", "-H", "Content-Type: application/json"]
    return shlex.join(["curl", "-X", method, url, *headers, "-d", json.dumps(body, ensure_ascii=False)])


def _without_secrets(request: Request[Result], body: Mapping[str, Any]) -> dict[str, Any]:
    secret = {field.key for field in fields_of(type(request)) if field.secret}
    return {key: "***" if key in secret else value for key, value in body.items()}
