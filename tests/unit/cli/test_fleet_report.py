"""The report of a batch that several processes work on."""

from __future__ import annotations

import contextlib
import csv

from fleets import stores

from a2e_async.batch import Row
from a2e_async.batch.own_columns import keep_names_in
from a2e_async.batch.spool import Spool
from a2e_async.cli.batch.reports import FleetReport
from a2e_async.cli.run import Run
from a2e_async.cli.settings import Settings
from a2e_async.fleet.looking import Look
from a2e_async.fleet.planning import plan
from a2e_async.fleet.terms import Terms


async def test_own_columns_of_a_batch_in_a_store_are_in_its_table(tmp_path):
    """Those of earlier plans, too, and none of another batch."""
    rows = [
        Row("a", "text_to_image", {"prompt": "p"}, columns={"artist": "ada"}),
        Row("b", "text_to_image", {"prompt": "q"}),
    ]
    async with stores(1) as (store,):
        for batch, columns in (("kites", ["year"]), ("boats", ["size"])):
            await keep_names_in(store, batch, columns)
        with contextlib.closing(Spool.of(rows)) as spool:
            await plan(store, "kites", spool, Terms())
            await keep_names_in(store, "kites", spool.columns)
        report = FleetReport(Run(Settings()), tmp_path, store, "kites")
        await report.once(Look(counts={}, coins=0.0, holders=(), rates={}, at=0.0))
    with (tmp_path / "manifest.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [(row["row"], row["year"], row["artist"]) for row in told] == [("a", "", "ada"), ("b", "", "")]
    assert "size" not in told[0]
