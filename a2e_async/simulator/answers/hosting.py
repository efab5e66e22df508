"""The file host: signed result URLs that expire, and uploads by presigned URL."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import attrs

from a2e_async.simulator.chance import digest
from a2e_async.simulator.media.specs import AudioSpec, ImageSpec, Media, Still, Stored, VideoSpec, suffix_of
from a2e_async.simulator.world.messages import RefusedError, SimReply, SimRequest, xml_reply
from a2e_async.simulator.world.switches import Body
from a2e_async.simulator.world.tasks import USER_ID, SimTask
from a2e_async.simulator.world.world import World

FILES, UPLOADS, CDN = "/files/", "/uploads/", "/cdn/"

_BUCKET = "3days-apac"
_PREFIX, _ENVIRONMENT = "adam2eve", "prod"
_SHORTEST = 60
_USUAL = 3600
_MOST_UPLOADED = 512 << 20  # bytes that are kept; the oldest uploads go first
_MOMENT = re.compile(r"[0-9]{1,12}")


@attrs.frozen
class Found:
    """A file that may be served.

    Attributes:
        media: What it shows.
        made: When it was made.
    """

    media: Media
    made: float


@attrs.define
class _Upload:
    stored: Stored
    made: float


class FileHost:
    """Serves results and takes uploads.

    Args:
        world: The service whose files these are; videos of its own images show those images.
        origin: Scheme, host and port of all URLs.
    """

    def __init__(self, world: World, origin: str) -> None:
        self.world = world
        self.origin = origin
        self._uploads: dict[str, _Upload] = {}
        self._published: dict[str, Found] = {}
        world.find_still = self.still

    def url_of(self, task: SimTask, now: float, index: int = 0) -> str:
        """Give the URL of one of a task's results: the same one until it expires, then a new one."""
        ttl = self.world.switches.file_ttl
        expires = task.ends + ttl * (math.floor((now - task.ends) / ttl) + 1)
        number = f"-{index + 1}" if index else ""
        return self._link(f"{FILES}{task.id}{number}{suffix_of(task.files[index])}", expires)

    def publish(self, media: Media, lasts: float | None = None) -> str:
        """Give the URL of a file that no task has made.

        Args:
            media: What it shows.
            lasts: How long its URL does; by default as long as that of a result.
        """
        now = self.world.clock.now()
        name = f"{digest('published', media, media.words if isinstance(media, AudioSpec) else '')}{suffix_of(media)}"
        self._published.setdefault(name, Found(media, now))
        ttl = self.world.switches.file_ttl if lasts is None else lasts
        return self._link(f"{FILES}{name}", now + ttl)

    def media_at(self, url: str) -> Media | None:
        """Give what is behind a URL that somebody hands in; see `still`."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            return ImageSpec(url, variant="stand-in")
        try:
            return self.find(SimRequest("GET", unquote(parts.path), dict(parse_qsl(parts.query)))).media
        except RefusedError:
            return None

    def still(self, url: str) -> Still | None:
        """Give the still behind a URL that somebody hands in.

        Returns:
            For a URL of this host what it shows, or None when it cannot be read; for any other URL an image
            that stands in for it.
        """
        media = self.media_at(url)
        return (
            media.first
            if isinstance(media, VideoSpec)
            else ImageSpec(media.words)
            if isinstance(media, AudioSpec)
            else media
        )

    def find(self, request: SimRequest) -> Found:
        """Give the file that a request is for.

        Raises:
            RefusedError: There is none, its URL has expired, or a token was sent along.
        """
        self._refuse_token(request)
        if request.path.startswith(CDN):
            upload = self._uploads.get(request.path.removeprefix(CDN))
            if upload is None:
                raise RefusedError("NoSuchKey", status=404)
            return Found(upload.stored, upload.made)
        if request.path.startswith(UPLOADS):
            raise RefusedError("AccessDenied", status=403)
        self._check_link(request)
        name = request.path.removeprefix(FILES)
        published = self._published.get(name)
        return self._result(name) if published is None else published

    def _result(self, name: str) -> Found:
        task_id, _, number = name.split(".", maxsplit=1)[0].partition("-")
        try:
            task = self.world.task(task_id)
        except KeyError:
            raise RefusedError("NoSuchKey", status=404) from None
        if task.deleted or self.world.status(task) != "completed":
            raise RefusedError("NoSuchKey", status=404)
        return Found(task.files[int(number or 1) - 1], task.ends)

    def presign(self, body: Body) -> dict[str, object]:
        """Say where a file may be uploaded.

        Raises:
            RefusedError: A field is missing or wrong.
        """
        sent, content_type = str(body.get("key") or "").lstrip("/"), str(body.get("contentType") or "")
        lasts = body.get("expiresIn", _USUAL)
        if not sent:
            raise RefusedError("key is required")
        if not isinstance(lasts, int) or lasts < _SHORTEST:
            raise RefusedError(f"expiresIn must be at least {_SHORTEST} seconds")
        bucket, prefix = str(body.get("bucket") or _BUCKET), str(body.get("urlPrefix") or _PREFIX).strip("/")
        key = f"{prefix}/{_ENVIRONMENT}/user/{USER_ID}/{sent}"  # the final one, below the user's own folder
        path = f"{UPLOADS}{bucket}/{key}"
        size = str(body.get("contentLength", body.get("fileSize", "")))
        signed = self._signed(path, self.world.clock.now() + lasts, content_type, size)
        bound = {"type": content_type, "size": size}
        query = urlencode({**signed, **{name: value for name, value in bound.items() if value}})
        return {
            "uploadUrl": f"{self.origin}{quote(path)}?{query}",
            "key": key,
            "expiresIn": lasts,
            "bucket": bucket,
            "cdnUrl": f"{self.origin}{CDN}{quote(key)}",
        }

    def put(self, request: SimRequest) -> SimReply:
        """Take an upload.

        Raises:
            RefusedError: The URL was not signed for it, or a token was sent along.
        """
        self._refuse_token(request)
        content_type, size = request.headers.get("content-type", ""), request.query.get("size", "")
        bound = request.query.get("type", "")
        self._check_link(request, bound, size)
        if (bound and bound != content_type) or (size and size != str(len(request.body))):
            raise RefusedError("SignatureDoesNotMatch", status=403)
        found = hashlib.md5(request.body, usedforsecurity=False).hexdigest()
        _, key = request.path.removeprefix(UPLOADS).split("/", 1)
        self._uploads.pop(key, None)
        self._uploads[key] = _Upload(Stored(found, request.body, content_type), self.world.clock.now())
        while sum(len(upload.stored.body) for upload in self._uploads.values()) > _MOST_UPLOADED:
            del self._uploads[next(iter(self._uploads))]
        return SimReply(headers={"Content-Type": "application/xml", "ETag": f'"{found}"'})

    def _refuse_token(self, request: SimRequest) -> None:
        if "authorization" in request.headers and self.world.switches.file_refuses_token:
            raise RefusedError("InvalidArgument", status=400)

    def _link(self, path: str, expires: float) -> str:
        signed = self._signed(path, expires)
        return f"{self.origin}{path}?e={signed['e']}&s={signed['s']}"

    def _signed(self, path: str, expires: float, *what: str) -> dict[str, str]:
        until = str(math.ceil(expires))
        return {"e": until, "s": digest(self.world.switches.seed, path, until, *what)}

    def _check_link(self, request: SimRequest, *what: str) -> None:
        until = request.query.get("e", "")
        if not _MOMENT.fullmatch(until) or request.query.get("s") != self._signed(request.path, int(until), *what)["s"]:
            raise RefusedError("SignatureDoesNotMatch" if until else "AccessDenied", status=403)
        if self.world.clock.now() >= int(until):
            raise RefusedError("AccessDenied", status=403)


def refusal(refused: RefusedError) -> SimReply:
    """Give a refusal as a file host writes it."""
    words: Mapping[str, str] = {
        "AccessDenied": "Request has expired",
        "NoSuchKey": "The specified key does not exist.",
        "SignatureDoesNotMatch": "The request signature does not match the one that was calculated.",
        "InvalidArgument": "Only one auth mechanism allowed",
    }
    return xml_reply(str(refused), words.get(str(refused), ""), refused.status)
