"""What a row keeps of a job, and what is made of it again: also of rows that other versions have written."""

from __future__ import annotations

import pytest

from a2e_async import A2EError, JobFailedError, NotFoundError, RejectedRequestError, TextToImage, UsageError
from a2e_async.core.family import family_of
from a2e_async.engine.durable import kept
from a2e_async.engine.durable.making import request_of, stored
from a2e_async.engine.jobs.options import Options
from a2e_async.store.entries import Entry, State

REQUEST = TextToImage("a kite", extra={"seed_of_tomorrow": 7})


def row(**given):
    """Make a row."""
    return Entry(**{"id": "one", "key": "one", "family": "text_to_image", "fields": kept.fields_in(REQUEST), **given})


def test_fields_that_nobody_names_are_kept():
    """What was given as `extra` is sent by another process, too."""
    assert request_of(row(), dict) == REQUEST


CHOSEN = [
    Options(),
    Options(timeout=5.0),
    Options(timeout=None),
    Options(on_unknown="raise", tagging=False, price=3),
]


@pytest.mark.parametrize("options", CHOSEN)
@pytest.mark.parametrize("tag", [None, "kite4711kite"])
def test_what_was_chosen_for_a_start_is_read_back(options, tag):
    """Another process starts and watches it the same way."""
    fields = {kept.OPTIONS: kept.options_in(options, tag)}
    assert kept.options_of(row(fields=fields)) == (options, tag)


@pytest.mark.parametrize("odd", ["words", 7, [1]])
def test_options_that_this_program_has_not_written_are_refused(odd):
    """Nobody guesses how a start shall be made; the words name the key."""
    with pytest.raises(UsageError, match="key one: the options in the store are no object"):
        kept.options_of(row(fields={kept.OPTIONS: odd}))


def outcome(**given):
    """Give the error of a row that has ended."""
    result, error = kept.outcome_of(row(**given))
    assert result is None
    return error


def test_how_a_start_was_refused_is_read_from_its_words_where_the_list_has_no_more():
    """A list of jobs comes without records: the kind of the error stands before its words."""
    error = outcome(state=State.REFUSED, error="NotFoundError: no such image")
    assert (type(error), error.message) == (NotFoundError, "no such image")
    assert error.family == "text_to_image"


def test_words_before_a_colon_are_no_kind():
    """What is no name of an error is said whole, and so is what a task says about its failure."""
    refused = outcome(state=State.REFUSED, error="prompt: too long")
    failed = outcome(state=State.FAILED, error="UsageError: of the service's own", task_ids=("abc",))
    silent = outcome(state=State.FAILED)
    assert [type(one) for one in (refused, failed, silent)] == [JobFailedError] * 3
    assert "prompt: too long" in str(refused)
    assert "UsageError: of the service's own" in str(failed)
    assert "it ended without a word" in str(silent)
    assert failed.task_ids == ("abc",)


def test_an_error_is_made_again_with_its_facts():
    """Class, words and what it carries are those of the first one."""
    known = RejectedRequestError("no", status=422, code=1003, trace_id="abc")
    again = outcome(state=State.REFUSED, records=tuple(kept.error_in(known)))
    assert type(again) is RejectedRequestError
    assert [getattr(again, name) for name in ("message", "status", "code", "trace_id")] == ["no", 422, 1003, "abc"]


@pytest.mark.parametrize("kind", ["ErrorOfTomorrow", "annotations", "int", ""])
def test_an_error_that_this_version_does_not_have_is_the_base_of_all(kind):
    """Also where the module has something of that name that is no error."""
    told = ({"a2e.error": {"kind": kind, "message": "no"}},)
    again = outcome(state=State.REFUSED, records=told)
    assert (type(again), again.message) == (A2EError, "no")


def test_what_was_done_by_a_family_of_another_version_has_its_urls():
    """The row says where its files are, though its records cannot be read here."""
    done = row(family="of_tomorrow", state=State.DONE, urls=("https://example.com/a.png",), records=({"_id": "abc"},))
    shown = stored(done)
    assert (shown.request, shown.error, shown.urls) == (None, None, done.urls)
    assert kept.known_family(done) is None
    assert kept.known_family(row()) is family_of("text_to_image")
