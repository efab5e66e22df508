"""Storage: presigned URLs for uploads, and copies of files that lie elsewhere."""

from __future__ import annotations

from typing import Annotated

import attrs

from a2e_async.calls.base import SLOW, Asker, Group, call, known_plan
from a2e_async.calls.reading import url_in
from a2e_async.core import rules
from a2e_async.core.requests import BareUrl, SentAs
from a2e_async.core.scalars import is_number
from a2e_async.errors import ProtocolError


@attrs.frozen(kw_only=True)
class UploadUrl:
    """Where to put a file (POST /api/v1/r2/upload-presigned-url).

    Attributes:
        put_url: Presigned URL for one PUT with the same content type and without the token.
        public_url: The file's public URL once it is there; the raw object URL does not work as an input.
        key: The file's final name, below the account's own folder; not the one that was sent. "" where it is not told.
        bucket: Where it lies, "" where it is not told.
        expires_in: Seconds for which `put_url` can be used, None where it is not told.
        coins: What the service charged for it, None where it is not told.
    """

    put_url: str
    public_url: str
    key: str = ""
    bucket: str = ""
    expires_in: float | None = None
    coins: float | None = None


def read_upload_url(data: object) -> UploadUrl:
    """Read the answer to `upload_url`."""
    if isinstance(data, dict):
        put_url, public_url = data.get("uploadUrl"), data.get("cdnUrl")
        if isinstance(put_url, str) and put_url and isinstance(public_url, str) and public_url:
            key, bucket, lasts, coins = (data.get(name) for name in ("key", "bucket", "expiresIn", "coins"))
            return UploadUrl(
                put_url=put_url,
                public_url=public_url,
                key=key if isinstance(key, str) else "",
                bucket=bucket if isinstance(bucket, str) else "",
                expires_in=lasts if is_number(lasts) else None,
                coins=coins if is_number(coins) else None,
            )
    raise ProtocolError("the upload was answered without its URLs")


_PAGES = "undocumented: only older pages have it"


class Storage(Group):
    """Files at the service; `await a2e.upload(path)` does all of it for one of your own."""

    @call(
        "POST",
        "/api/v1/r2/upload-presigned-url",
        read_upload_url,
        older=("POST", "/api/v1/r2/get_upload_presigned_url"),
        costs="the URL may have been charged",
    )
    def upload_url(
        self,
        key: str,
        *,
        content_type: Annotated[str | None, SentAs("contentType")] = None,
        size: Annotated[int | None, rules.whole(1), SentAs("fileSize")] = None,
        content_length: Annotated[int | None, rules.whole(1), SentAs("contentLength")] = None,
        bucket: str | None = None,
        url_prefix: Annotated[str | None, SentAs("urlPrefix")] = None,
        cdn_domain: Annotated[str | None, SentAs("cdnDomain")] = None,
        expires_in: Annotated[int | None, rules.whole(60), SentAs("expiresIn")] = None,
    ) -> None:
        """Get a URL to put a file to; API tokens are charged for it (POST /api/v1/r2/upload-presigned-url).

        Args:
            key: The file's name; the service puts the account's folder before it.
            content_type: Its content type, which the PUT must repeat.
            size: Its length in bytes, which the PUT must keep to.
            content_length: The same; the service takes it before `size`.
            bucket: The bucket to use (service default: "3days-apac").
            url_prefix: The leading part of its path (service default: "adam2eve").
            cdn_domain: The domain of its public URL.
            expires_in: Seconds for which the URL can be used, at least 60.

        Raises:
            StartUnknownError: No answer came that can be read; the URL may have been charged.
        """

    @call("POST", "/api/v1/tos/transferToStorage", url_in("url", "result"), seconds=SLOW, note=_PAGES)
    def copy(self, url: BareUrl) -> None:
        """Let the service copy a file whose URL is unsteady, and get a URL that it can rely on.

        (POST /api/v1/tos/transferToStorage)

        Args:
            url: Public URL of the file.
        """


async def ask_for_url(asker: Asker, key: str, content_type: str, size: int) -> UploadUrl:
    """Get a URL to put a file to, as the call does: the service charges API tokens for each.

    Args:
        asker: What carries calls.
        key: The file's name; the service puts the account's folder before it.
        content_type: Content type, which the PUT must repeat.
        size: Bytes of the file.

    Raises:
        StartUnknownError: No answer came that can be read; the URL may have been charged, and is not asked for again.
    """
    link: UploadUrl = await known_plan(Storage.upload_url).ask(
        asker, {"key": key, "contentType": content_type, "fileSize": size}
    )
    return link
