"""Calls: how often they are sent, what a lost answer means, what pages give, and what help() shows."""

from __future__ import annotations

import contextlib
import inspect
import re
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import NO_ROUTE, TOKEN, Scripted, client, no, story, yes
from virtual_time import now

import a2e_async.families  # noqa: F401 - makes all families known, whose tasks some calls give
from a2e_async import (
    A2EClient,
    AuthenticationError,
    ClientClosedError,
    InsufficientCoinsError,
    InvalidRequestError,
    ProtocolError,
    RateLimitedError,
    RejectedRequestError,
    ServiceError,
    StartUnknownError,
    TextToImage,
    TransportError,
    UsageError,
)
from a2e_async.calls import Calls
from a2e_async.calls.account import ApiToken
from a2e_async.calls.backgrounds import Background
from a2e_async.calls.base import Line, plan_of
from a2e_async.calls.credits import Quote
from a2e_async.calls.streaming import StreamToken
from a2e_async.calls.writing import request_to
from a2e_async.core.family import Endpoint
from a2e_async.core.http import HttpReply

CALLS_OF_NOBODY = Calls(Line(lambda: None, local=True))
GROUPS = {name: getattr(CALLS_OF_NOBODY, name) for name, held in vars(Calls).items() if isinstance(held, property)}
METHODS = {
    f"{group}.{name}": method
    for group, calls in GROUPS.items()
    for name, method in inspect.getmembers(type(calls), inspect.isfunction)
    if not name.startswith("__")
}
CALLS = {name: method for name, method in METHODS.items() if plan_of(method)}
LOST = TransportError("connection reset", sent=True)
REFUSED = TransportError("could not connect", sent=False)
LINK = "https://files.example.net/a.png"
ID = "65f000000000000000000001"


async def test_a_call_gives_a_value():
    """What the service answers comes back typed, and what is new in it is kept."""
    wire = Scripted(yes({"_id": ID, "img_url": LINK, "new": 1}))
    async with client(wire) as a2e:
        assert await a2e.calls.backgrounds.add(LINK) == Background(id=ID, url=LINK, extra={"new": 1})
    assert wire.paths == ["POST /api/v1/custom_back/add"]


async def test_what_only_reads_is_repeated():
    """A list is asked for again after a reset, an error of the server and a busy one."""
    wire = Scripted(LOST, no(502), no(429), yes([]))
    async with client(wire) as a2e:
        assert await a2e.calls.backgrounds.all() == []
    assert len(wire.sent) == 4


@pytest.mark.parametrize("failure", [LOST, no(502), HttpReply(status=200, body=b"<html>"), no(500)])
async def test_what_changes_something_is_not_repeated_when_it_may_have_been_done(failure):
    """A background is added once, whatever became of the answer."""
    wire = Scripted(failure, yes({}))
    async with client(wire) as a2e:
        with pytest.raises((TransportError, ProtocolError, ServiceError)):
            await a2e.calls.backgrounds.add(LINK)
    assert len(wire.sent) == 1


@pytest.mark.parametrize("failure", [REFUSED, no(429), no(503, retry_after="0")])
async def test_what_changes_something_is_repeated_when_surely_nothing_was_done(failure):
    """A background is added after a refused connection and a busy service."""
    wire = Scripted(failure, yes({"_id": ID}))
    async with client(wire) as a2e:
        assert (await a2e.calls.backgrounds.add(LINK)).id == ID
    assert len(wire.sent) == 2


@pytest.mark.parametrize(
    "failure", [LOST, no(500), no(408), HttpReply(status=200, body=b'{"code": 0, "da'), yes(None), yes({"ok": 1})]
)
async def test_a_lost_answer_to_what_costs_coins_says_so(failure):
    """A speech is sent once; that it may have been charged is said, with where to look, and no token."""
    wire = Scripted(failure, yes(LINK))
    async with client(wire) as a2e:
        with pytest.raises(StartUnknownError) as caught:
            await a2e.calls.speech.say("Hello", tts_id=ID)
    assert len(wire.sent) == 1
    assert "Speech.say: no answer came" in str(caught.value)
    assert "may have been made and charged (`previews()` lists" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (no(400), RejectedRequestError),
        (no(401), AuthenticationError),
        (no(200, 1001, "insufficient coins"), InsufficientCoinsError),
        (no(429), RateLimitedError),
        (REFUSED, TransportError),
    ],
)
async def test_a_refusal_of_what_costs_coins_stays_itself(refusal, kind):
    """Where surely nothing was charged, the error says what happened."""
    async with client(Scripted(refusal)) as a2e:
        with pytest.raises(kind) as caught:
            await a2e.calls.speech.say("Hello", tts_id=ID)
    assert type(caught.value) is kind


async def test_an_older_dialect_is_tried_once_and_kept():
    """A service without the newer route is asked in the older way, from then on at once."""
    wire = Scripted(NO_ROUTE, yes([]))
    async with client(wire) as a2e:
        assert await a2e.calls.voices.public(country="en") == []
        assert await a2e.calls.voices.public() == []
    get, post = "GET /api/v1/anchor/voice_list", "POST /api/v1/anchor/voice_list"
    assert wire.paths == [get, post, post]
    assert wire.sent[1].body == {"country": "en"}
    assert wire.sent[1].query == {}


async def test_links_of_this_machine_are_for_a_simulator_on_it():
    """A link to localhost is refused before it is sent to the service, and sent to one that runs here."""
    wire = Scripted(yes({"_id": ID}))
    async with client(wire) as a2e:
        with pytest.raises(InvalidRequestError, match="img_url: must be reachable by the service"):
            await a2e.calls.backgrounds.add("http://localhost/a.png")
    assert not wire.sent
    async with client(wire, local=True) as a2e:
        await a2e.calls.backgrounds.add("http://localhost/a.png")
    assert len(wire.sent) == 1


async def test_calls_need_an_open_client():
    """The groups are there at any time; a call of a client that is not open says how to open it."""
    a2e = client(Scripted(yes([])))
    with pytest.raises(UsageError, match="async with A2EClient"):
        await a2e.calls.faces.own()
    with pytest.raises(UsageError, match="async with A2EClient"):
        await anext(a2e.calls.speech.previews())
    async with a2e:
        calls = a2e.calls
        assert await calls.faces.own() == []
    with pytest.raises(ClientClosedError):
        await calls.faces.own()


async def test_extra_fields_go_along_but_replace_none():
    """`extra` adds fields by the service's own names; those that are arguments are refused."""
    wire = Scripted(yes({"result_url": LINK}))
    async with client(wire) as a2e:
        with pytest.raises(InvalidRequestError, match="'fontsize', which is the argument font_size"):
            await a2e.calls.watermark.add(LINK, watermark_type="text", text="x", extra={"fontsize": 4})
        await a2e.calls.watermark.add(LINK, watermark_type="text", text="x", extra={"opacity": 0.5})
    assert [one.body["opacity"] for one in wire.sent] == [0.5]


def test_what_stands_in_a_path_cannot_leave_it():
    """An argument in the path is percent-encoded, were it to hold a slash."""
    sent = request_to(Endpoint(path="/api/{name}/x"), {"name": "a/b c"}, 30, {})
    assert sent.path == "/api/a%2Fb%20c/x"


async def test_wrong_arguments_are_told_by_name():
    """Arguments that a call does not have, or lacks, are refused as fields of a request are."""
    async with client(Scripted(yes([]))) as a2e:
        with pytest.raises(InvalidRequestError, match=r"^img_url: must be given"):
            await a2e.calls.backgrounds.add()  # type: ignore[call-arg]
        with pytest.raises(InvalidRequestError, match=r"^colour: "):
            await a2e.calls.backgrounds.all(colour="red")  # type: ignore[call-arg]


async def test_quote_takes_a_request():
    """The price of a request is asked with the body that its start would have."""
    wire = Scripted(yes({"coins": 12}))
    async with client(wire) as a2e:
        assert (
            await a2e.calls.credits.quote(TextToImage("a kite"))
            == Quote(coins=12)
            == await a2e.quote(TextToImage("a kite"))
        )
    assert wire.sent[0] == wire.sent[1]
    assert wire.sent[0].body["requestBody"]["prompt"] == "a kite"


async def test_the_new_face_is_found_in_the_list():
    """Of the list that comes back, the face with this link is given, the newest of several."""
    rows = [
        {"_id": "old", "face_url": LINK, "createdAt": "2025-01-02T03:04:05Z"},
        {"_id": "new", "face_url": LINK, "createdAt": "2025-01-02T03:04:06Z"},
        {"_id": "other", "face_url": "https://files.example.net/b.png", "createdAt": "2025-01-02T03:04:07Z"},
    ]
    async with client(Scripted(yes(rows), yes([]))) as a2e:
        assert (await a2e.calls.faces.add(LINK)).id == "new"
        with pytest.raises(ProtocolError, match="without a record"):
            await a2e.calls.faces.add(LINK)


async def test_a_long_text_is_said_in_parts():
    """Parts come in order, each as soon as it is spoken; one that fails leaves those before it to the caller."""
    text = " ".join(["It climbs."] * 250)
    wire = Scripted(yes(LINK + "?1"), yes(LINK + "?2"), no(400))
    found = []
    async with client(wire) as a2e:
        spoken = a2e.calls.speech.say_long(text, tts_id=ID, speech_rate=2)
        for number in (1, 2):
            found.append(await anext(spoken))
            assert len(wire.sent) == number
        with pytest.raises(RejectedRequestError):
            await anext(spoken)
    assert [part.url for part in found] == [LINK + "?1", LINK + "?2"]
    assert " ".join([one.body["msg"] for one in wire.sent]) == text
    assert all(len(one.body["msg"]) <= 1000 and one.body["speechRate"] == 2 for one in wire.sent)


async def test_a_blank_text_is_not_said():
    """Nothing to say is refused, not taken for a text without parts."""
    async with client(Scripted(yes(LINK))) as a2e:
        with pytest.raises(InvalidRequestError, match="text"):
            await anext(a2e.calls.speech.say_long("  ", tts_id=ID))


@story(yes({"videoUrl": ""}), no(200, 202), HttpReply(status=202, body=b'{"code": 0, "data": {"url": "https://f/v"}}'))
async def test_a_video_in_1080p_is_waited_for(a2e, wire):
    """Two answers say in their way that it is not ready; the third, after twenty seconds, has the link."""
    assert await a2e.calls.tasks.veo_1080p(ID, wait=100) == "https://f/v"
    assert len(wire.sent) == 3
    assert now() == 20


@story(HttpReply(status=202, body=b'{"message": "come again"}'))
async def test_a_video_in_1080p_is_waited_for_no_longer_than_said(a2e, wire):
    """After the wait there is no link, and no error; without a wait it is asked for once."""
    assert await a2e.calls.tasks.veo_1080p(ID) is None
    asked, began = len(wire.sent), now()
    assert await a2e.calls.tasks.veo_1080p(ID, wait=15) is None
    assert len(wire.sent) == 4 * asked
    assert now() - began == 15


@story(no(400, message="not 16:9"))
async def test_a_video_that_has_no_1080p_is_an_error(a2e, wire):
    """A refusal is not taken for a video that is not ready."""
    with pytest.raises(RejectedRequestError, match="not 16:9"):
        await a2e.calls.tasks.veo_1080p(ID, wait=15)


def page(*ids):
    """Make a page of a list."""
    return yes({"rows": [{"_id": one, "amount": 1} for one in ids], "count": 99})


async def ids_of(pages, limit=None):
    """Give the ids that a list in pages comes to, and how many pages were asked for."""
    wire = Scripted(*pages)
    async with client(wire) as a2e:
        return [one.id async for one in a2e.calls.credits.history(limit=limit)], len(wire.sent)


@pytest.mark.parametrize(
    ("pages", "limit", "found", "asked"),
    [
        ([page("a", "b"), page("c"), page()], None, ["a", "b", "c"], 3),
        ([page("a", "b"), page("b", "c"), page("b", "c")], None, ["a", "b", "c"], 3),
        ([page()], None, [], 1),
        ([page("a", "b"), page("c", "d")], 3, ["a", "b", "c"], 2),
        ([page("a", "b"), page("c", "d")], 2, ["a", "b"], 1),
        ([page("a"), yes(None)], None, ["a"], 2),
    ],
)
async def test_a_list_ends_where_nothing_new_comes(pages, limit, found, asked):
    """It ends at a page without rows, without new ones, or at the limit; rows that come twice are given once."""
    assert await ids_of(pages, limit) == (found, asked)


async def test_pages_are_asked_for_when_they_are_needed():
    """Whoever takes one row of a page of two has asked for one page."""
    wire = Scripted(page("a", "b"), page("c"))
    async with client(wire) as a2e:
        history = a2e.calls.credits.history()
        assert not wire.sent
        assert (await anext(history)).id == "a"
        assert (await anext(history)).id == "b"
        assert len(wire.sent) == 1
        await history.aclose()
    assert wire.sent[0].query == {"pageNum": "1", "pageSize": "100"}


@pytest.mark.parametrize(("said", "read"), [(5, 5), (1e300, None), (float("inf"), None), (True, None), ("5", None)])
async def test_coins_that_are_no_number_to_reckon_with_are_none(said, read):
    """A voice whose price is nonsense is a voice without one."""
    async with client(Scripted(yes([{"_id": ID, "coins": said}]))) as a2e:
        (voice,) = await a2e.calls.voices.own()
    assert voice.coins == read


async def test_a_list_that_is_none_is_an_error():
    """The first page must be a list; what is no list is not taken for an empty one."""
    with pytest.raises(ProtocolError, match=r"Credits\.history: the answer should be a list"):
        await ids_of([yes("nothing")])


def test_secrets_are_not_shown():
    """Tokens that calls give are in no repr."""
    assert TOKEN not in repr(ApiToken(token=TOKEN))
    assert TOKEN not in repr(StreamToken(token=TOKEN, extra={"rtmToken": TOKEN}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda held: (
        st.lists(held, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["_id", "rows", "list", "children", "value", "label", "name", "url", "createdAt", "coins", "uid"]
            )
            | st.text(max_size=3),
            held,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=40, deadline=None)
@given(data=JSON)
def test_whatever_comes_is_read_or_is_an_error(name, data):
    """No answer, however odd, makes a reader fail in another way than with a ProtocolError."""
    row = {"held": data} if inspect.isasyncgenfunction(CALLS[name]) else data  # a list in pages is read row by row
    with contextlib.suppress(ProtocolError):
        plan_of(CALLS[name]).read(row)


@pytest.mark.parametrize("name", CALLS)
def test_help_says_what_a_call_gives(name):
    """The signature of each call ends in what it gives, its types can be resolved, and help() shows its words."""
    method = CALLS[name]
    gives = inspect.signature(method).return_annotation
    assert gives is not inspect.Signature.empty
    assert "return" in get_type_hints(method)
    assert inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)
    assert method.__doc__


@pytest.mark.parametrize("name", METHODS)
def test_every_argument_is_explained(name):
    """The words of each method name each of its arguments, and the path that it takes."""
    words, method = inspect.getdoc(METHODS[name]) or "", METHODS[name]
    if name.rpartition(".")[2].startswith("_"):
        return
    for argument in list(inspect.signature(method).parameters)[1:]:
        assert re.search(rf"^ +{argument}: [A-Z\"]", words, re.MULTILINE), argument
    plan = plan_of(method)
    if plan is not None and not plan.segments:
        assert f"{plan.endpoint.method} {plan.endpoint.path}" in words


def test_a_client_tells_of_its_calls():
    """`calls` is a property with words of its own."""
    assert "one-shot call" in (A2EClient.calls.__doc__ or "")
