"""`a2e families [NAME]`: everything that can be started or called, and all that is known of one family."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import click

from a2e_async.calls import catalogue
from a2e_async.cli.by_family import FamilyName
from a2e_async.cli.commands import explain
from a2e_async.cli.run import Run, command
from a2e_async.core import family as registry
from a2e_async.core.family import Family

_HEADINGS: Mapping[str, str] = {
    "image": "Images", "video": "Videos", "audio": "Audio", "record": "Voices and avatars",
}  # fmt: skip
_WIDE = 20


@command("families")
@click.argument("family", type=FamilyName(), required=False, metavar="[NAME]")
async def families(run: Run, family: Family | None) -> None:
    """List the families, or explain one.

    With --json the list has every call of the API too, each with its method and path.
    """
    if family is None and run.output.as_json:
        _list_all(run)
    elif family is None:
        _list(run)
    elif run.output.as_json:
        for field in explain.fields_as_data(family):
            run.output.result("", field)
    else:
        run.output.result("\n".join(explain.lines_of(family)), {})


def _known() -> list[Family]:
    order = list(_HEADINGS)
    return sorted(registry.families().values(), key=lambda known: (order.index(known.makes), known.name))


def _list(run: Run) -> None:
    for makes, group in groupby(_known(), key=lambda known: known.makes):
        run.output.result(f"{_HEADINGS[makes]}:", {})
        for known in group:
            run.output.result(f"  {known.name:<{_WIDE}}{known.title}", {})
    run.output.result("\na2e families NAME explains one, a2e start NAME starts it.", {})


def _list_all(run: Run) -> None:
    for known in _known():
        told = {"family": known.name, "title": known.title, "makes": known.makes, "price": known.price}
        run.output.result("", {**told, "example": known.example, "endpoints": explain.endpoints_of(known)})
    for (group, name), found in groupby(catalogue(), key=lambda one: (one.group, one.name)):
        ways = list(found)
        told = {"call": f"{group}.{name}", "title": ways[0].about}
        run.output.result(
            "", {**told, "endpoints": [explain.endpoint_data(one.method, one.path, one.note) for one in ways]}
        )
