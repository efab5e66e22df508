"""`a2e batch run --dry-run`: the rows, what is wrong with them, and what they would cost; nothing is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from a2e_async.batch.inputs import FileInput, told
from a2e_async.batch.rows import BadRow, Row
from a2e_async.batch.sources import RowFile
from a2e_async.cli.batch.loop import known_rows
from a2e_async.cli.batch.options import BatchOptions
from a2e_async.cli.batch.price import price_of, uploads_of
from a2e_async.cli.fields import given_fields, label_of
from a2e_async.cli.run import Run
from a2e_async.store.entries import Entry, State
from a2e_async.store.values import is_changed


async def dry_run(run: Run, folder: Path, found: RowFile, options: BatchOptions) -> int:
    """Print each row and each bad row, then price and balance."""
    known = known_rows(folder)
    for row in found.rows:
        _print_row(run, row, known.get(row.id))
    for bad in found.bad:
        _print_bad(run, bad)
    states = dict(options.states(found.rows, known))
    to_start = [row for row in found.rows if states[row.id] is State.PLANNED]
    async with run.client(quick=True, options=options.client_options()) as a2e:
        price = await price_of(a2e, to_start, options.price)
        balance = await a2e.balance()
    uploads = uploads_of(to_start, options.upload_price)
    text = f"{price}{uploads}; the account has {balance.coins:g} coins"
    data = {"to_start": price.rows, "price": price.coins, "unpriced": price.unpriced, "bad": len(found.bad)}
    data |= {"uploads": uploads.count, "upload_bytes": uploads.size, "upload_coins": uploads.coins}
    run.output.result(text, {**data, "balance": balance.coins})
    return 0


def _print_row(run: Run, row: Row, entry: Entry | None) -> None:
    state = State.PLANNED if entry is None else entry.state
    begun = entry is not None and state is not State.PLANNED
    edited = begun and entry is not None and is_changed(entry, row.family.name, row.kept())
    request = row.request()
    fields: dict[str, Any] = given_fields(request)
    named = fields.get("name") or fields.get("prompt")
    taking = " ".join(one.name if isinstance(one, FileInput) else str(one) for _name, one in row.inputs())
    label = " ".join((label_of(request) if named or not taking else taking).split())
    # What it takes is told as it was given: the URL in the request only stands for it.
    taken = {name for name, _input in row.inputs()}
    fields = {name: value for name, value in fields.items() if name not in taken}
    fields |= {name: told(value) for name, value in row.kept().items() if name in taken or name == "image_from"}
    data = {"row": row.id, "line": row.line, "family": row.family.name, "status": state.value, "request": fields}
    word = f"{state.word} (edited since; redo starts it again)" if edited else state.word
    run.output.result(f"{row.line or '':>6}  {row.id}  {row.family.name}  {word}  {label}", {**data, "edited": edited})


def _print_bad(run: Run, bad: BadRow) -> None:
    if run.settings.json:
        run.output.result("", {"row": bad.id or None, "status": "bad", **attrs.asdict(bad, filter=_but_id)})
    else:
        run.print_error(str(bad))


def _but_id(field: attrs.Attribute[Any], _value: object) -> bool:
    return field.name != "id"
