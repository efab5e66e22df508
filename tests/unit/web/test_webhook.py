"""Webhooks: who is let in, what is read, and that nothing but the id of a task is believed."""

from __future__ import annotations

import asyncio
import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import IMAGE, client, now, virtual

from a2e_async import A2EClient, Cadence, InvalidRequestError, TextToImage, UsageError, Webhook
from a2e_async.engine.polling.watches import KEPT_IDS, EarlyHints
from a2e_async.web import LIMIT, Gate, Receipt, find_task_ids, mounted, receiver

SECRET = "s3cret"
TASK, OTHER = "65f000000000000000000001", "65f000000000000000000002"
GATE = Gate(SECRET)
SELDOM = {"cadence": Cadence(delay=600)}


def headers(token=SECRET, **more):
    """Give headers as they come over the wire."""
    given = [] if token is None else [(b"X-A2e-Webhook-Token", token.encode())]
    return [(b"Host", b"x"), *given, *((name.replace("_", "-").encode(), str(n).encode()) for name, n in more.items())]


def payload(task_id=TASK):
    """Give what the service may send."""
    return json.dumps({"event": "task.completed", "data": {"_id": task_id}}).encode()


def test_a_right_webhook_names_its_task():
    """The token fits, the task is found, 204 is the answer."""
    assert GATE.receipt(headers(), payload()) == Receipt(204, (TASK,))
    assert GATE.receipt(headers(f"  {SECRET} "), payload()).status == 204  # white space round a header is none of it


@pytest.mark.parametrize("token", [None, "", "S3CRET", "s3cre", "s3cretx", "é", "s3cret\x00", "Bearer s3cret"])
def test_a_wrong_token_is_refused_whatever_it_brings(token):
    """Without the right token nothing is read, be it well-formed or not."""
    for body in (payload(), b"{", b"x" * (LIMIT + 1)):
        assert GATE.receipt(headers(token), body) == Receipt(401)


def test_two_tokens_are_none():
    """A header that comes twice is no proof, though one of them be right."""
    assert GATE.refusal(headers() + headers("guess")) == 401
    assert GATE.refusal(headers() + headers()) == 401


def test_the_comparison_takes_constant_time(monkeypatch):
    """The token goes through `hmac.compare_digest`, as bytes."""
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *both: compared.append(both) or True)
    assert GATE.refusal(headers("guess")) is None
    assert compared == [(b"guess", b"s3cret")]


@pytest.mark.parametrize("packed", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "x"])
def test_a_packed_body_is_refused_before_it_is_read(packed):
    """The service sends plain JSON; what is packed can hold a thousand times its size."""
    given = [*headers(), (b"Content-Encoding", packed.encode())]
    assert GATE.refusal(given) == 415
    assert GATE.refusal([*headers(), (b"content-encoding", b"identity")]) is None
    assert GATE.refusal([*headers("wrong"), (b"content-encoding", b"gzip")]) == 401


def test_a_large_body_is_refused_before_it_is_read():
    """The length that is told, and the length that comes, both count."""
    assert GATE.refusal(headers(Content_Length=LIMIT + 1)) == 413
    assert GATE.refusal(headers(Content_Length="1" * 5000)) == 413
    assert GATE.refusal(headers(Content_Length="-1")) == 413
    assert GATE.refusal(headers(Content_Length=LIMIT)) is None
    assert GATE.receipt(headers(), payload() + b" " * LIMIT).status == 413
    assert Gate(SECRET, limit=20).receipt(headers(), payload()).status == 413


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"_id": TASK}},
        {"_id": TASK},
        {"id": TASK},
        {"data": {"id": TASK}},
        {"task_id": TASK},
        {"taskId": TASK, "user_id": OTHER},
        {"data": {"task_id": TASK}},
        {"data": TASK},
        {"event": {"type": "task.failed", "data": {"_id": TASK}}},
        {"task": {"_id": TASK}},
        {"data": [{"_id": TASK}]},
        [{"_id": TASK}],
        {"data": {"record": {"_id": TASK, "image_url": OTHER}}},
        TASK,
    ],
)
def test_the_task_is_found_wherever_it_stands(body):
    """The payload is undocumented: every plausible place is polled, and no other."""
    assert find_task_ids(json.dumps(body).encode()) == (TASK,)


def test_the_id_of_an_event_does_not_hide_its_task():
    """Two ids that may be the task's are both polled; a poll at none costs nothing."""
    assert find_task_ids(json.dumps({"_id": OTHER, "data": {"_id": TASK}}).encode()) == (OTHER, TASK)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"7", b"{}", b"[]", b'"65f0"', b"\xff\xfe\x00", b"[" * 60_000, b'{"data":' * 8_000, b"9" * 5000]
    + [json.dumps(one).encode() for one in ({"_id": 7}, {"_id": None}, {"user_id": TASK}, {"_id": TASK + "0"})]
    + [json.dumps({"a": {"_id": TASK}}).encode(), json.dumps({"_id": f"{TASK}\n"}).encode()],
)
def test_junk_is_refused(body):
    """What names no task is answered with 400, and nothing breaks."""
    assert GATE.receipt(headers(), body) == Receipt(400)


@settings(deadline=None, max_examples=50)
@given(st.recursive(st.none() | st.text() | st.integers(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)))
def test_whatever_comes_is_read_without_an_error(value):
    """No JSON makes the reading fail, and what it gives are ids."""
    assert all(len(task_id) == 24 for task_id in find_task_ids(json.dumps(value).encode()))


@settings(deadline=None, max_examples=50)
@given(st.binary())
def test_any_bytes_are_read_without_an_error(body):
    """No bytes make the reading fail."""
    assert GATE.receipt(headers(), body).status in (204, 400)


def test_many_ids_are_bounded():
    """One webhook hints at a hundred tasks at most."""
    many = [f"{number:024x}" for number in range(500)]
    for payload in (many, {"data": many[:90], "rows": many[90:180]}):
        assert len(find_task_ids(json.dumps(payload).encode())) == 100


def test_a_receiver_needs_a_secret():
    """Without a token there is no receiver; the client's own is taken by default, and shown in no repr."""
    with pytest.raises(UsageError, match=r"^token: a receiver needs the secret"):
        receiver(A2EClient("sk_x"))
    receiver(A2EClient("sk_x"), token="mine")
    receiver(A2EClient("sk_x", webhook=Webhook("https://h.example/c", "mine")))
    assert SECRET not in repr(GATE)
    with pytest.raises(InvalidRequestError, match=r"^token: must be printable ASCII"):
        receiver(A2EClient("sk_x"), token="")


@pytest.mark.parametrize("url", ["http://h.example/c", "h.example", "ftp://h.example", "https://h .example", ""])
def test_a_webhook_is_https(url):
    """The service takes https alone; the error says so where the webhook is made."""
    with pytest.raises(InvalidRequestError, match=r"^url: must be an https URL"):
        Webhook(url, "t")


@pytest.mark.parametrize("token", ["", " x", "x ", "a\nb", "é", "x" * 257, None])
def test_a_webhooks_token_can_stand_in_a_header(token):
    """The service sends the token back in a header, as it is."""
    with pytest.raises(InvalidRequestError, match=r"^token: must be printable ASCII"):
        Webhook("https://h.example/c", token)


async def test_a_local_webhook_is_for_a_local_service():
    """A URL with http on this machine is taken for a simulator, and refused for the service."""
    hook = Webhook("http://127.0.0.1:8080/a2e/webhook", SECRET)
    assert A2EClient("sk_x", base_url="http://127.0.0.1:1", webhook=hook).webhook is hook
    with pytest.raises(InvalidRequestError, match=r"^webhook\.url: must be an https URL; only a simulator"):
        A2EClient("sk_x", webhook=hook)
    async with A2EClient("sk_x") as a2e:
        with pytest.raises(InvalidRequestError, match=r"^webhook_url: must be an https URL; only a simulator"):
            a2e.start(TextToImage("a kite", webhook_url=hook.url))


# The table of hints that come too early.


def test_an_early_hint_is_kept_for_a_minute():
    """It is used once, within a minute."""
    early = EarlyHints()
    early.keep("a", 0)
    assert early.take("a", 59)
    assert not early.take("a", 59)
    early.keep("b", 0)
    assert not early.take("b", 60)


def test_the_table_is_bounded():
    """Of too many hints the oldest go; what is too old goes by itself; a repeated one counts from its last time."""
    early = EarlyHints()
    for number in range(KEPT_IDS + 500):
        early.keep(str(number), 1)
    assert len(early) == KEPT_IDS
    assert not early.take("499", 2)
    assert early.take("500", 2)
    early.keep("501", 30)
    early.keep("new", 62)
    assert len(early) == 2
    assert early.take("501", 62)


@virtual(options=SELDOM, latency=3, task_seconds=1)
async def test_a_hint_that_comes_before_the_starts_answer_is_used(a2e, sim):
    """The task has ended before we know its id: its first poll goes at once."""
    job = a2e.start(IMAGE)
    await asyncio.sleep(1.5)
    [task] = sim.world.tasks
    a2e.hint(task.id)
    await job
    assert now() == pytest.approx(6, abs=0.2)


@virtual(options=SELDOM, latency=1, task_seconds=30)
async def test_hints_that_never_stop_do_not_keep_a_job_from_its_end(a2e, sim):
    """Hints may come faster than polls are answered; each answer counts all the same, and polls stay few."""
    job = a2e.start(IMAGE)
    await job.accepted()
    while not job.done():
        a2e.hint(job.task_ids[0])
        await asyncio.sleep(0.01)
    assert now() < 33
    assert sim.log.peak("*.batch") <= 11


@virtual(opened=False, task_seconds=600)
async def test_a_receiver_of_a_closed_client_says_so(sim):
    """The service is told 503, and nothing breaks."""
    a2e = client(sim)
    app = mounted(None, "/a2e", receiver(a2e, token=SECRET))

    async def answered(path="/a2e/hook"):
        sent = []

        async def receive():
            return {"type": "http.request", "body": payload(), "more_body": False}

        async def send(message):
            sent.append(message)

        await app({"type": "http", "method": "POST", "path": path, "headers": headers()}, receive, send)
        return sent[0]["status"]

    assert await answered() == 503
    async with a2e:
        assert await answered() == 204
        assert await answered("/a2e") == 204
    assert await answered() == 503
