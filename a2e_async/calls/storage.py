"""Uploads: a presigned link to put a file to, and the public link it has then."""

from __future__ import annotations

import attrs

from a2e_async.core.http import HttpRequest
from a2e_async.errors import ProtocolError


@attrs.frozen(kw_only=True)
class UploadLink:
    """Where to put a file (POST /api/v1/r2/upload-presigned-url).

    Attributes:
        put_url: Presigned link for one PUT with the same content type and without the token.
        public_url: The file's public link once it is there; the raw object link does not work as an input.
    """

    put_url: str
    public_url: str


def upload_link(key: str, content_type: str, size: int) -> HttpRequest:
    """Ask for a link to put a file to; the service charges API tokens for it.

    Args:
        key: The file's name; the service puts the account's folder before it.
        content_type: Content type, which the PUT must repeat.
        size: Bytes of the file.
    """
    body = {"key": key, "contentType": content_type, "fileSize": size}
    older = HttpRequest(method="POST", path="/api/v1/r2/get_upload_presigned_url", body=body)
    path = "/api/v1/r2/upload-presigned-url"
    return HttpRequest(method="POST", path=path, body=body, route=path, other=older)


def read_upload_link(data: object) -> UploadLink:
    """Read the answer to `upload_link`."""
    if isinstance(data, dict):
        put_url, public_url = data.get("uploadUrl"), data.get("cdnUrl")
        if isinstance(put_url, str) and put_url and isinstance(public_url, str) and public_url:
            return UploadLink(put_url=put_url, public_url=public_url)
    raise ProtocolError("the upload was answered without its links")
