"""`a2e families [NAME]`: what can be started, and with which fields."""

from __future__ import annotations

from typing import Any

import click

from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.command import command
from a2e_async.cli.fields import helps_of, option_name
from a2e_async.cli.run import Run
from a2e_async.core import family as registry
from a2e_async.core.family import Family
from a2e_async.core.requests import fields_of


@command("families")
@click.argument("family", type=FamilyName(), required=False, metavar="[NAME]")
async def families(run: Run, family: Family | None) -> None:
    """List the families, or the fields of one."""
    if family is None:
        for known in sorted(registry.families().values(), key=lambda known: known.name):
            run.output.result(f"{known.name:<20}  {known.title}", {"family": known.name, "title": known.title})
        return
    for field in _fields(family):
        mark = "*" if field["required"] else " "
        run.output.result(f"{field['option']:<24}{mark} {field['help']}", field)


def _fields(family: Family) -> list[dict[str, Any]]:
    helps = helps_of(family.request)
    return [
        {
            "family": family.name,
            "field": field.name,
            "option": option_name(field.name),
            "required": field.required,
            "help": helps.get(field.name, ""),
        }
        for field in fields_of(family.request)
    ]
