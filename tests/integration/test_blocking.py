"""The front for code that has no event loop."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import a2e_async
from a2e_async import (
    A2EClient,
    ClientClosedError,
    ImageToVideo,
    InvalidRequestError,
    JobCancelledError,
    JobDetachedError,
    JobFailedError,
    MissingTokenError,
    Status,
    TextToImage,
    UsageError,
    simulator,
)
from a2e_async.blocking import BlockingClient
from a2e_async.blocking.portal import in_a_thread

IMAGE = TextToImage("a red kite")
_ASYNC_ONLY = {"open", "aclose", "events", "answered", "fingerprint", "held_batch"}


@pytest.fixture(scope="module")
def service():
    """Give a simulator in a thread."""
    serving = simulator.serve(speed=100, media="tiny", coins=1_000_000, instant_old_form=False)
    with in_a_thread() as portal, portal.wrap_async_context_manager(serving) as sim:
        yield sim


@pytest.fixture
def a2e(service):
    """Give an open client that blocks."""
    quick = a2e_async.Cadence(delay=0.05)
    with a2e_async.blocking(service.token, base_url=service.url, cadence=quick) as a2e:
        yield a2e


def test_short_forms_and_files(a2e, tmp_path):
    """A short form gives the result, whose files can be fetched."""
    image = a2e.text_to_image("a red kite", width=1024, height=768)
    video = a2e.image_to_video(image.url, prompt="it climbs", negative_prompt="blurry")
    (path,) = a2e.download(video, tmp_path)
    assert path.suffix == ".mp4"
    with pytest.raises(JobFailedError):
        a2e.text_to_image("a kite [fail]")


def test_jobs(a2e):
    """A job tells what it knows, gives its result, its updates, and can be attached to and found."""
    job = a2e.start(IMAGE, timeout=60)
    job.accepted()
    assert (job.family.name, job.request, job.coins, len(job.task_ids)) == ("text_to_image", IMAGE, 10, 1)
    assert [record.status for record in job.updates()][-1] is Status.COMPLETED
    result = job.result(timeout=10)
    assert (job.done(), job.status, job.error, job.records) == (True, Status.COMPLETED, None, result.records)
    assert a2e.attach("text_to_image", *job.task_ids).result().urls == result.urls
    assert a2e.find(TextToImage, job.tag).result().urls == result.urls
    assert a2e.find(TextToImage, "nosuchtag") is None
    assert repr(job).startswith("<BlockingJob text_to_image done completed task ")
    assert "<img" in job._repr_html_()


def test_time_limit_leaves_the_job_alone(a2e):
    """A wait that is over ends no job; detach and cancel do."""
    job = a2e.start(TextToImage("a kite [stuck]"))
    with pytest.raises(TimeoutError):
        job.result(timeout=0.05)
    assert not job.done()
    job.detach()
    with pytest.raises(JobDetachedError):
        job.result()
    other = a2e.start(ImageToVideo("http://example.com/a.png", prompt="p", negative_prompt="n"))
    if other.cancel():
        with pytest.raises(JobCancelledError):
            other.result()


def test_one_shot_calls(a2e):
    """Calls have the names, parameters and words of the async ones, in groups; a list in pages is an iterator."""
    link = a2e.calls.speech.say("Hello", tts_id=a2e.calls.voices.public()[0].id)
    assert link.startswith("http")
    assert a2e.calls.credits.balance() == a2e.balance()
    a2e.text_to_image("a red kite")
    history = a2e.calls.credits.history(limit=1)
    assert len(list(history)) == 1
    with a2e.calls.streaming.room("65f000000000000000000002", 60) as room:
        assert room.token.channel
        room.speak("Hello")
    assert dir(a2e.calls.speech) == dir(A2EClient("x").calls.speech)
    assert a2e.calls.speech.say.__doc__ == A2EClient("x").calls.speech.say.__doc__
    with pytest.raises(InvalidRequestError, match="text"):
        a2e.calls.speech.say("")
    assert not hasattr(a2e.calls, "no_such_group")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pthread_kill")
def test_ctrl_c_ends_the_wait(a2e):
    """A wait that is interrupted ends over there as well; the job goes on."""
    job = a2e.start(TextToImage("a kite [stuck]"))
    job.accepted()
    interrupting = threading.Timer(0.2, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT))
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        job.result()
    interrupting.join()
    assert a2e.stats().running == 1
    assert not job._behind._waiters
    job.detach()


def test_many(a2e):
    """Many requests go out at once, in order or as they end."""
    requests = [TextToImage(f"kite {number}") for number in range(5)] + [TextToImage("[fail]")]
    outcomes = a2e.gather(requests, max_running=3, return_exceptions=True)
    assert [isinstance(outcome, JobFailedError) for outcome in outcomes] == [False] * 5 + [True]
    assert len([job.result() for job in a2e.as_completed(iter(requests[:5]), max_running=2)]) == 5
    for job in a2e.as_completed(requests):
        assert job.done()
        break
    a2e.drain(timeout=30)


def test_calls(a2e, service, tmp_path):
    """The other calls answer as well."""
    before = a2e.balance().coins
    result = a2e.with_options(timeout=60, tagging=False).text_to_image("a red kite")
    assert before - a2e.balance().coins == a2e.spent == 10
    assert a2e.reserved == 0
    assert a2e.quote(IMAGE).coins == 10
    assert a2e.record("text_to_image", result.task_ids[0]).urls == result.urls
    assert next(a2e.records("text_to_image")).id == result.task_ids[0]
    assert len(list(a2e.records("text_to_image", limit=1))) == 1
    a2e.hint(result.task_ids[0])
    assert (a2e.job_of(result.task_ids[0]), a2e.outage, a2e.webhook) == (None, None, None)
    a2e.delete("text_to_image", result.task_ids[0])
    (path,) = a2e.download(a2e.text_to_image("a red kite"), tmp_path)
    assert a2e.upload(path).startswith(service.url)


def test_threads_share_it(a2e):
    """Several threads may use one client at once."""
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(a2e.text_to_image, [f"kite {number}" for number in range(16)]))
    assert len({result.url for result in results}) == 16


def test_closing(service):
    """A closed client says so, can be opened once more, and leaves no thread behind."""
    before = threading.active_count()
    front = a2e_async.blocking(service.token, base_url=service.url)
    with pytest.raises(ClientClosedError, match="not open"):
        front.balance()
    for _ in range(2):
        with front as a2e:
            assert a2e.balance().coins
            assert repr(a2e).startswith("<BlockingClient http://")
    with front:
        stream = front.as_completed([IMAGE])
        next(stream)
    stream.close()
    with pytest.raises(LookupError, match="as itself"), front:
        raise LookupError("as itself")
    assert threading.active_count() == before


def test_wrong_arguments():
    """What is wrong is told at once, before there is a thread."""
    with pytest.raises(MissingTokenError):
        a2e_async.blocking()
    with pytest.raises(UsageError, match="max_starts"):
        a2e_async.blocking("sk_x", max_starts=0)


async def test_running_loop():
    """Where an event loop runs it is not brought to a standstill, and the text says what to do instead."""
    with pytest.raises(UsageError, match=r"async with A2EClient\(\) as a2e:.* notebook"):
        a2e_async.blocking("sk_x")
    with pytest.raises(UsageError, match="standstill"), BlockingClient(A2EClient("sk_x")):
        pass


def test_async_client_without_a_loop(service):
    """The async client says what to use where there is no loop."""
    with pytest.raises(UsageError, match=r"async with A2EClient\(\).*blocking"), A2EClient("sk_x"):
        pass
    client = A2EClient(service.token, base_url=service.url)

    async def opened():
        await client.open()
        client.text_to_image("never sent")

    async def closed():
        with pytest.raises(UsageError, match="another loop"):
            client.text_to_image("x")

    with in_a_thread() as portal:
        portal.call(opened)
        with pytest.raises(UsageError, match=r"where none is running; .*blocking"):
            client.text_to_image("x")
        with in_a_thread() as other:
            other.call(closed)
        portal.call(client.aclose)


def test_everything_is_there():
    """Each public method of the async client has its counterpart, with the same parameters."""
    there = {name for name in dir(A2EClient) if not name.startswith("_")} - _ASYNC_ONLY
    assert there - set(dir(BlockingClient)) == set()
    for name in sorted(there):
        ours, theirs = getattr(BlockingClient, name), getattr(A2EClient, name)
        if callable(theirs):
            assert inspect.signature(ours).parameters.keys() == inspect.signature(theirs).parameters.keys(), name
    given = inspect.signature(a2e_async.blocking).parameters
    assert list(given) == list(inspect.signature(A2EClient).parameters)


def test_name_is_callable_whoever_imports_the_module():
    """`a2e_async.blocking` stays the function, and brings no anyio with it until it is used."""
    code = (
        "import sys, a2e_async, a2e_async.blocking as function, importlib\n"
        "importlib.import_module('a2e_async.blocking')\n"
        "from a2e_async.blocking import BlockingClient\n"
        "assert callable(a2e_async.blocking) and 'anyio' not in sys.modules and 'pytest' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


FORKED = """
import os, signal, sys
import a2e_async

with a2e_async.blocking(sys.argv[1], base_url=sys.argv[2]) as a2e:
    a2e.balance()
    if os.fork() == 0:
        signal.alarm(20)
        for use in (a2e.balance, a2e.stats, lambda: a2e.text_to_image("a kite"), a2e.calls.credits.balance):
            try:
                use()
            except a2e_async.UsageError as error:
                print(str(error)[:60], flush=True)
        with a2e_async.blocking(sys.argv[1], base_url=sys.argv[2]) as own:
            print("own", own.balance().coins > 0, flush=True)
        a2e.__exit__(None, None, None)
        sys.exit(0)
    _, status = os.wait()
    print("child", status, "parent", a2e.balance().coins > 0)
"""
LEFT_OPEN = """
import sys
import a2e_async

a2e = a2e_async.blocking(sys.argv[1], base_url=sys.argv[2]).__enter__()
job = a2e.start(a2e_async.TextToImage("a kite [slow]"))
job.accepted()
"""


def _run(program, service):
    words = [sys.executable, "-c", program, service.token, service.url]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_is_told_to_open_its_own(service):
    """A client that was opened before a fork refuses each use in the child, and works on in the parent."""
    done = _run(FORKED, service)
    told = "the client was opened before this process was forked, and it"
    *refused, own, child = done.stdout.splitlines()
    assert refused == [told] * 4, done.stderr
    assert (own, child) == ("own True", "child 0 parent True")


def test_a_program_that_leaves_it_open_ends(service):
    """The client closes with its program, within the close timeout, and says which tasks go on."""
    done = _run(LEFT_OPEN, service)
    assert done.returncode == 0
    assert "the client was closed with 1 job running (text_to_image " in done.stderr
    assert "a2e.attach(family, task_id)" in done.stderr
