"""Rows that take photos, and what became of them."""

from __future__ import annotations

from a2e_async.batch import Row, State
from a2e_async.batch.files import Files


def waves(folder, *names):
    """Make rows of videos of files."""
    files = Files(folder)
    fields = {"prompt": "she waves", "negative_prompt": "blurry"}
    return [Row(name, "image_to_video", {**fields, "image_url": files.take(name)}) for name in names]


def done(run):
    """Whether every row of a run is done."""
    return {outcome.entry.state for outcome in run.outcomes.values()} == {State.DONE}


def uploads(sim):
    """Give how many files were put into the simulated storage."""
    return sim.counters["upload"]
