"""Replies as the service gives them, made for tests."""

from __future__ import annotations

import json

import pytest

from a2e_async.core import replies
from a2e_async.core.http import HttpReply
from a2e_async.errors import A2EError

TOKEN = "sk_eyJhbGciOiJIUzI1NiJ9.eyJfaWQiOiI2NWYwIn0.c2lnbmF0dXJl"
TRACE = "00000000-0000-4000-8000-000000000001"
DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
HTML = b"<!doctype html><title>A2E</title>"


def reply(body, status=200, **headers):
    """Make a reply; what is no bytes is written as JSON."""
    return HttpReply(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode(), **headers)


def refused(body, status=200, **headers):
    """Give the error that comes of a reply."""
    with pytest.raises(A2EError) as caught:
        replies.read(reply(body, status, **headers))
    return caught.value


ROW = {"_id": "t1", "current_status": "sent"}
