"""What else can be asked about a task: marking, renaming, trying again, a video in 1080p, and what twins can do."""

from __future__ import annotations

from collections.abc import Mapping

from a2e_async.simulator.answers.desk import Answer, Asked, Desk
from a2e_async.simulator.world.messages import RefusedError, Said
from a2e_async.simulator.world.tasks import SimTask

_LIP_SYNC = 100  # one diamond (service.md 6)
_LIP_SYNC_SECONDS = 7_200.0
_ACCEPTED = 202


def _task(desk: Desk, asked: Asked) -> SimTask:
    return desk.world.find(asked.route.family, asked.given_id)


def _completed(desk: Desk, asked: Asked) -> SimTask:
    task = _task(desk, asked)
    if task.status(desk.now) != "completed":
        raise RefusedError("The task has not been completed")
    return task


def _average(desk: Desk, asked: Asked) -> object:
    return {"avgProcessingTime": sum(desk.world.kinds[asked.route.family].seconds) / 2}


def _queue(desk: Desk, asked: Asked) -> object:
    running = [task for task in desk.world.listed(asked.route.family) if task.done(desk.now) < 1]
    return {"level": "idle" if not running else "normal", "queue": len(running)}


def _mark(desk: Desk, asked: Asked) -> object:
    task = _task(desk, asked)
    task.marks |= {asked.route.path.rpartition("/mark")[2].lower()}
    return {"_id": task.id}


def _rename(desk: Desk, asked: Asked) -> object:
    task = _task(desk, asked)
    task.name = asked.text("name")
    return desk.record(task)


def _full_hd(desk: Desk, asked: Asked) -> object:
    task = _task(desk, asked)
    if task.fields.get("aspectRatio") not in ("16:9", "Auto", None):
        raise RefusedError("1080p is for 16:9 only")
    if task.status(desk.now) != "completed" or desk.now < task.ends + desk.world.switches.full_hd_lag:
        return Said({"message": "The 1080p version is being made"}, status=_ACCEPTED)
    return {"_id": task.id, "result_url": desk.files.url_of(task, desk.now)}


def _quick_avatar(desk: Desk, asked: Asked) -> object:
    task = _completed(desk, asked)
    cover = desk.files.url_of(task, desk.now)
    fields = {"name": task.name, "gender": asked.text("gender") or "female", "anchor_type": 1, "video_cover": cover}
    return desk.world.shelf("avatar").add(fields, desk.now)


def _lip_sync(desk: Desk, asked: Asked) -> object:
    task = _completed(desk, asked)
    coins = desk.world.switches.prices.get("twin_lip_sync", _LIP_SYNC)
    if desk.world.coins < coins:
        raise RefusedError("Insufficient coins")
    desk.world.account.move(-coins, "twin_lip_sync", task.id)
    task.ends = desk.now + _LIP_SYNC_SECONDS  # it trains again
    return desk.record(task)


def _eye_contact(desk: Desk, asked: Asked) -> object:
    return desk.record(_completed(desk, asked))


def _clone_voice(desk: Desk, asked: Asked) -> object:
    """Train a voice from the video of a twin, as any other voice."""
    task = _completed(desk, asked)
    video = task.fields.get("video_url")
    if not video:
        raise RefusedError("The twin was made of an image, which has no voice")
    (voice,) = desk.world.start("voice_training", {"name": task.name or "voice", "voice_urls": [video]})
    return desk.record(voice)


def _retry(desk: Desk, asked: Asked) -> object:
    """Start the same again: what happens to ids and coins is not documented, so it is a new start."""
    task = _task(desk, asked)
    if task.status(desk.now) != "failed":
        raise RefusedError("Only a failed task can be tried again")
    name = desk.world.kinds[task.family].dialect.name
    (again,) = desk.world.start(task.family, {**task.fields, **({name: task.name} if name else {})})
    return desk.record(again)


ANSWERS: Mapping[str, Answer] = {
    "average": _average,
    "queue": _queue,
    "mark": _mark,
    "rename": _rename,
    "full_hd": _full_hd,
    "avatar": _quick_avatar,
    "lip_sync": _lip_sync,
    "eye_contact": _eye_contact,
    "clone_voice": _clone_voice,
    "retry": _retry,
}
"""By action, as `routes` has them."""
