"""Answers to a start that belong to another one, or to nobody: they are no answers."""

from __future__ import annotations

import json

import attrs
import pytest
from lost_starts import FOUR_IMAGES
from virtual_time import IMAGE, VIDEO, caught, client, virtual

from a2e_async import StartUnknownError
from a2e_async.families.head_swap import HeadSwap
from a2e_async.simulator.virtual import DirectTransport

SWAP = HeadSwap("https://files.example.net/head.png", target_image_url="https://files.example.net/dance.mp4")


class MixingUp(DirectTransport):
    """Gives an answer made of the first one and the right one to each start after the first."""

    def __init__(self, app, make):
        super().__init__(app, 0.05)
        self._make = make
        self._first = None

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if not request.start:
            return reply
        body = json.loads(reply.body)
        self._first = self._first or body["data"]
        return attrs.evolve(reply, body=json.dumps({"code": 0, "data": self._make(self._first, body["data"])}).encode())


def without_name(row):
    """Give a row without its name."""
    return {key: value for key, value in row.items() if key != "name"}


MIXED = {
    "the first answer again": lambda first, _right: first,
    "the first answer again, without a name": lambda first, _right: without_name(first),
    "the first answer again, in a list": lambda first, _right: [first],
    "both": lambda first, right: [first, right],
    "both, the right one twice": lambda first, right: [right, first, right],
    "another one's": lambda first, _right: {**first, "_id": "f" * 24, "name": "x ~k7f3q9x2m4pda"},
}


@pytest.mark.parametrize("mixed", MIXED)
@virtual(opened=False)
async def test_the_task_of_another_start_is_not_taken_over(sim, mixed):
    """Each start has its own task and is billed once, whichever answers are mixed up; ids that repeat count once."""
    async with client(sim, http=MixingUp(sim, MIXED[mixed]), max_starts=1) as a2e:
        first = a2e.start(VIDEO)
        await first.accepted()
        second = a2e.start(VIDEO)
        await second
        await first
        assert {job.tag: job.task_ids for job in (first, second)} == {
            start.tag: start.task_ids for start in sim.world.book.starts
        }
        assert a2e.spent == sim.world.book.spent


@virtual(opened=False)
async def test_without_a_tag_an_answer_with_one_is_none(sim):
    """A start that carries no tag does not take over a task whose name has one; nothing else can be known of it."""
    async with client(sim, http=MixingUp(sim, MIXED["another one's"]), max_starts=1) as a2e:
        job = a2e.with_options(tagging=False).start(VIDEO)
        assert isinstance(await caught(job.wait()), StartUnknownError)
        assert sim.counters["image_to_video.start"] == 1


@virtual(opened=False)
async def test_a_family_without_names_tells_answers_apart_by_their_ids(sim):
    """Where starts carry no name, the id of a start that was answered before gives a mixed-up answer away."""
    async with client(sim, http=MixingUp(sim, MIXED["the first answer again"]), max_starts=1) as a2e:
        first, second = a2e.start(SWAP), a2e.start(SWAP)
        await first
        assert isinstance(await caught(second.wait()), StartUnknownError)
        assert sim.counters["head_swap.start"] == 2


@virtual(opened=False)
async def test_an_answer_that_names_one_task_twice_counts_it_once(sim):
    """Of a list that repeats ids each task is one record, and its coins are counted once."""
    async with client(sim, http=MixingUp(sim, lambda _first, right: [*right, *right])) as a2e:
        job = a2e.start(FOUR_IMAGES)
        result = await job
        assert len(result.records) == 4
        assert a2e.spent == sim.world.book.spent


class Broken(DirectTransport):
    """Ends the first answer to a start with an error that is none of ours."""

    async def send(self, request, headers):
        """Answer one request."""
        reply = await super().send(request, headers)
        if request.start and self.app.counters["text_to_image.start"] == 1:
            raise MemoryError("sk_simulator and what else was said")
        return reply


@virtual(opened=False)
async def test_an_error_of_ours_while_the_answer_comes_is_an_unknown_outcome(sim, caplog):
    """Whatever breaks while a POST is out says nothing of what the service did: the start is found, and held for."""
    async with client(sim, http=Broken(sim, 0.05), budget=10) as a2e:
        await a2e.start(IMAGE)
        assert len(sim.world.book.starts) == 1
        assert (a2e.spent, a2e.reserved) == (10, 0)
    assert "what else was said" not in caplog.text


@pytest.mark.parametrize("times", [1, 2])
@virtual(opened=False)
async def test_a_start_that_met_a_token_which_has_changed_is_sent_once_more(sim, times):
    """64 starts that a rotation of the token refuses go out again with the new one; a second refusal ends them."""
    tokens = iter(["sk_old", *["sk_simulator" if times == 1 else "sk_wrong"] * 100])
    async with client(sim, token=lambda: next(tokens), max_starts=64) as a2e:
        jobs = [a2e.start(IMAGE) for _ in range(64)]
        ends = [(await caught(job.wait())) if times == 2 else await job for job in jobs]
    assert sim.counters["text_to_image.start"] == 128
    assert len(sim.world.book.starts) == (64 if times == 1 else 0)
    assert {type(end).__name__ for end in ends} == {"Result" if times == 1 else "AuthenticationError"}


@virtual(opened=False)
async def test_a_token_that_stays_is_refused_once(sim):
    """The same token again changes nothing, and a page that says 401 is no word of the service about it."""
    sim.faults.add("text_to_image.start", "status", status=401)
    async with client(sim, token=lambda: "sk_simulator") as a2e:
        assert type(await caught(a2e.start(IMAGE).wait())).__name__ == "AuthenticationError"
        assert sim.counters["text_to_image.start"] == 1


@virtual(opened=False)
async def test_a_token_callable_that_fails_leaves_the_refusal_to_be_heard(sim):
    """What went wrong first is what its job ends with."""
    tokens = iter(["sk_old"])
    sim.faults.add("text_to_image.start", "status", status=401)
    async with client(sim, token=lambda: next(tokens)) as a2e:
        assert type(await caught(a2e.start(IMAGE).wait())).__name__ == "AuthenticationError"
