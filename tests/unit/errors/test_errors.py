"""The tree of errors: parents, exports, pickles, texts."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle

import pytest

import a2e_async
from a2e_async import ImageToVideo, Record, Result, errors
from a2e_async.engine.jobs.job import Job

TREE = {
    "A2EError": "Exception",
    "UsageError": "A2EError",
    "InvalidRequestError": "UsageError",
    "ClientClosedError": "UsageError",
    "MissingTokenError": "UsageError",
    "ServiceError": "A2EError",
    "AuthenticationError": "ServiceError",
    "InsufficientCoinsError": "ServiceError",
    "RateLimitedError": "ServiceError",
    "RejectedRequestError": "ServiceError",
    "ModerationError": "ServiceError",
    "NotFoundError": "ServiceError",
    "TransportError": "A2EError",
    "ProtocolError": "A2EError",
    "StartUnknownError": "A2EError",
    "BudgetExceededError": "A2EError",
    "InputFailedError": "A2EError",
    "JobFailedError": "A2EError",
    "JobTimeoutError": "A2EError",
    "JobDetachedError": "A2EError",
    "JobCancelledError": "A2EError",
    "DownloadError": "A2EError",
    "KeyConflictError": "UsageError",
    "LedgerError": "A2EError",
    "FencedError": "LedgerError",
}
FACTS = {
    "InvalidRequestError": {"field": "prompt", "rule": "must be text"},
    "ServiceError": {"status": 500, "code": 7, "trace_id": "t-1", "retry_after": None, "no_route": False},
    "AuthenticationError": {"status": 401},
    "InsufficientCoinsError": {"status": 402},
    "RateLimitedError": {"status": 429, "retry_after": 2.5},
    "RejectedRequestError": {"status": 400, "code": 400},
    "ModerationError": {"status": 403, "code": 1004, "skippable": True},
    "NotFoundError": {"status": 404, "no_route": True},
    "TransportError": {"sent": False},
    "ProtocolError": {"status": 200, "excerpt": "<html>"},
    "BudgetExceededError": {"needed": 30.0, "left": 12.0},
    "JobFailedError": {
        "code": "nsfw",
        "refunded": True,
        "result": Result((Record(id="t1", urls=("https://r.example/1.mp4",)),)),
        "records": (Record(id="t1"), Record(id="t2")),
    },
    "JobCancelledError": {"refunded": True},
    "DownloadError": {"url": "https://r.example/1.mp4", "expired": True},
}
REQUEST = ImageToVideo("https://f.example/a.png", prompt="p", negative_prompt="n", webhook_token="hush")
IDS = ("65f000000000000000000001", "65f000000000000000000002")


def made(name):
    """Make an error of this class with everything it can carry."""
    return getattr(errors, name)("it went wrong", **FACTS.get(name, {})).about(REQUEST, IDS, "k7f3q9x2m4pd")


def attributes(error):
    """Give what an error says of itself."""
    return {
        key: getattr(error, key)
        for key in ("message", "request", "task_ids", "tag", *FACTS.get(type(error).__name__, ()))
    }


def test_the_tree_is_whole():
    """`a2e_async.errors` holds these exceptions and no other, each under its parent."""
    found = {
        name: kind.__base__.__name__
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, BaseException)
    }
    assert found == TREE


def test_each_is_a_name_of_the_root():
    """Every error can be imported from the root too."""
    assert [name for name in TREE if getattr(a2e_async, name, None) is not getattr(errors, name)] == []
    assert set(TREE) <= set(a2e_async.__all__)


@pytest.mark.parametrize("name", TREE)
def test_each_pickles_with_all_it_carries(name):
    """An error that was pickled or copied is of the same class, says the same and carries the same but the secrets."""
    error = made(name)
    assert b"hush" not in pickle.dumps(error)
    assert error.request is REQUEST
    error.request = REQUEST.without_secrets()
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert attributes(other) == attributes(error)
        assert str(other) == str(error)
        assert other.args == error.args


@pytest.mark.parametrize("name", TREE)
def test_each_has_defaults_for_all_it_carries(name):
    """An error made of a message alone has every attribute it documents."""
    error = getattr(errors, name)("it went wrong")
    assert (error.request, error.task_ids, error.tag) == (None, (), None)
    for fact in FACTS.get(name, ()):
        assert hasattr(error, fact), fact
    assert "it went wrong" in str(error)


@pytest.mark.parametrize("name", TREE)
def test_the_text_names_the_tasks_and_the_tag(name):
    """Somebody who only sees the text can find the tasks, and sees no secret of the request."""
    error = made(name)
    assert str(error).startswith("it went wrong")
    assert str(error).endswith(f"[task {IDS[0]}, task {IDS[1]}, tag k7f3q9x2m4pd]")
    assert "hush" not in f"{error} {error!r} {error.request!r}"


def test_a_long_list_of_tasks_is_cut():
    """Only the first three ids are named, and how many more there are."""
    error = errors.JobTimeoutError("late").about(None, [f"t{number}" for number in range(8)])
    assert str(error).endswith(" [task t0, task t1, task t2, and 5 more]")


@pytest.mark.parametrize(
    ("error", "about", "words"),
    [
        (errors.JobTimeoutError("late"), ("t1", "t2"), "late; a2e.attach('veo', 't1', 't2') watches on"),
        (errors.JobTimeoutError("late"), "abcd", "late; a2e.attach('veo', 'a', 'b', 'c', ...) watches on"),
        (errors.JobDetachedError("let go"), ("t1",), "let go; a2e.attach('veo', 't1') watches on"),
        (errors.JobDetachedError("let go"), (), "let go; await a2e.find('veo', 'k7f3q9x2m4pd') watches on"),
        (
            errors.StartUnknownError("lost", search_again=True),
            (),
            "lost; to search again: await a2e.find('veo', 'k7f3q9x2m4pd'), which gives the job if",
        ),
        (errors.StartUnknownError("lost"), (), "lost; a2e.records('veo') lists what the service has"),
    ],
)
def test_the_text_says_what_can_be_done(error, about, words):
    """Where tasks go on, or may, the error has the line that watches or finds them."""
    assert str(error.about(None, about, "k7f3q9x2m4pd", "veo")).startswith(words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.StartUnknownError("lost"), "lost"),
        (errors.JobDetachedError("let go"), "let go"),
        (errors.JobTimeoutError("late").about(None, ("t1",)), "late; a2e.attach(family, 't1') watches on [task t1]"),
        (
            errors.RateLimitedError("slow down", status=429, retry_after=7.0, attempts=6),
            "slow down (HTTP 429, after 6 attempts); the service asks to wait 7 s; a lower rate= or max_starts= sends",
        ),
        (
            errors.InsufficientCoinsError("too few", status=402, needed=30, balance=12.5),
            "too few (HTTP 402); it needs 30 coins; the account holds 12.5",
        ),
        (errors.TransportError("GET /x: reset", attempts=3), "GET /x: reset (after 3 attempts)"),
    ],
)
def test_the_text_says_what_is_known(error, words):
    """Attempts, the wait that is asked for, and what is needed stand in the text where they are known."""
    assert str(error).startswith(words)


def test_the_text_of_a_refusal_names_status_code_and_trace():
    """A refusal can be shown to the service's support as it is."""
    error = errors.RejectedRequestError("bad size", status=200, code=400, trace_id="t-1")
    assert str(error) == "bad size (HTTP 200, code 400, trace t-1)"
    assert str(errors.NotFoundError("gone", status=404)) == "gone (HTTP 404)"


@pytest.mark.parametrize("name", TREE)
def test_no_error_is_part_of_a_cycle(name):
    """Nothing an error refers to refers back to it, and none of it is a job."""
    error = made(name)
    seen, line = set(), [error.__dict__, error.args]
    while line:
        for found in gc.get_referents(line.pop()):
            assert found is not error
            assert not isinstance(found, Job)
            if id(found) not in seen and not inspect.isclass(found) and not inspect.ismodule(found):
                seen.add(id(found))
                line.append(found)


HOSTILE = {
    "a title": ("\x1b]0;mine\x07", r"\x1b]0;mine\x07"),
    "the clipboard": ("\x1b]52;c;cm0gLXJm\x1b\\", r"\x1b]52;c;cm0gLXJm\x1b\\"[:-1]),
    "another line": ("no\nINFO all is well", r"no\nINFO all is well"),
    "a line drawn over": ("no\rok", r"no\rok"),
    "C1": ("\x9b2J", r"\x9b2J"),
    "other ends of lines": ("a\u2028b\x85c\x0bd", r"a\u2028b\x85c\x0bd"),
    "reading from right to left": ("gpj.\u202eexe", r"gpj.\u202eexe"),
    "half a character": ("\ud83d", r"\ud83d"),
    "plain words": ("na\xefve\xa0\u98a8\u7b8f \U0001fa81\u200d", "na\xefve\xa0\u98a8\u7b8f \U0001fa81\u200d"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_text_of_an_error_commands_no_terminal(kind):
    """A service or a file host may say anything; the attribute has it as it came."""
    said, shown = HOSTILE[kind]
    error = errors.JobFailedError(said)
    assert (str(error), error.message) == (shown, said)
    str(error).encode()


def test_the_text_of_an_error_has_an_end():
    """A URL of a megabyte is told by its beginning, and what it concerns stays to be read."""
    text = str(errors.DownloadError("x" * 10**6).about(None, ["t1"]))
    assert len(text) < 5000
    assert text.endswith("x… [task t1]")
