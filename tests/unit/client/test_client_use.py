"""Wrong uses of a client: each has its own clear error, and nothing is sent."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading

import pytest
from virtual_time import IMAGE, client, virtual

from a2e_async import (
    A2EClient,
    A2EError,
    Cadence,
    ClientClosedError,
    ImageToVideo,
    InvalidRequestError,
    MissingTokenError,
    UsageError,
)
from a2e_async.simulator.virtual import DirectTransport, run_virtually, virtual_app

USES = {
    "start": lambda a2e: a2e.start(IMAGE),
    "short form": lambda a2e: a2e.text_to_image("a kite"),
    "attach": lambda a2e: a2e.attach("text_to_image", "a" * 24),
    "view": lambda a2e: a2e.with_options(timeout=5).text_to_image("a kite"),
    "spent": lambda a2e: a2e.spent,
    "hint": lambda a2e: a2e.hint("a" * 24),
}
CALLS = {
    "balance": lambda a2e: a2e.balance(),
    "quote": lambda a2e: a2e.quote(IMAGE),
    "find": lambda a2e: a2e.find("text_to_image", "abcdefgh"),
    "record": lambda a2e: a2e.record("text_to_image", "a" * 24),
    "delete": lambda a2e: a2e.delete("text_to_image", "a" * 24),
    "drain": lambda a2e: a2e.drain(),
    "records": lambda a2e: anext(a2e.records("text_to_image")),
    "gather": lambda a2e: a2e.gather([IMAGE]),
    "as_completed": lambda a2e: anext(a2e.as_completed([IMAGE])),
    "download": lambda a2e: a2e.download("http://example.com/a.png"),
    "upload": lambda a2e: a2e.upload("a.png"),
}


async def refusals(a2e):
    """Give the errors of all uses of a client."""
    errors = []
    for use in USES.values():
        with pytest.raises(A2EError) as raised:
            use(a2e)
        errors.append(raised.value)
    for call in CALLS.values():
        with pytest.raises(A2EError) as raised:
            await call(a2e)
        errors.append(raised.value)
    return errors


@virtual(opened=False)
async def test_a_client_that_is_not_open_says_how_to_open_it(sim):
    """Every use before opening names `async with` and `open()`."""
    for error in await refusals(client(sim)):
        assert type(error) is UsageError
        assert "`async with A2EClient() as a2e:` or `await a2e.open()`" in str(error)
    assert not sim.counters


@virtual(opened=False)
async def test_a_closed_client_says_that_it_is_closed(sim):
    """Every use after closing is a ClientClosedError; so is one of a client that was closed without being opened."""
    used, unused = client(sim), client(sim)
    async with used:
        pass
    await unused.aclose()
    for error in [*await refusals(used), *await refusals(unused)]:
        assert type(error) is ClientClosedError
        assert "the client is closed" in str(error)
    assert not sim.counters


@virtual()
async def test_another_event_loop_is_refused(a2e, sim):
    """Every use from the loop of another thread, and from a thread without a loop, says where the client belongs."""
    errors = []

    def elsewhere():
        errors.extend(asyncio.run(refusals(a2e)))
        for use in (*USES.values(), lambda a2e: a2e.open().send(None), lambda a2e: a2e.aclose().send(None)):
            with pytest.raises(UsageError) as raised:
                use(a2e)
            errors.append(raised.value)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(errors) == 2 * len(USES) + len(CALLS) + 2
    for error in errors:
        assert type(error) is UsageError
        assert "another loop or thread" in str(error)
    assert (await a2e.start(IMAGE)).url


def test_a_client_left_open_in_a_dead_loop_says_so():
    """A client whose loop has ended is not used by accident in the next one."""
    a2e = client(virtual_app_of_no_loop())
    asyncio.run(a2e.open())

    async def use():
        a2e.start(IMAGE)

    with pytest.raises(UsageError, match="the event loop in which the client was opened has ended"):
        asyncio.run(use())


def virtual_app_of_no_loop():
    """Make a simulated service outside of an event loop."""

    async def make():
        return virtual_app()

    return asyncio.run(make())


def test_making_a_client_touches_neither_loop_nor_network(monkeypatch):
    """A client can be made at import time, without a loop, in any thread; no socket is opened, nothing looked up."""

    def forbidden(*_args, **_kwargs):
        raise AssertionError("this is not allowed before the client is opened")

    for where, name in (
        (socket, "socket"),
        (socket, "getaddrinfo"),
        (asyncio, "get_event_loop"),
        (asyncio, "get_running_loop"),
        (asyncio, "new_event_loop"),
    ):
        monkeypatch.setattr(where, name, forbidden)
    made = [A2EClient(token="sk_example"), A2EClient(token=forbidden)]
    assert "sk_example" not in repr(made[0])
    thread = threading.Thread(target=lambda: made.append(A2EClient(token="sk_example").with_options(timeout=5)))
    thread.start()
    thread.join()
    assert len(made) == 3


def test_a_missing_token_names_the_variables(monkeypatch):
    """Without a token, or with a blank one, the error says where one can be put."""
    with pytest.raises(MissingTokenError, match="A2E_API_KEY, A2E_API_TOKEN or A2E_TOKEN"):
        A2EClient()
    monkeypatch.setenv("A2E_TOKEN", "sk_from_environment")
    assert A2EClient()
    for token in ("", "  ", 5, "sk with space", "sk\nnewline"):
        with pytest.raises(MissingTokenError):
            A2EClient(token=token)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("max_starts", 0),
        ("max_starts", 2.5),
        ("max_starts", True),
        ("rate", 0),
        ("rate", "fast"),
        ("budget", -1),
        ("close_timeout", -1),
        ("base_url", "video.a2e.ai"),
        ("max_starts", None),
        ("close_timeout", None),
        ("base_url", 5),
        ("cadence", 0.5),
        ("retry", 3),
        ("webhook", "https://example.com/hook"),
        ("http", "https://example.com"),
        ("on_unknown_price", "ask"),
    ],
)
def test_a_bad_argument_of_the_client_is_named(argument, value):
    """The error names the argument and says what it must be."""
    with pytest.raises(UsageError, match=f"^{argument}: must"):
        A2EClient(token="sk_example", **{argument: value})


def test_the_address_of_the_documentation_is_refused():
    """Who takes the address of the documentation for the service is told the right one."""
    with pytest.raises(UsageError, match=r"^base_url: api\.a2e\.ai only serves documentation.*https://video\.a2e\.ai"):
        A2EClient(token="sk_example", base_url="https://api.a2e.ai")


@pytest.mark.parametrize("field", ["delay", "polls_per_second", "polls_in_flight"])
@pytest.mark.parametrize("value", [0, -1, True, "1", float("inf"), float("nan")])
def test_a_bad_cadence_is_named(field, value):
    """The error names the field."""
    with pytest.raises(UsageError, match=rf"^Cadence\.{field}: must be a number above 0"):
        Cadence(**{field: value})


@virtual()
async def test_a_bad_argument_of_a_start_is_named(a2e, sim):
    """Nothing is sent for a start with an option that makes no sense."""
    for words, arguments in {
        "^timeout: must be a number": {"timeout": "soon"},
        "^timeout: must be a number of at least 0": {"timeout": -1},
        "^price: must be a number": {"price": True},
        "^on_unknown: must be 'resend' or 'raise'": {"on_unknown": "ask"},
        "^tag: must be 8 to 24 characters": {"tag": "Short"},
    }.items():
        with pytest.raises(InvalidRequestError, match=words):
            a2e.start(IMAGE, **arguments)
    for request in ("a kite", None, ImageToVideo, {"prompt": "a kite"}):
        with pytest.raises(UsageError, match=r"^start: needs a request such as TextToImage"):
            a2e.start(request)
    a2e.start(IMAGE, tag="thisismine")
    with pytest.raises(UsageError, match=r"^tag: thisismine names another job"):
        a2e.start(IMAGE, tag="thisismine")
    await a2e.drain()
    assert sim.counters["text_to_image.start"] == 1
    assert (await a2e.start(IMAGE, tag="thisismine")).url


@virtual()
async def test_a_bad_argument_of_attach_is_named(a2e, sim):
    """A family that is not known and ids that are none are refused at once."""
    with pytest.raises(UsageError, match=r"there is no family 'video'; known are .*image_to_video"):
        a2e.attach("video", "a" * 24)
    for ids in ((), ("",), (5,), ("a", None)):
        with pytest.raises(UsageError, match=r"^task_ids: "):
            a2e.attach("image_to_video", *ids)
    with pytest.raises(InvalidRequestError, match=r"^image_url: must be"):
        a2e.image_to_video("not a link", prompt="a", negative_prompt="b")
    with pytest.raises(InvalidRequestError, match=r"^colour: TextToImage has no such field"):
        a2e.text_to_image("a kite", colour="red")
    assert not sim.counters


def test_a_client_outlives_the_loop_in_which_it_was_opened(caplog):
    """A client of a module that each `asyncio.run` opens, or forgets to close, says so and can be opened again."""

    async def begin(a2e):
        await a2e.open()
        job = a2e.start(IMAGE)
        await job.accepted()
        return job.task_ids[0]

    async def use(a2e):
        with pytest.raises(UsageError, match=r"the event loop in which the client was opened has ended"):
            a2e.stats()
        await a2e.open()
        assert a2e.stats().running == 0
        await a2e.aclose()
        await a2e.aclose()

    async def whole():
        app = virtual_app(task_seconds=1000)
        token = app.world.switches.token
        return A2EClient(token, base_url="http://127.0.0.1:1", http=DirectTransport(app), close_timeout=1)

    a2e = run_virtually(whole())
    task_id = run_virtually(begin(a2e))
    run_virtually(use(a2e))
    assert f"a client was never closed, with 1 job running (text_to_image {task_id})" in caplog.text
    task_id = run_virtually(begin(a2e))
    caplog.clear()
    del a2e
    gc.collect()
    assert f"text_to_image {task_id}" in caplog.text


def test_a_client_needs_a_loop_of_asyncio():
    """Opened where no loop of asyncio runs, as under trio, a client says what it needs."""
    opening = A2EClient("sk_a").open()
    with pytest.raises(UsageError, match="needs a running event loop of asyncio"):
        opening.send(None)
