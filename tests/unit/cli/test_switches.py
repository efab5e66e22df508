"""Switches of the simulator on the command line."""

from __future__ import annotations

import attrs
import click
import pytest

from a2e_async import UsageError
from a2e_async.cli.switches import switch_option, switches_of
from a2e_async.simulator import Switches

OWN = {"token", "coins", "seed", "media", "fails"}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("list_lag=5", {"list_lag": 5}),
        ("list-lag=0.5", {"list_lag": 0.5}),
        ("poor=402", {"poor": "402"}),
        ("detail_lag_as=null", {"detail_lag_as": "null"}),
        ("names=12", {"names": 12}),
        ("names=drop", {"names": "drop"}),
        ("list_names=null", {"list_names": None}),
        ("trace_ids=false", {"trace_ids": False}),
        ("task_seconds=3", {"task_seconds": 3}),
        ("task_seconds=[2, 6]", {"task_seconds": (2, 6)}),
        ('prices={"text_to_image": 5}', {"prices": {"text_to_image": 5}}),
        ("rate=null", {"rate": None}),
        ("refusals=declared", {"refusals": "declared"}),
        ("webhook_delay=[1, 9]", {"webhook_delay": (1, 9)}),
    ],
)
def test_a_switch_is_read(given, read):
    """Each has a value of its kind, and the service takes it."""
    assert switches_of([given]) == read
    Switches(**read)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["list_lagg=1"], "must be NAME=VALUE with one of diamonds, "),
        (["list_lag"], "must be NAME=VALUE"),
        (["coins=5"], "must be NAME=VALUE"),
        (["list_lag=x"], "list_lag: must be a number, not 'x'"),
        (["list_lag=true"], "list_lag: must be a number"),
        (["trace_ids=no"], "trace_ids: must be true or false, not 'no'"),
        (["poor=403"], "poor: must be '400' or '200' or '402', not '403'"),
        (["names=half"], "names: must be 'keep' or 'drop' or a whole number, not 'half'"),
        (["voice_limit=0"], "voice_limit"),
        (["names=drop", "names=keep"], "names: is given twice"),
    ],
)
def test_a_switch_that_is_none_is_refused(given, words):
    """The words name the switch and what it takes."""
    with pytest.raises(UsageError) as caught:
        switches_of(given)
    assert words in str(caught.value)


def test_the_help_has_every_switch_with_its_words():
    """Those with an option of their own are left out."""
    command = click.Command("simulator", params=[switch_option()])
    shown = " ".join(command.get_help(click.Context(command, max_content_width=200)).split())
    for field in attrs.fields(Switches):
        assert (f" {field.name}=" in shown) is (field.name not in OWN)
    assert "poor=400|200|402 How too few coins are refused" in shown
    assert "names=keep|drop|N What becomes of a task's name" in shown
