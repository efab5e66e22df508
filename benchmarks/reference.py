"""The reference, from docstrings and from the families' data: `python -m benchmarks.reference FOLDER`.

It fails when a public name has no words. Attributes may have theirs in the docstring of their class. The pages are made
by pdoc (`pip install --group docs`); those of the families say what their data says, as `a2e families NAME` does.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from pdoc import render
from pdoc.doc import Class, Doc, Module, Variable

from a2e_async.calls import groups
from a2e_async.cli.commands import explain
from a2e_async.core.family import Family, families

PACKAGE = "a2e_async"
ROOMS = ("batch", "blocking", "errors", "otel", "simulator", "testing", "web", "web.aiohttp")

OF_THE_ENGINE = {f"{PACKAGE}.Job.{name}" for name in ("accepted_at", "number", "options", "twice_since")}


def modules() -> Mapping[str, Module]:
    """Give each page of the reference by the name of its module."""
    names = [PACKAGE, *(f"{PACKAGE}.{room}" for room in ROOMS)]
    names += [f"{PACKAGE}.calls.{group}" for group in map(str.lower, groups.__all__)]
    known = {name: Module.from_name(name) for name in names}
    for family in families().values():
        name = family.request.__module__
        known[name] = Module.from_name(name)
        known[name].docstring = page_of(family)
    return dict(sorted(known.items()))


def page_of(family: Family) -> str:
    """Write the page of a family as Markdown."""
    lines = [f"# {family.name}", family.title, "", *explain.facts_of(family), ""]
    lines += ["| field | | what it is | rule | default |", "| --- | --- | --- | --- | --- |"]
    for field in explain.fields_as_data(family):
        default = field["default"] or ""
        required = "required" if field["required"] else ""
        cells = (f"`{field['field']}`", required, f"{field['type']}. {field['help']}", field["rule"], default)
        lines.append(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |")
    lines += [
        "",
        "```python",
        explain.python_example(family),
        "```",
        "",
        "```sh",
        explain.shell_example(family),
        "```",
        "",
    ]
    for told in explain.endpoints_of(family):
        note = f" ({told['note']})" if "note" in told else ""
        lines.append(f"- {told['action']}: `{told['method']} {told['path']}`{note}")
    return "\n".join(lines)


def without_words(pages: Mapping[str, Module]) -> Iterator[str]:
    """Give the public names of which nothing is said."""
    for page in pages.values():
        if not page.docstring:
            yield page.fullname
        for member in page.own_members if page.fullname != PACKAGE else page.members.values():
            yield from silent(member)


def silent(member: Doc, holder: Class | None = None) -> Iterator[str]:
    """Give a name and those below it of which nothing is said."""
    if member.name.startswith("_") or member.name == "args" or member.fullname in OF_THE_ENGINE:
        return  # `args` is an exception's own
    said = member.docstring or (holder is not None and is_told(holder, member.name))
    if not said and not (isinstance(member, Variable) and holder is None):
        yield member.fullname
    if isinstance(member, Class):
        for one in member.members.values():
            yield from silent(one, member)


def is_told(holder: Class, name: str) -> bool:
    """Tell whether the docstring of a class, or of one that it comes from, has words for an attribute."""
    docs = [kind.__doc__ or "" for kind in holder.obj.__mro__]
    return any(f"\n{name}: " in doc.replace("    ", "") or f"`{name}`" in doc for doc in docs)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def main(folder: Path) -> None:
    """Write the reference into FOLDER, and fail if something public has no words."""
    warnings.filterwarnings("ignore", "Error parsing type annotation")  # of a generated `__init__`: shown as it stands
    pages = modules()
    render.configure(docformat="google", include_undocumented=False, footer_text=PACKAGE)
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        path = folder / f"{name.replace('.', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render.html_module(page, pages), encoding="utf-8")
    (folder / "index.html").write_text(render.html_index(pages), encoding="utf-8")
    (folder / "search.js").write_text(render.search_index(pages), encoding="utf-8")
    silences = sorted(set(without_words(pages)))
    click.echo(f"{len(pages)} pages in {folder}")
    if silences:
        click.echo("\n".join(("without words:", *silences)), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
