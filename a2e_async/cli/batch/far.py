"""`a2e batch status`, `report` and `stop` of a batch that lies in a store."""

from __future__ import annotations

import time

from a2e_async.batch.manifest import number
from a2e_async.batch.report import report_places
from a2e_async.cli.batch.opened import opened_store
from a2e_async.cli.batch.reports import FleetReport
from a2e_async.cli.batch.targets import FleetPlace
from a2e_async.cli.run import Run
from a2e_async.fleet import terms
from a2e_async.fleet.looking import Look, Looker, errors_of
from a2e_async.store.entries import State


async def far_status(run: Run, place: FleetPlace) -> None:
    """Print how far a batch is, who works on it, and its errors."""
    async with opened_store(place.url) as store:
        look = await Looker(store, place.name).look()
        worst = await errors_of(store, place.name)
        stopped = await terms.stopped(store, place.name)
    counts = {state.value: look.counts.get(state, 0) for state in State}
    rows = sum(counts.values())
    lines = [f"{look.counts[state]:>8}  {state.word}" for state in State if look.counts.get(state)]
    lines += [f"{rows:>8}  {'row' if rows == 1 else 'rows'}, {look.coins:g} coins"]
    lines += [f"{count:>8}  {state.word}: {words}" for state, words, count in worst]
    lines += _holders(look)
    lines += [f"stopped: {stopped}"] if stopped else []
    errors = [{"status": state.value, "error": words, "rows": count} for state, words, count in worst]
    data = {"name": place.name, "rows": rows, "coins": number(look.coins), "states": counts, "errors": errors}
    run.output.result("\n".join(lines), {**data, "workers": look.workers(), "stopped": stopped or None})


def _holders(look: Look) -> list[str]:
    found = []
    for one in look.workers():
        silent = f", no sign of life for {one['silent']:g} s" if one["silent"] > one["ttl"] / 2 else ""
        words = f"{one['running']} of {one['places']} running, {len(one['shards'])} shards with {one['open']} rows left"
        found.append(f"{one['worker']}: {words}{silent}")
    return found


async def far_report(run: Run, place: FleetPlace) -> None:
    """Write the manifests and the page of a batch into its folder."""
    place.folder.mkdir(parents=True, exist_ok=True)
    async with opened_store(place.url) as store:
        look = await Looker(store, place.name).look()
        page = await FleetReport(run, place.folder, store, place.name).once(look)
    places = report_places(place.folder)
    names = {"page": page, "manifest": places["manifest.jsonl"], "table": places["manifest.csv"]}
    run.output.result(str(page), {name: str(path) for name, path in names.items()})
    run.output.note(f"open {page} in a browser")


async def far_stop(run: Run, place: FleetPlace) -> None:
    """Stop a batch on every machine."""
    async with opened_store(place.url) as opened:
        await terms.stop(opened, place.name, f"a2e batch stop, {time.strftime('%Y-%m-%d %H:%M:%S')}")
    run.output.note(f"{place.name} stops within some seconds on every machine; running rows finish")
