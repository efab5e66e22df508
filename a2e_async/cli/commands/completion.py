"""`a2e completion SHELL`: the script with which a shell completes commands, options, families and file names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from a2e_async.cli.run import Run, command

_VARIABLE = "_A2E_COMPLETE"  # click derives it from the program's name


@command(
    "completion",
    examples=(
        'eval "$(a2e completion bash)"     # in ~/.bashrc',
        'eval "$(a2e completion zsh)"      # in ~/.zshrc',
        "a2e completion fish > ~/.config/fish/completions/a2e.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
async def completion(run: Run, shell: str) -> None:
    """Print the completion script for SHELL: commands, options, families and files."""
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has one for each of the choices
    app = click.get_current_context().find_root().command
    text = kind(app, {}, "a2e", _VARIABLE).source()
    run.output.result(text, {"shell": shell, "source": text})
