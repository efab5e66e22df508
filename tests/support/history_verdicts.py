"""What must hold at the end of a history: bills, jobs and coins."""

from __future__ import annotations

import logging
from collections import Counter

import attrs
from history_plays import Play, Warnings
from virtual_time import play_out

from a2e_async import ClientClosedError, JobCancelledError, JobDetachedError, JobFailedError, StartUnknownError
from a2e_async.core import tags

_DEAREST = 60
_LET_GO = (JobDetachedError, ClientClosedError, StartUnknownError)


@attrs.define
class Outcome:
    """What a history came to."""

    starts: int = 0
    bills: int = 0
    clients: int = 0
    doubles: int = 0
    refunded_doubles: int = 0
    unknown: int = 0
    lost: list[str] = attrs.field(factory=list)
    wrong: list[str] = attrs.field(factory=list)
    miscounted: list[str] = attrs.field(factory=list)


def play(history):
    """Play one history and say what it came to; `wrong`, `lost` and `miscounted` must stay empty."""
    warnings = Warnings()
    logger = logging.getLogger("a2e_async")
    logger.addHandler(warnings)
    told, logger.propagate = logger.propagate, False
    outcome = Outcome()

    async def story():
        played = Play(history)
        hanging = await played.run()
        outcome.lost += [f"{tag} never ended" for tag in hanging]
        _judge(history, played, warnings.texts, outcome)
        for life in played.lives:
            _count(history, played, life, outcome)

    try:
        play_out(story())
    finally:
        logger.removeHandler(warnings)
        logger.propagate = told
    return outcome


# Bills and jobs.


def _judge(history, played, texts, outcome):
    book = played.sim.world.book
    sent = Counter(tags.split(start.name)[1] for start in book.starts)
    outcome.starts = len(played.intents)
    outcome.bills = len(book.starts)
    outcome.clients = len(played.lives)
    for intent in played.intents:
        starts = [start for start in book.starts if start.tag == intent.tag]
        outcome.unknown += isinstance(intent.jobs[-1].error, StartUnknownError)
        if len(starts) > 1:
            _judge_double(history, intent, starts, texts, outcome)
            if _shows_in_time(history, played.sim.world, intent, starts) and not _names_twice(intent, texts):
                outcome.wrong.append(f"{intent.tag}: a second bill that nobody was told of")
        if len(starts) == 1:
            _judge_tasks(history, intent, starts[0], texts, outcome)
        if starts and not _is_told(intent, starts, texts):
            outcome.lost.append(f"{intent.tag}: {starts} ended as {intent.jobs[-1].error!r}")
    if set(sent) - {intent.tag for intent in played.intents}:
        outcome.wrong.append(f"starts of nobody: {sent}")


def _judge_double(history, intent, starts, texts, outcome):
    outcome.doubles += 1
    if history.on_unknown == "raise":
        outcome.wrong.append(f"{intent.tag}: {len(starts)} bills under on_unknown='raise'")
    elif history.list_is_quick or not history.names_are_kept:
        outcome.wrong.append(f"{intent.tag}: {len(starts)} bills")
    elif len(starts) > 2:
        outcome.wrong.append(f"{intent.tag}: {len(starts)} bills, more than a second one")
    refunded = [start for start in starts if start.refunded == start.coins]
    outcome.refunded_doubles += bool(refunded)


def _judge_tasks(history, intent, start, texts, outcome):
    """A job that has completed has every task that its start was charged for; one that was taken back is refunded."""
    last = intent.jobs[-1]
    missing = set() if last.error else set(start.task_ids) - set(last.task_ids)
    short = any("are known" in text and intent.tag in text for text in texts)
    is_said = short or all(any(one in text for text in texts) for one in missing)
    is_plain = history.names_are_kept and history.list_is_quick and not (history.lies or history.faults)
    if not is_said or (missing and short and is_plain):
        outcome.lost.append(f"{intent.tag}: {missing} of one start are nobody's")
    if isinstance(last.error, JobCancelledError) and last.error.refunded and start.refunded < start.coins:
        outcome.miscounted.append(f"{intent.tag}: taken back for nothing, and {start.coins - start.refunded} are paid")


def _names_twice(intent, texts):
    return any("twice" in text and intent.tag in text for text in texts)


def _shows_in_time(history, world, intent, starts):
    """Whether the list shows the other send before the job that was started here settles."""
    last = intent.jobs[-1]
    if last.request is None or isinstance(last.error, JobDetachedError | JobCancelledError | ClientClosedError):
        return False
    ends = max((world.task(task_id).ends for task_id in last.task_ids), default=0.0)
    others = [start.at for start in starts if not set(start.task_ids) & set(last.task_ids)]
    return ends > min(others, default=ends) + history.habits["list_lag"] + 1


def _is_told(intent, starts, texts):
    """Whether the user knows of what was billed: by a result, by ids, or by the tag."""
    known = {task_id for job in intent.jobs for task_id in job.task_ids}
    ended = [job.error for job in intent.jobs]
    kinds = (StartUnknownError, JobDetachedError) if intent.unwanted else StartUnknownError
    by_error = any(isinstance(error, kinds) and error.tag == intent.tag for error in ended)
    by_log = any(intent.tag in text or any(one in text for start in starts for one in start.task_ids) for text in texts)
    return bool(known & {one for start in starts for one in start.task_ids}) or by_error or by_log


# Coins.


def _count(history, played, life, outcome):
    """Compare what one client has counted with the book."""
    limit = float("inf") if history.budget is None else history.budget + _unquoted(history, played)
    most = limit + _second_bills(played, life)
    for spent, reserved in life.counted:
        if min(spent, reserved) < 0 or spent + reserved > most:
            outcome.miscounted.append(f"{spent} spent and {reserved} held on the way")
    least, most = _bounds(played, life)
    if not least <= life.coins.spent <= most:
        outcome.miscounted.append(f"{life.coins.spent} spent, by the book from {least} to {most}")
    unheard = _unheard(played, life)
    if all(isinstance(job.error, JobFailedError | None) for job in life.jobs) and life.coins.reserved > unheard:
        outcome.miscounted.append(f"{life.coins.reserved} held when all had ended, for {unheard} not heard of")
    if (paid := _most_paid(played, life)) > limit:
        outcome.miscounted.append(f"{paid} paid under a budget of {history.budget}")


def _bounds(played, life):
    """Give the least and the most that a client can have counted as spent, by what it was told.

    Nobody documents that a failed task of these families is refunded, so that its coins stay spent. Of a task that was
    deleted the book decides, as far as the client heard of it. Of a start that was billed twice it may know both bills.
    """
    world = played.sim.world
    bills = world.book.tasks
    jobs = [job for job in life.jobs if not isinstance(job.error, JobCancelledError) or job.error.refunded]
    heard = {one for job in jobs if not isinstance(job.error, _LET_GO) for one in job.task_ids}
    accepted = life.accepted & bills.keys()
    back = {one: bills[one].refunded if world.task(one).deleted else 0 for one in accepted}
    least = sum(bills[one].coins - back[one] for one in accepted)
    most = least + sum(back[one] for one in accepted - heard)
    for starts in _doubled(played, {job.tag for job in life.jobs}):
        most += sum(bill.coins for start in starts for bill in start.bills if bill.task_id not in accepted)
    return least, most


def _unquoted(history, played):
    """Give by how much a budget may be passed where a quote was not to be had: by one price that nobody knew.

    One that waits for its turn for too long, because of a rate and of pauses, is not to be had either.
    """
    failed = history.rate is not None or any(rule.struck for rule in played.sim.faults if rule.route == "quote")
    return _DEAREST if failed else 0


def _second_bills(played, life):
    """Give what second bills cost, which nothing can keep out of a budget: they are found when they are paid."""
    doubled = _doubled(played, {job.tag for job in life.jobs})
    return sum(sum(start.coins for start in starts) for starts in doubled)


def _unheard(played, life):
    """Give what the tasks cost that its starts made and no answer named: they stay reserved."""
    own = {job.tag for job in life.jobs}
    bills = [bill for start in played.sim.world.book.starts if start.tag in own for bill in start.bills]
    return sum(bill.coins for bill in bills if bill.task_id not in life.accepted)


def _doubled(played, its_tags):
    """Give the starts of each intent that was billed twice."""
    starts = played.sim.world.book.starts
    by_tag = {tag: [start for start in starts if start.tag == tag] for tag in its_tags}
    return [found for found in by_tag.values() if len(found) > 1]


def _most_paid(played, life):
    """Give the most that the starts of one client had cost at any moment, second bills left out."""
    book = played.sim.world.book
    own = {}
    for start in book.starts[life.began : life.ended]:
        own.setdefault(start.tag, start.task_ids)
    ids = {one for task_ids in own.values() for one in task_ids}
    paid = most = 0
    for movement in sorted(book.movements, key=lambda one: one.at):
        if movement.task_id in ids:
            paid -= movement.coins
            most = max(most, paid)
    return most
