"""No token in any log line, repr, error or cause of it, whatever the service and the wire do."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback

import attrs
import pytest
from virtual_time import IMAGE, VIDEO, client, play_out, until, virtual

from a2e_async import A2EClient, Retry, TextToImage, Webhook
from a2e_async.core.http import HttpReply, HttpRequest
from a2e_async.simulator.virtual import DirectTransport, virtual_app

TOKENS = {
    "usual": "sk_c0ffee0123456789",
    "of another shape": "c0ffee.0123-4567_89/+=",
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjMGZmZWUifQ.c0ffeec0ffee",
}
HOOK = "c0ffee-webhook-token"
PICKLED = "pickled: "  # holds the caller's own request, and so its webhook token
FAULTS = [
    ("reset", {}), ("stall", {}), ("html", {}), ("null", {}), ("empty", {}), ("cut_json", {}), ("redirect", {}),
    *[("status", {"status": status}) for status in (400, 401, 402, 403, 404, 408, 429, 500, 502, 503)],
    ("code", {"code": 1}), ("success_false", {}), ("unknown_status", {}), ("missing_id", {}),
]  # fmt: skip


class Everything(logging.Handler):
    """Keeps every log line of every logger, with what hangs on it."""

    def __init__(self):
        super().__init__(logging.NOTSET)
        self.texts = []

    def emit(self, record):
        """Keep the line, its arguments, its extras and its traceback."""
        self.texts.append(f"{record.getMessage()} {record.args!r} {record.__dict__!r}")
        if record.exc_info:
            self.texts.append("".join(traceback.format_exception(*record.exc_info)))


@pytest.fixture
def everything():
    """Listen to all loggers at their most talkative."""
    handler, root = Everything(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def shown(error):
    """Give all that an error shows of itself and its causes."""
    seen = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    try:
        seen.append(PICKLED + pickle.dumps(error).decode("latin-1"))
    except Exception as bad:  # noqa: BLE001 - a cause of another library need not pickle
        seen.append(repr(bad))
    for cause in (error.__cause__, error.__context__):
        if cause is not None and cause is not error:
            seen += shown(cause)
    return seen


class Echo(DirectTransport):
    """A service that says back what it was sent, wherever it has words."""

    def __init__(self, app, *, loud=True):
        super().__init__(app, 0.05)
        self._loud = loud

    async def send(self, request, headers):
        """Put the request's headers and body into whatever is answered."""
        reply = await super().send(request, headers)
        said = f"{headers['Authorization']} {dict(request.body or {})}"
        if not self._loud or not reply.body:
            return reply
        if reply.body.startswith(b"{"):
            words = said.replace('"', "'").encode()
            body = reply.body.replace(b'"message":"', b'"message":"' + words).replace(b'"msg":"', b'"msg":"' + words)
            if not 200 <= reply.status < 300:
                body = body.replace(b'"trace_id":"', b'"trace_id":"' + words[:90])
        else:
            body = said.encode() + reply.body
        return attrs.evolve(reply, body=body)


async def one_run(sim, token, loud):
    """Let everything happen once that can happen; give what users could have seen."""
    seen = []
    options = {
        "http": Echo(sim, loud=loud), "webhook": Webhook("https://hooks.example/a2e", HOOK),
        "retry": Retry(unknown_window=4),
    }  # fmt: skip
    a2e = A2EClient(token, base_url="http://127.0.0.1:1", **options)
    seen += [repr(a2e), repr(a2e._config), repr(options["webhook"])]
    async with a2e:
        requests = [IMAGE, VIDEO, attrs.evolve(IMAGE, prompt="[fail]")]
        requests.append(attrs.evolve(VIDEO, webhook_url="https://hooks.example/own", webhook_token=HOOK))
        for route in ("*.start", "*.batch", "*.detail", "*.list", "quote", "balance"):
            for kind, details in FAULTS:
                sim.faults.add(route, kind, when="after", **details)
        jobs = [a2e.start(request) for request in requests * 8]
        seen += [repr(jobs[0]), repr(jobs[3].request), repr(jobs[3].options)]
        ended = await asyncio.gather(*(job.wait(timeout=900) for job in jobs), return_exceptions=True)
        for call in (
            a2e.balance(),
            a2e.quote(VIDEO),
            a2e.record("text_to_image", "0" * 24),
            a2e.find(TextToImage, "nothere1"),
        ):
            ended += await asyncio.gather(call, return_exceptions=True)
        sim.faults.clear()
        ended.append(await a2e.start(IMAGE))
        for end in ended:
            seen += shown(end) if isinstance(end, BaseException) else [repr(end)]
        seen += [repr(job) for job in jobs]
        a2e.start(VIDEO)
        await until(lambda: sim.counters["image_to_video.start"])
    assert any(isinstance(end, Exception) for end in ended)
    assert any(not isinstance(end, Exception) for end in ended)
    return seen


@pytest.mark.parametrize("loud", [True, False])
@pytest.mark.parametrize("name", TOKENS)
def test_a_whole_run_shows_no_token(name, loud, everything):
    """Successes and failures of all kinds, with a service that echoes: neither token is seen anywhere."""
    token = TOKENS[name]

    async def story():
        sim = virtual_app(coins=100_000, token=token)
        return await one_run(sim, token, loud)

    seen = [*play_out(story()), *everything.texts]
    assert len(everything.texts) > 10
    for text in seen:
        assert token not in text
        assert text.startswith(PICKLED) or HOOK not in text


@pytest.mark.parametrize("name", TOKENS)
@virtual(opened=False)
async def test_an_echo_in_a_record_does_not_reach_the_error(sim, name):
    """A failed task whose reason holds the token says so without it."""
    token = TOKENS[name]
    sim.world.change(token=token)

    class Failing(DirectTransport):
        async def send(self, request, headers):
            reply = await super().send(request, headers)
            return attrs.evolve(
                reply, body=reply.body.replace(b"The generation failed", headers["Authorization"].encode())
            )

    async with A2EClient(token, base_url="http://127.0.0.1:1", http=Failing(sim, 0.05)) as a2e:
        (error,) = await asyncio.gather(a2e.start(TextToImage("[fail]")), return_exceptions=True)
    assert "***" in str(error)
    assert token not in "".join(shown(error))


def test_values_at_the_seam_show_no_secret():
    """The request at the seam shows no body, as it may hold a webhook's token."""
    request = HttpRequest(method="POST", path="/x", body={"webhook_token": HOOK})
    assert HOOK not in repr(request)
    assert HOOK not in repr(Webhook("https://hooks.example", HOOK))
    assert HOOK not in repr(attrs.evolve(VIDEO, webhook_url="https://hooks.example", webhook_token=HOOK))
    assert repr(HttpReply(status=200))


@pytest.mark.parametrize("token", ["", " ", "Bearer ", "c0ffee 0123", "c0ffee\n0123", "c0ffée"])
def test_a_bad_token_is_not_shown(token):
    """The error for a token that cannot be used does not quote it."""
    with pytest.raises(Exception, match="token") as caught:
        A2EClient(token)
    assert not token.strip() or token not in str(caught.value)


@virtual(opened=False)
async def test_a_token_is_asked_anew_after_a_refusal_and_neither_is_shown(sim, caplog):
    """Of three tokens, two that are refused in turn and their successor, none is shown."""
    caplog.set_level(logging.DEBUG)
    tokens = ["sk_refused_c0ffee", "sk_refused_again", "sk_simulator"]
    sim.faults.add("*.start", "status", status=401, message="sk_refused_c0ffee is not valid", hits=2)
    async with A2EClient(lambda: tokens.pop(0), base_url="http://127.0.0.1:1", http=DirectTransport(sim, 0.05)) as a2e:
        (error,) = await asyncio.gather(a2e.start(IMAGE), return_exceptions=True)
        await a2e.start(IMAGE)
    seen = "".join(shown(error)) + caplog.text
    assert "sk_refused" not in seen
    assert "sk_simulator" not in seen


@virtual(opened=False)
async def test_names_and_tags_are_no_secrets(sim, caplog):
    """What helps to find a lost start is shown: its tag and the words of the failure."""
    sim.faults.add("*.start", "reset", when="after")
    sim.faults.add("*.list", "status", status=500, hits=None)
    async with client(sim) as a2e:
        job = a2e.start(IMAGE)
        (error,) = await asyncio.gather(job, return_exceptions=True)
    assert job.tag in str(error)
    assert "connection reset" in str(error)
