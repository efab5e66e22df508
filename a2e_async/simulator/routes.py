"""Which route a request is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from a2e_async.core.family import Endpoint
from a2e_async.simulator.hosting import CDN, FILES, UPLOADS
from a2e_async.simulator.kinds import Kind

_FIXED = {
    ("GET", "/api/v1/user/remainingCoins"): "balance",
    ("GET", "/api/v1/transactionRecord/creditsHistory"): "history",
    ("POST", "/api/v1/generation/quote"): "quote",
    ("POST", "/api/v1/r2/upload-presigned-url"): "presign",
    ("POST", "/api/v1/r2/get_upload_presigned_url"): "presign",
}


@attrs.frozen
class Route:
    """One thing that can be asked.

    Attributes:
        name: What counters and faults call it, such as "image_to_video.start".
        action: What is done, such as "start".
        family: The family it belongs to, or "".
        task_id: The task that its path names, or "".
        old_form: It is a start in the family's old form.
    """

    name: str
    action: str
    family: str = ""
    task_id: str = ""
    old_form: bool = False


UNKNOWN = Route("unknown", "unknown")


class Routes:
    """The routes of a service.

    Args:
        kinds: The kinds of task it knows.
        casings: Which spellings of a path it serves.
    """

    def __init__(self, kinds: Mapping[str, Kind], casings: Literal["both", "old", "new"]) -> None:
        self._whole = {key: Route(name, name) for key, name in _FIXED.items()}
        self._with_id: dict[tuple[str, str], Route] = {}
        for kind in kinds.values():
            self._add(kind, casings)

    def match(self, method: str, path: str) -> Route:
        """Give the route of a request; `UNKNOWN` where there is none."""
        whole = self._whole.get((method, path))
        if whole is not None:
            return whole
        if path.startswith((FILES, CDN, UPLOADS)):
            return Route("upload", "upload") if method == "PUT" else Route("file", "file")
        head, _, last = path.rpartition("/")
        found = self._with_id.get((method, head))
        return attrs.evolve(found, task_id=last) if found and last else UNKNOWN

    def _add(self, kind: Kind, casings: str) -> None:
        family = kind.family
        plain = ((family.listing, "list"), (Endpoint(path=f"{family.base}/avgProcessingTime"), "average"))
        batch = ((family.batch, "batch"),) if family.batch else ()
        for endpoint, action in (*plain, *batch):
            method, path = endpoint.method, endpoint.path
            for spelt in _spellings(kind, path, casings):
                self._whole[method, spelt] = Route(f"{family.name}.{action}", action, family.name)
        delete = ((family.delete, "delete"),) if family.delete else ()
        for endpoint, action in ((family.detail, "detail"), *delete):
            method = endpoint.method
            for spelt in _spellings(kind, endpoint.path.rpartition("/")[0] + "/", casings):
                self._with_id[method, spelt[:-1]] = Route(f"{family.name}.{action}", action, family.name)
        for form in family.forms:
            for spelt in _spellings(kind, form.path, casings):
                old = spelt == kind.old_path
                self._whole["POST", spelt] = Route(f"{family.name}.start", "start", family.name, "", old)


def _spellings(kind: Kind, path: str, casings: str) -> Iterable[str]:
    """Give the spellings of a path that are served; the family names the new one first."""
    spellings = kind.family.spellings
    if spellings is None:
        return (path,)
    new, old = spellings
    canonical = path.replace(f"/{old}/", f"/{new}/")
    served = {"both": (new, old), "new": (new,), "old": (old,)}[casings]
    return [canonical.replace(f"/{new}/", f"/{segment}/") for segment in served]
