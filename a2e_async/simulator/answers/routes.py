"""Which route a request is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from a2e_async.core.family import Endpoint, Family, Form
from a2e_async.simulator.answers.hosting import CDN, FILES, UPLOADS
from a2e_async.simulator.world.dialects import LISTS
from a2e_async.simulator.world.facts import facts
from a2e_async.simulator.world.kinds import SimKind

Served: TypeAlias = Literal["both", "old", "new"]


@attrs.frozen
class Route:
    """One thing that can be asked.

    Attributes:
        name: What counters and faults call it, such as "image_to_video.start".
        action: What is done, such as "start".
        family: The family it belongs to, or "".
        task_id: The task that its path, query or body names, or "".
        old_form: It is a start in the family's old form.
        method: The HTTP method.
        path: The path, with `{id}` in the place of an id.
        id_in: The field of the query or the body that names the task, "" where the path does or nothing.
        is_open: It needs no token.
    """

    name: str
    action: str
    family: str = ""
    task_id: str = ""
    old_form: bool = False
    method: str = ""
    path: str = ""
    id_in: str = ""
    is_open: bool = False

    @property
    def endpoint(self) -> str:
        """The name of its endpoint in the facts."""
        return f"{self.method} {self.path}"


UNKNOWN = Route("unknown", "unknown")

_FURTHER = (
    ("image_to_video", "average", "GET /api/v1/userImage2Video/avgProcessingTime"),
    ("image_to_video", "queue", "GET /api/v1/userImage2Video/unlimitedQueueLevel"),
    ("image_to_video", "mark", "POST /api/v1/userImage2Video/{id}/markShared"),
    ("image_to_video", "mark", "POST /api/v1/userImage2Video/{id}/markDownloaded"),
    ("image_to_video", "mark", "POST /api/v1/userImage2Video/{id}/markCopied"),
    ("seedance2", "rename", "PUT /api/v1/seedance2Video/{id}"),
    ("kling_video", "rename", "PUT /api/v1/klingVideo/{id}"),
    ("kling_omni", "rename", "PUT /api/v1/klingOmni/{id}"),
    ("voice_training", "rename", "PUT /api/v1/userVoice/{id}"),
    ("veo", "full_hd", "GET /api/v1/veoVideo/{id}/1080p"),
    ("text_to_image", "avatar", "POST /api/v1/userText2Image/quickAddAvatar"),
    ("video_twin", "lip_sync", "POST /api/v1/userVideoTwin/continueTraining"),
    ("video_twin", "lip_sync", "POST /api/v1/userVideoTwin/continueTranining"),
    ("video_twin", "eye_contact", "POST /api/v1/userVideoTwin/eyeContact"),
    ("video_twin", "clone_voice", "POST /api/v1/userVideoTwin/addVoiceClone"),
    ("video_twin", "retry", "POST /api/v1/userVideoTwin/retry"),
    ("caption_removal", "retry", "POST /api/v1/userCaptionRemoval/retry"),
    ("face_swap", "unfinished", "GET /api/v1/userFaceSwapTask/status"),
    ("video_twin", "user_records", "GET /api/v1/userVideoTwin/userRecords"),
    ("video_twin", "training_records", "GET /api/v1/userVideoTwin/trainingRecords"),
    ("voice_training", "completed", "GET /api/v1/userVoice/completedRecord"),
    ("dubbing", "unfinished", "GET /api/v1/userDubbing/allProcessing"),
    ("dubbing", "unfinished", "GET /api/v1/userDubbing/processingRecord"),
    ("caption_removal", "unfinished", "GET /api/v1/userCaptionRemoval/allProcessing"),
)
"""What else can be asked about tasks of a family: family, what, where."""

_ID_IN_BODY = frozenset({"avatar", "lip_sync", "eye_contact", "clone_voice", "retry"})


class Routes:
    """The routes of a service.

    Args:
        kinds: The kinds of task it knows.
        casings: Which spellings of a path it serves.
        calls: What else it serves: the route of each call.
        dialects: Which of two ways of asking the same thing it serves.
        undocumented: It serves endpoints too that are only supposed.
    """

    def __init__(
        self,
        kinds: Mapping[str, SimKind],
        casings: Served = "both",
        calls: Iterable[Route] = (),
        *,
        dialects: Served = "both",
        undocumented: bool = True,
    ) -> None:
        self._whole: dict[tuple[str, str], Route] = {}
        self._with_id: dict[tuple[str, str, str], Route] = {}
        self._dialects, self._undocumented = dialects, undocumented
        for kind in kinds.values():
            for route in self._of(kind):
                self._add(kind, route, casings)
        for route in calls:
            self._keep(route, route.path)
        for kind in kinds.values():  # last, because an older way of one family may be the way of another
            for route in self._older(kind):
                self._add(kind, route, casings)

    def __iter__(self) -> Iterator[Route]:
        yield from self._whole.values()
        yield from self._with_id.values()

    def match(self, method: str, path: str) -> Route:
        """Give the route of a request; `UNKNOWN` where there is none."""
        whole = self._whole.get((method, path))
        if whole is not None:
            return whole
        if path.startswith((FILES, CDN, UPLOADS)):
            return Route("upload", "upload") if method == "PUT" else Route("file", "file")
        head, _, last = path.rpartition("/")
        found, task_id = self._with_id.get((method, head, "")), last
        if found is None:
            head, _, task_id = head.rpartition("/")
            found = self._with_id.get((method, head, last))
        return attrs.evolve(found, task_id=task_id) if found and task_id else UNKNOWN

    def _add(self, kind: SimKind, route: Route, casings: str) -> None:
        for path in _spellings(kind, route.path, casings):
            self._keep(attrs.evolve(route, old_form=path == kind.old_path), path)

    def _keep(self, route: Route, path: str) -> None:
        """Serve a route on this path; the first route of a path keeps it."""
        head, marked, tail = path.partition("/{id}")
        if marked:
            self._with_id.setdefault((route.method, head, tail[1:]), route)
        else:
            self._whole.setdefault((route.method, path), route)

    def _of(self, kind: SimKind) -> Iterator[Route]:
        """Give the routes of a family, but its older ones; its lists first, for other things may be looked up there."""
        family = kind.family
        for form in family.forms:
            if self._is_served("POST", form):
                yield Route(f"{family.name}.start", "start", family.name, method="POST", path=form.path)
        yield from _further(family.name)
        for action, ways in _ways(family):
            if self._is_served(ways[0].method, ways[0]) and not (ways[1:] and self._dialects == "old"):
                yield _asking(family.name, action, ways[0])

    def _older(self, kind: SimKind) -> Iterator[Route]:
        for action, ways in _ways(kind.family):
            for way in ways[1:] if self._dialects != "new" else ():
                if self._is_served(way.method, way):
                    yield _asking(kind.family.name, action, way)

    def _is_served(self, method: str, what: Endpoint | Form) -> bool:
        is_supposed = what.note.startswith("undocumented") and f"{method} {what.path}" not in facts()
        return self._undocumented or not is_supposed


def _ways(family: Family) -> Iterator[tuple[str, list[Endpoint]]]:
    """Give what can be asked about a family's tasks, each with its ways of asking, the newest first."""
    asked = (("list", family.listing), ("batch", family.batch), ("detail", family.detail), ("delete", family.delete))
    for action, endpoint in asked:
        ways: list[Endpoint] = []
        way = endpoint
        while way is not None:
            ways.append(way)
            way = way.older
        if ways:
            yield action, ways


def _asking(family: str, action: str, way: Endpoint) -> Route:
    named = {**way.query, **(way.body or {})}.items()
    id_in = next((key for key, value in named if value == "{id}"), "")
    is_list = way.path in LISTS and action != "delete"
    kind = "list" if is_list else action
    return Route(f"{family}.{kind}", kind, family, method=way.method, path=way.path, id_in=id_in)


def _further(family: str) -> Iterator[Route]:
    for owner, action, endpoint in _FURTHER:
        if owner == family:
            method, path = endpoint.split()
            kind = "list" if path in LISTS else action
            id_in = "_id" if action in _ID_IN_BODY else ""
            yield Route(f"{family}.{action}", kind, family, method=method, path=path, id_in=id_in)


def _spellings(kind: SimKind, path: str, casings: str) -> Iterable[str]:
    """Give the spellings of a path that are served; the family names the new one first."""
    spellings = kind.family.spellings
    if spellings is None:
        return (path,)
    new, old = spellings
    canonical = path.replace(f"/{old}/", f"/{new}/")
    served = {"both": (new, old), "new": (new,), "old": (old,)}[casings]
    return [canonical.replace(f"/{new}/", f"/{segment}/") for segment in served]
