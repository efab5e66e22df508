"""Calls about what avatar videos are made of: avatars, own avatars, backgrounds, and faces to swap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from a2e_async.simulator.answers.desk import Answer, Asked, Call, Desk
from a2e_async.simulator.chance import digest
from a2e_async.simulator.media.specs import ImageSpec
from a2e_async.simulator.world.dialects import anchor_of

_SYSTEM_AVATARS = ("Anna", "Bruno", "Clara")
_SYSTEM_BACKGROUNDS = ("office", "beach at sunset", "city at night")


def _system(desk: Desk) -> list[dict[str, Any]]:
    return [
        {
            "_id": _system_id("avatar", name),
            "name": name,
            "lang": "en-US",
            "anchor_type": 0,
            "video_cover": desk.files.publish(ImageSpec(f"the avatar {name}", 256, 256)),
        }
        for name in _SYSTEM_AVATARS
    ]


def _system_id(what: str, name: str) -> str:
    return digest("system", what, name) + "00000000"


def _own(desk: Desk) -> list[dict[str, Any]]:
    """Give the user's avatars: those made of images, and a twin's once it is trained."""
    twins = desk.world.listed("video_twin") if "video_twin" in desk.world.kinds else []
    trained = [
        {
            "_id": anchor_of(task.id),
            "name": task.name,
            "anchor_type": 1,
            "user_video_twin_id": task.id,
            "video_cover": desk.files.url_of(task, desk.now),
        }
        for task in twins
        if task.status(desk.now) == "completed"
    ]
    return [*trained, *desk.world.shelf("avatar").records()]


def _avatars(desk: Desk, asked: Asked) -> object:
    sort, twin = asked.text("type"), asked.text("user_video_twin_id")
    found = ([] if sort == "default" else _own(desk)) + ([] if sort == "custom" else _system(desk))
    return [avatar for avatar in found if not twin or avatar.get("user_video_twin_id") == twin]


def _all_avatars(desk: Desk, asked: Asked) -> object:
    return _own(desk) + (_system(desk) if asked.text("web_type") else [])


def _pool(_: Desk, asked: Asked) -> object:
    return {"isAutoToPublicPool": asked.values["isAutoToPublicPool"]}


def _listed(what: str) -> Answer:
    return lambda desk, _: desk.world.shelf(what).records()


def _added(what: str) -> Answer:
    return lambda desk, asked: desk.world.shelf(what).add(asked.without_id(), desk.now)


def _removed(what: str) -> Answer:
    return lambda desk, asked: {"_id": desk.world.shelf(what).remove(asked.given_id)["_id"]}


def _changed(what: str) -> Answer:
    return lambda desk, asked: desk.world.shelf(what).change(asked.given_id, asked.without_id(), desk.now)


def _add_face(desk: Desk, asked: Asked) -> object:
    desk.world.shelf("face").add(asked.without_id(), desk.now)
    return desk.world.shelf("face").records()


def _background(desk: Desk, name: str) -> Mapping[str, Any]:
    link = desk.files.publish(ImageSpec(name, 640, 360))
    return {"_id": _system_id("background", name), "img_url": link, "name": name, "type": "system"}


def _backgrounds(desk: Desk, _: Asked) -> object:
    system = [_background(desk, name) for name in _SYSTEM_BACKGROUNDS]
    return [*desk.world.shelf("background").records(), *system]


def _random_background(desk: Desk, _: Asked) -> object:
    return _background(desk, _SYSTEM_BACKGROUNDS[int(desk.now) % len(_SYSTEM_BACKGROUNDS)])


CALLS = (
    Call("avatars.list", "GET /api/v1/anchor/character_list", _avatars),
    Call("avatars.list", "POST /api/v1/anchor/character_list", _avatars),
    Call("avatars.all", "POST /api/v1/anchor/list", _all_avatars),
    Call("avatars.pool", "POST /api/v1/video/auto-public-pool", _pool),
    Call("avatars.add", "POST /api/v1/custom_avatar/add", _added("own avatar")),
    Call("avatars.own", "POST /api/v1/custom_avatar/list", _listed("own avatar")),
    Call("avatars.remove", "POST /api/v1/custom_avatar/del", _removed("own avatar")),
    Call("avatars.tags", "GET /api/v1/custom_avatar/all_tags", lambda _desk, _asked: ["business", "casual"]),
    Call("avatars.change", "PUT /api/v1/custom_avatar/{id}", _changed("own avatar")),
    Call("twins.upload", "POST /api/v1/userVideoTwin/upload", _added("twin upload")),
    Call("twins.train", "POST /api/v1/userVideoTwin/training", _added("twin training")),
    Call("twins.uploads", "GET /api/v1/userVideoTwin/uploadStatus", _listed("twin upload")),
    Call("backgrounds.all", "POST /api/v1/custom_back/allBackground", _backgrounds),
    Call("backgrounds.all", "GET /api/v1/custom_back/allBackground", _backgrounds),
    Call("backgrounds.own", "POST /api/v1/custom_back/list", _listed("background")),
    Call("backgrounds.add", "POST /api/v1/custom_back/add", _added("background")),
    Call("backgrounds.remove", "POST /api/v1/custom_back/del", _removed("background")),
    Call("backgrounds.random", "POST /api/v1/custom_back/randomBackground", _random_background, is_open=True),
    Call("faces.add", "POST /api/v1/userFaceSwapImage/add", _add_face),
    Call("faces.list", "GET /api/v1/userFaceSwapImage/records", _listed("face")),
    Call("faces.remove", "DELETE /api/v1/userFaceSwapImage/{id}", _removed("face")),
)
