"""One bill per intent: whatever becomes of a start's answer, it is charged once and its job is handed back."""

from __future__ import annotations

import asyncio
import logging
import random

import attrs
import pytest
from virtual_time import FILM, PICTURE, caught, client, now, play_out, until, virtual

from a2e_async import (
    ImageToVideo,
    InvalidRequestError,
    JobFailedError,
    ModerationError,
    RejectedRequestError,
    Retry,
    StartUnknownError,
    TextToImage,
    TransportError,
    UsageError,
)
from a2e_async.core import tags
from a2e_async.core.hooks import Posted
from a2e_async.families.head_swap import HeadSwap
from a2e_async.simulator.virtual import DirectTransport, virtual_app

FOUR_PICTURES = TextToImage("four red kites", max_images=4)
FOUR_FILMS = ImageToVideo("http://example.com/a.png", prompt="four", negative_prompt="no", number_of_images=4)
REQUESTS = {"picture": PICTURE, "film": FILM, "four pictures": FOUR_PICTURES, "four films": FOUR_FILMS}

ONCE_AFTER = {
    "reset": ("reset", {}),
    "500": ("status", {"status": 500}),
    "502": ("status", {"status": 502, "body": "html"}),
    "503": ("status", {"status": 503}),
    "504": ("status", {"status": 504, "body": "html"}),
    "html": ("html", {}),
    "cut json": ("cut_json", {}),
    "null": ("null", {}),
}
ONCE_BEFORE = {
    "reset": ("reset", {}),
    "429": ("status", {"status": 429, "retry_after": 1}),
    "502": ("status", {"status": 502}),
    "503": ("status", {"status": 503, "retry_after": 1}),
}
WAYS = {
    **{f"after: {name}": (kind, {"when": "after", **details}) for name, (kind, details) in ONCE_AFTER.items()},
    **{f"before: {name}": (kind, {"when": "before", **details}) for name, (kind, details) in ONCE_BEFORE.items()},
    "always after: reset": ("reset", {"when": "after", "hits": None}),
}
UNCLEAR = {
    "408": ("status", {"status": 408}),
    "stall": ("stall", {}),
    "empty": ("empty", {}),
    "code 500": ("code", {"code": 500}),
    "code 408": ("code", {"code": 408}),
    "html 500": ("html", {"status": 500}),
}


def lose(sim, request, **details):
    """Let the answer to a start be lost, once unless told otherwise."""
    sim.faults.add(f"{family(request)}.start", "reset", **{"when": "after", **details})


def family(request):
    """Give the name of a request's family."""
    return "text_to_image" if isinstance(request, TextToImage) else "image_to_video"


async def starts_once(a2e, sim, request, way):
    """Start a request while its answer is spoilt in this way, and check that it is charged once and handed back."""
    kind, details = way
    sim.faults.add(f"{family(request)}.start", kind, **details)
    job = a2e.start(request)
    result = await job
    (start,) = sim.world.book.starts
    assert start.tag == job.tag
    assert result.task_ids == start.task_ids


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("way", [*WAYS, *UNCLEAR])
def test_a_spoilt_start_is_billed_once_and_handed_back(way, request_name):
    """Each way to spoil a start leads to one bill and to the job, with all its tasks in their order."""

    async def story():
        sim = virtual_app(coins=10_000, siblings_in_reply=True)
        async with client(sim) as a2e:
            await starts_once(a2e, sim, REQUESTS[request_name], {**WAYS, **UNCLEAR}[way])

    play_out(story())


@virtual()
async def test_siblings_that_the_reply_does_not_name_are_collected(a2e, sim):
    """A reply that names the first of four films leads to all four."""
    job = a2e.start(FOUR_FILMS)
    await job.accepted()
    assert job.task_ids == sim.world.book.starts[0].task_ids
    assert len((await job).urls) == 4


@pytest.mark.parametrize("names", [0, 1, 10, 20, "drop"])
@pytest.mark.parametrize("where", ["names", "list_names"])
@pytest.mark.parametrize("hits", [1, None])
@pytest.mark.parametrize("when", ["before", "after"])
def test_names_that_do_not_come_back_never_lead_to_a_second_bill(names, where, hits, when):
    """A service that cuts or drops names gets one start; the caller gets the job or StartUnknownError."""

    async def story():
        sim = virtual_app(coins=10_000, **{where: names})
        lose(sim, PICTURE, hits=hits, when=when)
        async with client(sim) as a2e:
            job = a2e.start(PICTURE)
            (end,) = await asyncio.gather(job, return_exceptions=True)
            if isinstance(end, StartUnknownError):
                assert end.tag == job.tag
            else:
                assert end.task_ids == sim.world.book.starts[0].task_ids
            assert len(sim.world.book.starts) <= 1
            assert sim.counters["text_to_image.start"] == 1 or when == "before"

    play_out(story())


@pytest.mark.parametrize("cut", range(1, 15))
def test_a_tag_that_lost_its_end_is_never_taken_for_another_tag(cut):
    """A name cut within the tag withdraws the trust in names, also when what is left looks like a tag."""

    async def story():
        tag = "bababababababa"[: 12 + cut % 2]
        sent = tags.put("a red kite", tag, "a", 100)
        sim = virtual_app(coins=10_000, list_names=len(sent) - cut)
        lose(sim, PICTURE)
        async with client(sim) as a2e:
            assert isinstance(await caught(a2e.start(PICTURE, tag=tag).wait()), StartUnknownError)
            assert len(sim.world.book.starts) == 1

    play_out(story())


@virtual(names=20)
async def test_a_reply_with_a_cut_name_withdraws_the_trust_for_later_starts(a2e, sim):
    """Once a reply showed a cut name, a lost start is never sent again, although the list shows nothing at all."""
    await a2e.start(PICTURE)
    sim.world.change(list_lag=600)
    lose(sim, PICTURE)
    assert isinstance(await caught(a2e.start(PICTURE).wait()), StartUnknownError)
    assert len(sim.world.book.starts) == 2


@pytest.mark.parametrize("lag", [0.2, 1, 5, 20, 45, 58])
@pytest.mark.parametrize("on_unknown", ["resend", "raise"])
def test_a_list_that_lags_less_than_the_window_still_finds_the_start(lag, on_unknown):
    """A lost start is adopted within the window, also when the list shows it late."""

    async def story():
        sim = virtual_app(coins=10_000, list_lag=lag)
        lose(sim, FILM)
        async with client(sim) as a2e:
            await a2e.start(FILM, on_unknown=on_unknown)
            assert len(sim.world.book.starts) == 1

    play_out(story())


@virtual(list_lag=300, task_seconds=3_600)
async def test_with_a_longer_lag_the_second_bill_is_found_and_refunded(a2e, sim, caplog):
    """A start that shows up only after the window is sent twice, and its double is deleted while it has not begun."""
    sim.world.change(task_seconds=6_000)
    lose(sim, FILM)
    job = a2e.start(FILM, timeout=None)
    await job
    first, second = sim.world.book.starts
    assert first.tag == second.tag == job.tag
    assert job.task_ids == second.task_ids
    assert (first.refunded, second.refunded) == (0, 0)  # the first had run for long when the list showed it
    assert f"tag {job.tag} was taken twice: {second.task_ids[0]} is kept, {first.task_ids[0]} is" in caplog.text


@virtual(list_lag=300, task_seconds=3_600)
async def test_with_a_longer_lag_and_raise_there_is_never_a_second_bill(a2e, sim):
    """With on_unknown="raise" a start whose absence seems proven is not sent again."""
    lose(sim, FILM)
    error = await caught(a2e.start(FILM, on_unknown="raise").wait())
    assert isinstance(error, StartUnknownError)
    assert "was not sent again" in str(error)
    assert len(sim.world.book.starts) == 1
    assert isinstance(error.__cause__, TransportError)


@virtual()
async def test_raise_still_adopts_what_is_found(a2e, sim):
    """With on_unknown="raise" a lost start that the list shows is adopted."""
    lose(sim, FILM)
    await a2e.with_options(on_unknown="raise").start(FILM)
    assert len(sim.world.book.starts) == 1


@virtual()
async def test_without_tagging_a_lost_start_is_never_sent_again(a2e, sim):
    """Without a tag nothing can be found, so nothing is looked for and nothing is sent again."""
    lose(sim, PICTURE)
    job = a2e.with_options(tagging=False).start(PICTURE)
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.world.book.starts[0].name == "a red kite"
    assert dict(sim.counters) == {"text_to_image.start": 1}


@pytest.mark.parametrize("key", ["msg", "message", "error", "data"])
@virtual()
async def test_a_start_that_was_blocked_for_its_content_is_sent_once(a2e, sim, key):
    """A 200 that says NSFW and holds no task is a refusal: it is not looked for and not sent again."""
    sim.faults.add("text_to_image.start", "code", hits=None, code=0, key=key, message="NSFW content detected")
    error = await caught(a2e.start(PICTURE).wait())
    assert type(error) is ModerationError
    assert error.message == "NSFW content detected"
    assert dict(sim.counters) == {"text_to_image.start": 1}
    assert (sim.world.book.starts, a2e.stats().adopted) == ([], 0)
    assert now() < 1


@virtual()
async def test_a_lost_start_of_a_family_without_names_is_never_sent_again(a2e, sim):
    """Where starts carry no name there is nothing to look for, and nothing is sent again."""
    sim.faults.add("head_swap.start", "reset", when="after", hits=None)
    swap = HeadSwap("https://files.example.net/head.png", target_image_url="https://files.example.net/dance.mp4")
    error = await caught(a2e.start(swap).wait())
    assert (type(error), error.look_again) == (StartUnknownError, False)
    assert dict(sim.counters) == {"head_swap.start": 1}


@virtual()
async def test_a_start_that_was_never_taken_is_sent_once_more_under_the_same_tag(a2e, sim):
    """A start lost before the work is sent a second time, with the letter b, once its absence is proven."""
    lose(sim, PICTURE, when="before")
    job = a2e.start(PICTURE)
    await job.accepted()
    assert now() > 60
    (start,) = sim.world.book.starts
    assert start.name == f"a red kite ~{job.tag}b"


@virtual()
async def test_a_second_send_that_is_lost_too_is_the_last(a2e, sim):
    """Two sends lost before the work lead to StartUnknownError, never to a third."""
    lose(sim, PICTURE, when="before", hits=None)
    assert isinstance(await caught(a2e.start(PICTURE).wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 2


@virtual()
async def test_a_second_send_that_was_lost_after_the_work_is_adopted(a2e, sim):
    """The second send is looked for like the first."""
    lose(sim, PICTURE, when="before")
    lose(sim, PICTURE, skip=1)
    job = a2e.start(PICTURE)
    await job
    assert [start.task_ids for start in sim.world.book.starts] == [job.task_ids]


@pytest.mark.parametrize(
    "fault", [("status", {"status": 503}), ("html", {}), ("null", {}), ("reset", {}), ("cut_json", {}), ("stall", {})]
)
@virtual()
async def test_lists_that_fail_for_the_whole_window_prove_nothing(a2e, sim, fault):
    """While no sweep answers in full a lost start is not sent again."""
    kind, details = fault
    sim.faults.add("text_to_image.list", kind, hits=None, **details)
    lose(sim, PICTURE, when="before")
    assert isinstance(await caught(a2e.start(PICTURE).wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 1
    assert not sim.world.book.starts


@pytest.mark.parametrize("fails", [1, 3, 6])
@virtual()
async def test_lists_that_fail_for_part_of_the_window_only_delay(a2e, sim, fails):
    """A lost start is adopted as soon as a sweep answers."""
    sim.faults.add("text_to_image.list", "status", status=502, hits=fails)
    lose(sim, PICTURE)
    await a2e.start(PICTURE)
    assert len(sim.world.book.starts) == 1


class Lists(DirectTransport):
    """A service whose lists have habits of their own."""

    def __init__(self, app, *, turns_pages=True, largest_page=100, counts_by="given", rows=None):
        super().__init__(app, 0.05)
        self._turns_pages, self._largest, self._counts_by, self._rows = turns_pages, largest_page, counts_by, rows

    async def send(self, request, headers):
        """Change a list's paging before the service sees it."""
        if request.path.endswith("/allRecords"):
            page, size = (int(request.query[key]) for key in ("pageNum", "pageSize"))
            capped = min(size, self._largest)
            if self._counts_by == "asked" and size != capped:
                page = (page - 1) * size // capped + 1
            query = {"pageNum": str(page if self._turns_pages else 1), "pageSize": str(capped)}
            request = attrs.evolve(request, query=query)
        return await super().send(request, headers)


def crowd(sim, count):
    """Let others start so many pictures."""
    for number in range(count):
        sim.world.start("text_to_image", {"prompt": "x", "name": tags.put("other", f"other{number:06}", "a", 100)})


@pytest.mark.parametrize("when", ["before", "after"])
@virtual(opened=False)
async def test_lists_that_do_not_turn_pages_prove_nothing(sim, when):
    """A list that shows its first page again and again is no proof of absence; what is on that page is adopted."""
    async with client(sim, http=Lists(sim, turns_pages=False)) as a2e:
        lose(sim, PICTURE, when=when)
        job = a2e.start(PICTURE)
        await until(lambda: sim.counters["text_to_image.start"])
        crowd(sim, 30)
        error = None if when == "after" else await caught(job.wait())
        assert (when == "after" and bool(await job)) or isinstance(error, StartUnknownError)
        assert sim.counters["text_to_image.start"] == 1


@pytest.mark.parametrize("counts_by", ["given", "asked"])
@pytest.mark.parametrize("when", ["before", "after"])
@virtual(opened=False)
async def test_lists_of_twenty_rows_a_page_are_read_in_full(sim, when, counts_by):
    """A service that gives fewer rows a page than asked for, counted either way, hides no start."""
    async with client(sim, http=Lists(sim, largest_page=20, counts_by=counts_by)) as a2e:
        lose(sim, PICTURE, when=when)
        job = a2e.start(PICTURE)
        await until(lambda: sim.counters["text_to_image.start"])
        crowd(sim, 70)
        await job
        assert sim.world.book.bills_by_tag()[job.tag] == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@virtual()
async def test_a_start_follows_no_redirect(a2e, sim, status):
    """A redirect is a refusal: the start goes to no second place."""
    sim.faults.add("text_to_image.start", "redirect", status=status, location="/api/v1/userText2Image/start")
    assert isinstance(await caught(a2e.start(PICTURE).wait()), RejectedRequestError)
    assert dict(sim.counters) == {"text_to_image.start": 1}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 451])
@pytest.mark.parametrize("body", ["json", "html"])
@virtual()
async def test_a_refused_start_is_never_repeated(a2e, sim, status, body):
    """A 4xx is raised at once, whatever its body; the service's own 403 is first checked against another call."""
    sim.faults.add("image_to_video.start", "status", status=status, body=body, hits=None)
    error = await caught(a2e.start(FILM).wait())
    assert error.status == status
    asked = {"balance": 1} if (status, body) == (403, "json") else {}
    assert sim.counters == {"image_to_video.start": 1, **asked}
    assert now() < 1


@pytest.mark.parametrize("code", [400, 1001, 1003, 1010, -1])
@virtual()
async def test_a_code_that_names_a_reason_is_never_repeated(a2e, sim, code):
    """A 200 whose code is a refusal is raised at once."""
    sim.faults.add("image_to_video.start", "code", code=code, message="no", hits=None)
    assert (await caught(a2e.start(FILM).wait())).code == code
    assert sim.counters == {"image_to_video.start": 1}


class Unreachable(DirectTransport):
    """A service that cannot be connected to at first."""

    def __init__(self, app, failures):
        super().__init__(app, 0.05)
        self.failures = failures

    async def send(self, request, headers):
        """Fail to connect, as often as it was told to."""
        if self.failures:
            self.failures -= 1
            raise TransportError("could not connect", sent=False)
        return await super().send(request, headers)


@pytest.mark.parametrize("failures", [1, 5])
@virtual(opened=False)
async def test_a_failure_to_connect_is_retried(sim, failures):
    """What surely did not arrive is sent again after a wait, without any look at the list."""
    async with client(sim, http=Unreachable(sim, failures)) as a2e:
        await a2e.start(PICTURE).accepted()
        assert len(sim.world.book.starts) == 1
        assert sim.counters["text_to_image.list"] == 0


@virtual(opened=False)
async def test_failures_to_connect_are_retried_a_bounded_number_of_times(sim):
    """After Retry.attempts failures the error is raised, and nothing was sent."""
    transport = Unreachable(sim, 1_000)
    async with client(sim, http=transport, retry=Retry(attempts=4)) as a2e:
        error = await caught(a2e.start(PICTURE).wait())
        assert isinstance(error, TransportError)
        assert not error.sent
        assert transport.failures == 996


@virtual(opened=False)
async def test_a_busy_service_is_asked_again_a_bounded_number_of_times(sim):
    """After Retry.attempts answers 429 the error is raised."""
    sim.faults.add("text_to_image.start", "status", status=429, retry_after=2, hits=None)
    async with client(sim, retry=Retry(attempts=3)) as a2e:
        assert (await caught(a2e.start(PICTURE).wait())).retry_after == 2
        assert sim.counters["text_to_image.start"] == 3
        assert 4 <= now() < 6


@virtual(options={"max_starts": 300})
async def test_300_starts_lost_at_once_are_found_by_one_finder(a2e, sim):
    """All lost starts of a family share the sweeps of the list."""
    lose(sim, PICTURE, hits=None)
    jobs = [a2e.start(PICTURE) for _ in range(300)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert sim.world.book.bills_by_tag() == {job.tag: 1 for job in jobs}
    assert sim.counters["text_to_image.list"] <= 5  # the clock, and one sweep of 300 rows
    await asyncio.gather(*jobs)


@virtual(options={"max_starts": 300}, list_lag=20)
async def test_300_lost_starts_that_show_up_late_cost_few_list_requests(a2e, sim):
    """Sweeps are spaced: half a minute of looking costs no more than a few dozen requests."""
    lose(sim, PICTURE, hits=None)
    jobs = [a2e.start(PICTURE) for _ in range(300)]
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert len(sim.world.book.starts) == 300
    assert sim.counters["text_to_image.list"] <= 12


@virtual()
async def test_a_later_lost_start_does_not_wait_for_the_sweeps_of_an_earlier_one(a2e, sim):
    """A start that is lost while another has been looked for for long is found after half a second."""
    lose(sim, PICTURE, when="before")
    early = a2e.start(PICTURE)
    await asyncio.sleep(33)  # the next sweep for the first start comes at 60 s
    lose(sim, PICTURE)
    late = a2e.start(PICTURE)
    await late.accepted()
    assert now() < 35
    await early


# Looking first, as a resume does.


@virtual()
async def test_look_first_adopts_what_an_earlier_process_started(a2e, sim):
    """A resume takes over the task that is there and sends nothing."""
    earlier = a2e.start(PICTURE, tag="resumed1")
    await earlier
    async with client(sim) as other:
        job = other.start(PICTURE, tag="resumed1", look_first=True)
        assert (await job).task_ids == earlier.task_ids
    assert sim.counters["text_to_image.start"] == 1


@virtual()
async def test_look_first_starts_what_is_not_there(a2e, sim):
    """A resume of an intent that was never sent sends it, as a first send, after the window."""
    job = a2e.start(PICTURE, tag="resumed1", look_first=True)
    await job.accepted()
    assert 60 < now() < 62
    assert sim.world.book.starts[0].name == "a red kite ~resumed1a"


def resumed(a2e, sent_before):
    """Give a view of a client whose starts may have been sent before by another process."""
    view = a2e.with_options()
    posted = None if sent_before is None else Posted(first=sent_before, last=sent_before)
    view._options = attrs.evolve(a2e._options, look_first=True, sent_before=posted)
    return view


@virtual()
async def test_look_first_sends_the_second_letter_after_an_earlier_process(a2e, sim):
    """What another process may have sent an hour ago and is not there is sent once more, after the whole window."""
    view = resumed(a2e, sim.world.clock.now() - 3_600)
    await view.start(PICTURE, tag="resumed1").accepted()
    assert now() > 60  # no proof is ever hasty
    assert sim.world.book.starts[0].name == "a red kite ~resumed1b"


@pytest.mark.parametrize("sent_before", [True, False])
@virtual(list_lag=40)
async def test_look_first_waits_for_a_list_that_lags(a2e, sim, sent_before):
    """What another process sent a moment ago and the list does not show yet is adopted, not sent again."""
    name = tags.put("a red kite", "resumed1", "a", 100)
    (task,) = sim.world.start("text_to_image", {"prompt": "x", "name": name})
    view = resumed(a2e, sim.world.clock.now() if sent_before else None)
    assert (await view.start(PICTURE, tag="resumed1")).task_ids == (task.id,)
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_a_second_send_after_an_earlier_process_is_the_last(a2e, sim):
    """The send of a resume counts as the second: when it is lost and not found there is no third."""
    lose(sim, PICTURE, when="before", hits=None)
    view = resumed(a2e, sim.world.clock.now() - 3_600)
    assert isinstance(await caught(view.start(PICTURE, tag="resumed1").wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 1


@virtual(task_seconds=400)
async def test_a_double_of_an_earlier_process_is_reported_when_the_job_settles(a2e, sim, caplog):
    """The first send of another process that shows up late is found at the end."""
    name = tags.put("a red kite", "resumed1", "a", 100)
    (first,) = sim.world.start("text_to_image", {"prompt": "x", "name": name})
    sim.world.change(list_lag=300)
    await resumed(a2e, sim.world.clock.now()).start(PICTURE, tag="resumed1")
    assert f"tag resumed1 was taken twice: {sim.world.book.starts[1].task_ids[0]} is kept, {first.id}" in caplog.text


@pytest.mark.parametrize("hours", [48.1, 72, 1_000])
@virtual()
async def test_what_may_have_been_sent_too_long_ago_is_not_sent_again(a2e, sim, hours):
    """Lists drop what has expired, so absence proves nothing for an old start."""
    view = resumed(a2e, sim.world.clock.now() - hours * 3_600)
    job = view.start(PICTURE, tag="resumed1")
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_an_old_start_is_not_sent_again_when_the_clock_is_not_known(a2e, sim):
    """While the service's time cannot be learned, the age of a start is not taken for zero."""
    sim.faults.add("text_to_image.list", "reset", hits=6)
    view = resumed(a2e, sim.world.clock.now() - 72 * 3_600)
    assert isinstance(await caught(view.start(PICTURE, tag="resumed1").wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 0


@virtual()
async def test_look_first_without_a_list_sends_nothing(a2e, sim):
    """While the list cannot be had a resume does not know, and so does not send."""
    sim.faults.add("text_to_image.list", "status", status=503, hits=None)
    job = a2e.start(PICTURE, tag="resumed1", look_first=True)
    assert isinstance(await caught(job.wait()), StartUnknownError)
    assert sim.counters["text_to_image.start"] == 0


# Finding by hand.


@virtual()
async def test_find_gives_the_job_of_a_tag(a2e, sim):
    """The tasks of a tag are given as a job, in the order in which they were made."""
    await a2e.start(FOUR_PICTURES, tag="findable").accepted()
    async with client(sim) as other:
        job = await other.find(TextToImage, "findable")
        assert (await job).task_ids == sim.world.book.starts[0].task_ids


@virtual()
async def test_find_gives_none_for_a_tag_that_is_not_there(a2e, sim):
    """A list in full without the tag means None."""
    crowd(sim, 150)
    assert await a2e.find(TextToImage, "findable") is None


@virtual()
async def test_find_raises_when_the_list_cannot_be_had(a2e, sim):
    """None would invite the caller to pay twice, so a list that fails is an error."""
    sim.faults.add("text_to_image.list", "null", hits=None)
    assert type(await caught(a2e.find(TextToImage, "findable"))).__name__ == "ProtocolError"
    sim.faults.clear()
    sim.faults.add("text_to_image.list", "status", status=503, hits=None)
    assert type(await caught(a2e.find(TextToImage, "findable"))).__name__ == "ServiceError"


@virtual()
async def test_find_asks_a_list_that_fails_again(a2e, sim):
    """One bad answer of the list does not spoil a search."""
    await a2e.start(PICTURE, tag="findable").accepted()
    sim.faults.add("text_to_image.list", "status", status=503)
    assert await a2e.find("text_to_image", "findable") is not None


@pytest.mark.parametrize("family", ["head_swap", "face_swap_preview"])
@virtual()
async def test_find_refuses_a_family_without_names(a2e, sim, family):
    """None would say that no task has the tag, which the list of a family without names never shows."""
    with pytest.raises(UsageError, match="carry no name"):
        await a2e.find(family, "findable")
    assert not sim.counters


@virtual()
async def test_a_family_without_a_list_says_so(a2e, sim):
    """Where the service has no list nothing is sent to one that was made up."""
    with pytest.raises(UsageError, match="has no list"):
        [record async for record in a2e.records("face_swap_preview")]
    assert not sim.counters


# Doubles.


async def doubled(a2e, sim, request=FILM, *, seconds, unseen=0):
    """Let both sends of a start be taken and be seen when the second one is looked for."""
    sim.world.change(list_lag=1_000, task_seconds=seconds)
    lose(sim, request, hits=2)
    job = a2e.start(request)
    await until(lambda: len(sim.world.book.starts) == 2)
    await asyncio.sleep(unseen)
    sim.world.change(list_lag=0)
    await job.accepted()
    return job


@virtual()
async def test_of_two_sends_that_are_seen_the_first_is_kept_and_the_other_refunded(a2e, sim, caplog):
    """Both sends visible: the first is watched, the second deleted while it is initialized, and its coins come back."""
    job = await doubled(a2e, sim, seconds=2_000)
    first, second = sim.world.book.starts
    assert job.task_ids == first.task_ids
    await job
    assert (first.refunded, second.refunded) == (0, second.coins)
    assert a2e.spent == first.coins
    assert (
        f"tag {job.tag} was taken twice: {first.task_ids[0]} is kept, {second.task_ids[0]} was deleted" in caplog.text
    )


@virtual()
async def test_a_double_of_four_is_cleared_task_by_task(a2e, sim):
    """Each task of the second send is deleted, also when one deletion fails at first."""
    sim.faults.add("text_to_image.delete", "status", status=500, hits=1)
    job = await doubled(a2e, sim, FOUR_PICTURES, seconds=2_000)
    first, second = sim.world.book.starts
    await job
    assert job.task_ids == first.task_ids
    assert (first.refunded, second.refunded) == (0, second.coins)


@virtual()
async def test_a_double_that_has_ended_is_reported_and_never_deleted(a2e, sim, caplog):
    """A finished double stays: deleting it would lose the film and refund nothing."""
    job = await doubled(a2e, sim, seconds=5, unseen=20)
    await job
    _first, second = sim.world.book.starts
    assert f"{second.task_ids[0]} is completed and was left alone" in caplog.text
    assert sim.counters["image_to_video.delete"] == 0
    assert a2e.spent == sim.world.book.spent


@virtual(list_lag=90)
async def test_a_double_that_shows_up_only_when_the_job_settles_is_reported(a2e, sim, caplog):
    """The list is looked at once more at the end, so a late first send does not go unnoticed."""
    sim.world.change(task_seconds=1_000)
    lose(sim, FILM)
    job = a2e.start(FILM)
    await job.accepted()
    assert "taken twice" not in caplog.text
    await job
    first, second = sim.world.book.starts
    assert job.task_ids == second.task_ids
    assert f"{second.task_ids[0]} is kept, {first.task_ids[0]} is completed and was left alone" in caplog.text
    assert a2e.spent == sim.world.book.spent == 60


@virtual()
async def test_a_list_that_fails_when_doubles_are_looked_for_is_said(a2e, sim, caplog):
    """A job still settles when the list fails at the end, and the log says what is not known."""
    lose(sim, FILM, when="before")
    job = a2e.start(FILM)
    await job.accepted()
    sim.faults.add("image_to_video.list", "status", status=503, hits=None)
    await job
    assert f"tag {job.tag} was sent twice, and the list cannot be checked" in caplog.text


# Tags and tunables.


@virtual()
async def test_a_tag_of_the_caller_stands_in_the_name(a2e, sim):
    """The name that is sent carries the caller's tag and the letter of the send."""
    job = a2e.start(attrs.evolve(FILM, name="n" * 100), tag="mytag123")
    await job.accepted()
    name = sim.world.book.starts[0].name
    assert name.endswith(" ~mytag123a")
    assert len(name) <= 100
    assert job.records[0].tag == "mytag123"
    assert job.records[0].name == "n" * 89


@virtual()
async def test_tags_of_the_client_are_all_different(a2e, sim):
    """Each start has a tag of its own, minted once."""
    jobs = [a2e.start(PICTURE) for _ in range(500)]
    assert len({job.tag for job in jobs}) == 500
    await asyncio.gather(*(job.accepted() for job in jobs))
    assert sim.world.book.bills_by_tag() == {job.tag: 1 for job in jobs}


@virtual()
async def test_a_tag_that_is_in_use_is_refused(a2e, sim):
    """Two live jobs with one tag would be one intent, so the second is refused; afterwards the tag is free."""
    job = a2e.start(PICTURE, tag="mytag123")
    with pytest.raises(UsageError, match="mytag123 names another job"):
        a2e.start(PICTURE, tag="mytag123")
    await job
    await a2e.start(PICTURE, tag="mytag123")


@pytest.mark.parametrize("tag", ["short", "x" * 25, "UPPERCASE", "with space", "with-dash", "", 12345678])
@virtual()
async def test_a_tag_of_another_shape_is_refused(a2e, sim, tag):
    """A tag is 8 to 24 of a-z0-9."""
    with pytest.raises(InvalidRequestError, match="8 to 24"):
        a2e.start(PICTURE, tag=tag)


@pytest.mark.parametrize("window", [2.0, 10.0, 600.0])
@virtual(opened=False)
async def test_the_window_is_tunable(sim, window):
    """Absence counts as proven after `unknown_window` seconds, with the same number of sweeps."""
    lose(sim, PICTURE, when="before")
    async with client(sim, retry=Retry(unknown_window=window)) as a2e:
        await a2e.start(PICTURE).accepted()
        assert window <= now() < window + 2
        assert 7 <= sim.counters["text_to_image.list"] <= 9


@virtual(opened=False)
async def test_the_age_of_proof_is_tunable(sim):
    """With a `proof_age` below the window nothing is ever proven absent."""
    lose(sim, PICTURE, when="before")
    async with client(sim, retry=Retry(proof_age=30)) as a2e:
        assert isinstance(await caught(a2e.start(PICTURE).wait()), StartUnknownError)


@virtual(opened=False)
async def test_the_pages_of_a_sweep_are_tunable(sim):
    """A sweep that had to stop at `list_pages` is not in full and proves nothing."""
    lose(sim, PICTURE, when="before")
    async with client(sim, retry=Retry(list_pages=2)) as a2e:
        job = a2e.start(PICTURE)
        await asyncio.sleep(0.2)
        crowd(sim, 250)
        assert isinstance(await caught(job.wait()), StartUnknownError)


@virtual()
async def test_a_lost_start_that_fails_is_a_failed_job(a2e, sim):
    """What was adopted behaves like any other job."""
    lose(sim, FILM)
    error = await caught(a2e.start(attrs.evolve(FILM, prompt="[fail]")).wait())
    assert isinstance(error, JobFailedError)
    assert len(sim.world.book.starts) == 1


@pytest.mark.parametrize("seed", range(5))
@virtual(coins=1_000_000)
async def test_a_storm_of_faults_bills_each_intent_once(a2e, sim, seed, caplog):
    """200 starts under faults of every kind: one bill each, no job lost."""
    caplog.set_level(logging.ERROR)
    dice = random.Random(seed)
    for kind, details in WAYS.values():
        once = {key: value for key, value in details.items() if key != "hits"}
        sim.faults.add("*.start", kind, every=dice.randint(5, 20), skip=dice.randint(0, 20), hits=20, **once)
    jobs = [a2e.start(dice.choice([PICTURE, FILM, FOUR_PICTURES])) for _ in range(200)]
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    lost = [job for job, end in zip(jobs, ended, strict=True) if isinstance(end, StartUnknownError)]
    bills = sim.world.book.bills_by_tag()
    assert set(bills.values()) == {1}
    assert set(bills) >= {job.tag for job in jobs} - {job.tag for job in lost}
    assert not any(isinstance(end, Exception) for end in ended if not isinstance(end, StartUnknownError))
