"""`a2e guide`: the pages of the guide, which ship with the package."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import resources

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.markdown import Markdown
from rich.theme import Theme

from a2e_async.cli.base import did_you_mean
from a2e_async.cli.run import Run, command
from a2e_async.errors import UsageError

_SUFFIX = ".md"
_WIDEST = 100  # longer lines are hard to read
_THEME = Theme({"markdown.code": "bold cyan"})  # rich's own has a black ground, also on a white terminal


def pages() -> Mapping[str, str]:
    """Give the text of each page by its topic, in the order of their names."""
    folder = resources.files("a2e_async") / "guide"
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(_SUFFIX))
    return {name.removesuffix(_SUFFIX): (folder / name).read_text(encoding="utf-8") for name in names}


def title_of(text: str) -> str:
    """Give the heading of a page."""
    return text.partition("\n")[0].lstrip("# ")


class _Topic(click.ParamType[str]):
    """The name of a page, which a shell completes."""

    name = "topic"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        """Give the topics that begin so, with their titles."""
        return [
            CompletionItem(name, help=title_of(text)) for name, text in pages().items() if name.startswith(incomplete)
        ]


@command("guide", examples=("a2e guide", "a2e guide batches", "a2e guide errors | less"))
@click.argument("topic", required=False, type=_Topic())
async def guide(run: Run, topic: str | None) -> None:
    """Print a page of the guide, or the list of its topics."""
    known = pages()
    if topic is None:
        for name, text in known.items():
            run.output.result(f"{name:<16} {title_of(text)}", {"topic": name, "title": title_of(text)})
        run.output.note("a2e guide TOPIC prints one of them")
        return
    name = topic.lower().removesuffix(_SUFFIX).replace("_", "-")
    if name not in known:
        raise UsageError(f"the guide has no topic {topic!r}.{did_you_mean(topic, known)} `a2e guide` lists them")
    text = known[name]
    for_people = sys.stdout is not None and sys.stdout.isatty()  # it is None when it was closed before we began
    if for_people and not run.settings.json:
        click.echo(drawn(text, shutil.get_terminal_size().columns), nl=False)
    else:
        run.output.result(text.rstrip("\n"), {"topic": name, "title": title_of(text), "text": text})


def drawn(text: str, columns: int) -> str:
    """Draw a page for a terminal that is this wide."""
    console = Console(width=min(_WIDEST, columns), theme=_THEME, file=io.StringIO(), force_terminal=True)
    with console.capture() as found:
        console.print(Markdown("\n".join(_without_comments(text)), code_theme="ansi_dark", hyperlinks=False))
    return found.get()


def _without_comments(text: str) -> Iterator[str]:
    """Give the lines of a page that people read."""
    return (line for line in text.splitlines() if not line.startswith("<!--"))
