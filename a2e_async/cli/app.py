"""The command `a2e`: its table of commands, which are loaded one by one, and how errors of usage are printed."""

from __future__ import annotations

import importlib

import click

from a2e_async._version import __version__
from a2e_async.cli.base import CommandGroup
from a2e_async.cli.codes import INTERRUPTED, USAGE
from a2e_async.cli.display.output import print_error

COMMANDS = {
    "demo": ("commands.demo", "Run a batch of images and videos against a simulator, and write its page."),
    "text-to-image": (
        "commands.start:text_to_image",
        "Make images from prompts, all at once; `-` reads them from stdin, one per line.",
    ),
    "image-to-video": (
        "commands.start:image_to_video",
        "Make a video of each IMAGE, a URL or a file; `-` reads them from stdin, one per line.",
    ),
    "start": ("commands.start", "Start a task of any family."),
    "batch": ("batch", "Run thousands of rows from a file; kill it, run it again, pay only once."),
    "work": (
        "commands.work",
        "Work on the batches of a store, beside any number of other processes, and save the files in --out.",
    ),
    "show": ("commands.tasks", "Print the record of one task."),
    "list": ("commands.tasks:list_", "List the newest tasks of a family."),
    "watch": ("commands.tasks", "Wait for tasks and print their URLs, or download into --out."),
    "cancel": ("commands.tasks", "Cancel tasks that have not begun; their coins are refunded."),
    "download": ("commands.tasks", "Download the files of completed tasks."),
    "jobs": (
        "commands.jobs",
        "List, show, cancel and resume the jobs of a store, and write their page; without a COMMAND it lists them.",
    ),
    "balance": ("commands.account", "Print the coins of the account."),
    "quote": ("commands.account", "Print what a start would cost; asking is free."),
    "upload": ("commands.account", "Upload each FILE and print its URL."),
    "families": ("commands.families", "List the families, or explain one."),
    "mcp": ("mcp", "Serve the Model Context Protocol on stdin and stdout, for an agent."),
    "guide": ("commands.guide", "Print a page of the guide, or the list of its topics."),
    "completion": (
        "commands.completion",
        "Print the completion script for SHELL: commands, options, families and files.",
    ),
    "simulator": ("commands.simulator", "Run a simulator of the API until Ctrl-C."),
}
"""Module and help line of each command; `a2e --help` loads none of the modules, as importing aiohttp takes long."""


class _App(CommandGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = importlib.import_module(f"a2e_async.cli.{module}")
        command: click.Command = getattr(found, attribute or cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        click.echo(f"a2e {__version__}")
        ctx.exit()


app = _App(
    name="a2e",
    help="Make videos and images with the A2E media API. The token comes from A2E_API_KEY.",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version and end.",
        )
    ],
)


def main() -> int:
    """Run the command line and give its exit code; an error is one line on stderr."""
    try:
        return int(app.main(prog_name="a2e", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
    except click.ClickException as error:
        print_error(_with_hint(error))
    except (KeyboardInterrupt, click.Abort):
        print_error("interrupted")
        return INTERRUPTED
    return USAGE


def _with_hint(error: click.ClickException) -> str:
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "a2e"
    return f"{error.format_message()} (try: {where} --help)"
