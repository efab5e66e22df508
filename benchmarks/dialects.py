"""The five ways of speaking that the fast server knows: A2E's and those of four peers.

A handler takes a call and gives the status and the body of the answer. All are written for speed: what a task's row
says besides its state is rendered once, when the task is started.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from typing import NamedTuple

VIDEO = re.compile(rb"video (\d+)")


class Call(NamedTuple):
    """One request as it came.

    Attributes:
        path: Its path without the query.
        body: Its body.
        head: Its headers, unread.
        now: When it came, on the monotonic clock, in seconds.
    """

    path: str
    body: bytes
    head: bytes
    now: float


class Task:
    """One task: when it ends, and what every answer about it says."""

    __slots__ = ("begun", "end", "id", "shown")

    def __init__(self, task_id: str, begun: float, end: float) -> None:
        self.id = task_id
        self.begun = begun
        self.end = end
        self.shown = b""


class Answer(NamedTuple):
    """What is answered.

    Attributes:
        status: The HTTP status.
        body: The body.
        kind: What it was: "start", "record", "result" or "other".
        until: When to answer, on the monotonic clock; 0 means at once.
    """

    status: int
    body: bytes
    kind: str
    until: float = 0.0


class World:
    """All tasks of one run.

    Args:
        shortest: Shortest time that a task takes, in seconds.
        longest: Longest time that a task takes, in seconds.
        seed: What durations are drawn from, together with the number of the video.
        url: Where the server listens.
    """

    def __init__(self, shortest: float, longest: float, seed: int, url: str) -> None:
        self.tasks: dict[str, Task] = {}
        self.ends: dict[int, float] = {}
        self.doubles = 0
        self.url = url
        self._span = (shortest, longest)
        self._seed = seed

    def start(self, call: Call) -> Task:
        """Make a task; a request without the words "video NUMBER" is a warm-up and ends at once."""
        found = VIDEO.search(call.body)
        seconds = 0.0
        if found:
            number = int(found[1])
            shortest, longest = self._span
            chance = random.Random(self._seed * 1_000_003 + number).random() if longest > shortest else 0.0
            seconds = shortest + (longest - shortest) * chance
            self.doubles += number in self.ends
            self.ends[number] = call.now + seconds
        task_id = f"{len(self.tasks) + 1:024x}"
        task = self.tasks[task_id] = Task(task_id, call.now, call.now + seconds)
        return task


def a2e(world: World, call: Call) -> Answer | None:
    """Answer as A2E does."""
    if call.path.endswith("/start"):
        sent = json.loads(call.body)
        task = world.start(call)
        row = {"_id": task.id, "coins": 30, "createdAt": "2026-01-01T00:00:00.000Z", "failed_message": ""}
        task.shown = json.dumps({**row, **sent, "failed_code": "", "cover_url": ""})[:-1].encode()
        return Answer(200, b'{"code":0,"data":' + _row(task, call.now) + _TAIL, "start")
    if call.path.endswith("/batchDetail"):
        ids = json.loads(call.body)["ids"]
        rows = b",".join([_row(world.tasks[task_id], call.now) for task_id in ids if task_id in world.tasks])
        return Answer(200, b'{"code":0,"data":[' + rows + b"]" + _TAIL, "record")
    if call.path.startswith("/api/v1/userImage2Video/") and (found := world.tasks.get(call.path[24:])):
        return Answer(200, b'{"code":0,"data":' + _row(found, call.now) + _TAIL, "record")
    if call.path.endswith("/allRecords"):
        return Answer(200, b'{"code":0,"data":{"rows":[],"count":0}' + _TAIL, "record")
    return None


_TAIL = b',"trace_id":"00000000-0000-4000-8000-000000000001"}'
_ENDED = b',"current_status":"completed","result_url":"https://files.example.net/video.mp4"}'
_RUNNING = b',"current_status":"processing","result_url":""}'
_BEGUN = b',"current_status":"initialized","result_url":""}'


def _row(task: Task, now: float) -> bytes:
    if now >= task.end:
        return task.shown + _ENDED
    return task.shown + (_BEGUN if now == task.begun else _RUNNING)


def replicate(world: World, call: Call) -> Answer | None:
    """Answer as Replicate does: predictions, and the header "Prefer: wait", which holds a start for up to 60 s."""
    if call.path.endswith("/predictions"):
        task = world.start(call)
        sent = {"id": task.id, "model": "a2e/video", "version": "hidden", "input": json.loads(call.body)["input"]}
        more = {"logs": "", "error": None, "created_at": "2026-01-01T00:00:00.000Z", "urls": _urls(world, task)}
        task.shown = json.dumps({**sent, **more})[:-1].encode()
        held = b"prefer: wait" in call.head.lower()
        moment = min(task.end, call.now + 60) if held else call.now
        return Answer(201, _prediction(task, moment), "start", moment if held else 0.0)
    found = world.tasks.get(call.path.rpartition("/")[2])
    return Answer(200, _prediction(found, call.now), "record") if found else None


def _urls(world: World, task: Task) -> dict[str, str]:
    url = f"{world.url}/v1/predictions/{task.id}"
    return {"get": url, "cancel": f"{url}/cancel"}


def _prediction(task: Task, now: float) -> bytes:
    if now >= task.end:
        return task.shown + b',"status":"succeeded","output":"https://files.example.net/video.mp4"}'
    return task.shown + b',"status":"starting","output":null}'


def fal(world: World, call: Call) -> Answer | None:
    """Answer as fal's queue does."""
    if "/requests/" not in call.path:
        task = world.start(call)
        url = f"{world.url}/fal/a2e/video/requests/{task.id}"
        urls = {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
        return Answer(200, json.dumps({"request_id": task.id, "queue_position": 0, **urls}).encode(), "start")
    task_id, _, what = call.path.partition("/requests/")[2].partition("/")
    found = world.tasks.get(task_id)
    if found is None:
        return None
    if not what:
        return Answer(200, b'{"video":{"url":"https://files.example.net/video.mp4"}}', "result")
    if call.now >= found.end:
        return Answer(200, b'{"status":"COMPLETED","logs":null,"metrics":{"inference_time":1.0}}', "record")
    return Answer(200, b'{"status":"IN_PROGRESS","logs":null}', "record")


def runway(world: World, call: Call) -> Answer | None:
    """Answer as Runway does."""
    if call.path == "/runway/v1/image_to_video":
        task = world.start(call)
        return Answer(200, f'{{"id":"{task.id}","estimatedCost":{{"credits":5}}}}'.encode(), "start")
    found = world.tasks.get(call.path.rpartition("/")[2])
    if found is None:
        return None
    known = f'{{"id":"{found.id}","createdAt":"2026-01-01T00:00:00.000Z",'.encode()
    if call.now >= found.end:
        ended = b'"status":"SUCCEEDED","cost":{"credits":5},"output":["https://files.example.net/video.mp4"]}'
        return Answer(200, known + ended, "record")
    return Answer(200, known + b'"status":"RUNNING","progress":0.5,"estimatedCost":{"credits":5}}', "record")


def openai(world: World, call: Call) -> Answer | None:
    """Answer as OpenAI's videos do."""
    start = call.path == "/openai/v1/videos"
    task = world.start(call) if start else world.tasks.get(call.path.rpartition("/")[2])
    if task is None:
        return None
    done = call.now >= task.end
    state = b'"status":"completed","progress":100' if done else b'"status":"in_progress","progress":50'
    known = f'{{"id":"{task.id}","object":"video","created_at":{int(time.time())},"model":"sora-2",'.encode()
    return Answer(200, known + b'"seconds":"4","size":"720x1280",' + state + b"}", "start" if start else "record")


DIALECTS: tuple[tuple[str, Callable[[World, Call], Answer | None]], ...] = (
    ("/api/v1/", a2e),
    ("/fal/", fal),
    ("/runway/", runway),
    ("/openai/", openai),
    ("/v1/", replicate),
)
