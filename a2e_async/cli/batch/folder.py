"""`a2e batch status DIR` and `a2e batch report DIR`: what the folder of a batch tells without the service."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import attrs
import click

from a2e_async.batch.budget import UPLOAD_COINS, coins_of_uploads
from a2e_async.batch.ledger_file import FILE_NAME
from a2e_async.batch.manifest import number
from a2e_async.batch.own_columns import write_whole_report
from a2e_async.batch.report import report_places
from a2e_async.batch.stored import read_coins, read_entries, read_kept
from a2e_async.cli.batch.late import several
from a2e_async.cli.batch.where import STORE_OPTION, url_of
from a2e_async.cli.run import Run, command
from a2e_async.errors import UsageError
from a2e_async.store.entries import State

_MOST_ERRORS = 20


@command("status", params=[STORE_OPTION])
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
async def status(run: Run, folder: Path, store: str | None) -> None:
    """Print how many rows of the batch in DIR are in each state, and their errors.

    It needs no token and works while the batch runs. With a store, DIR may be the batch's name.
    """
    if (url := url_of(folder, store)) is not None:
        await several().far_status(run, several().place_of(folder, url))
        return
    states: Counter[State] = Counter()
    errors: Counter[tuple[State, str]] = Counter()
    for entry in read_entries(folder / FILE_NAME):
        states[entry.state] += 1
        if entry.error:
            errors[entry.state, " ".join(entry.error.split())] += 1
    coins = read_coins(folder / FILE_NAME) + coins_of_uploads(read_kept(folder / FILE_NAME, UPLOAD_COINS))
    counts = {state.value: states[state] for state in State}
    data = {"folder": str(folder), "rows": states.total(), "coins": number(coins), "states": counts}
    worst = [
        {"status": state.value, "error": words, "rows": count}
        for (state, words), count in errors.most_common(_MOST_ERRORS)
    ]
    lines = [f"{states[state]:>8}  {state.word}" for state in State if states[state]]
    lines += [f"{states.total():>8}  {'row' if states.total() == 1 else 'rows'}, {coins:g} coins"]
    lines += [f"{one['rows']:>8}  {State(str(one['status'])).word}: {one['error']}" for one in worst]
    run.output.result("\n".join(lines), {**data, "errors": worst})


@command("report", params=[STORE_OPTION], uses=("out",))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
async def report(run: Run, folder: Path, store: str | None) -> None:
    """Write the manifests and the page of the batch in DIR.

    It needs no token and works while the batch runs. With a store, DIR may be the batch's name, and the report goes
    into --out.
    """
    if (url := url_of(folder, store)) is not None:
        place = several().place_of(folder, url)
        await several().far_report(run, attrs.evolve(place, folder=run.settings.out or folder))
        return
    page = await asyncio.to_thread(write_whole_report, folder)
    places = report_places(folder)
    names = {"page": page, "manifest": places["manifest.jsonl"], "table": places["manifest.csv"]}
    run.output.result(str(page), {name: str(path) for name, path in names.items()})
    run.output.note(f"open {page} in a browser")


@command("stop", params=[STORE_OPTION])
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="NAME")
async def stop(run: Run, folder: Path, store: str | None) -> None:
    """Stop the batch NAME of a store on every machine: nothing more is started, and running rows finish.

    NAME may be the batch's folder. To go on, run it again as it was run.
    """
    if (url := url_of(folder, store)) is None:
        raise UsageError(f"{folder}: a batch that one process runs is stopped with Ctrl-C or SIGTERM; or give --store")
    await several().far_stop(run, several().place_of(folder, url))


@command("watch", params=[STORE_OPTION], uses=("out",))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="NAME")
@click.option("--serve", is_flag=True, help="Serve the page on this machine; it refreshes while the batch runs.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8766,
    show_default=True,
    help="Port of the page; 0 chooses a free one.",
)
async def watch(run: Run, folder: Path, store: str | None, serve: bool, port: int) -> int:  # noqa: FBT001 - click's
    """Show the progress of the batch NAME of a store, and who works on it, until nothing is left.

    NAME may be the batch's folder. It works from any machine and needs no token. It refreshes the page in --out, by
    default in the batch's folder.
    """
    if (url := url_of(folder, store)) is None:
        raise UsageError(f"{folder}: a batch that one process runs is watched with a2e batch status; or give --store")
    place = attrs.evolve(several().place_of(folder, url), folder=run.settings.out or folder)
    return int(await several().watch(run, place, serve=serve, port=port))
