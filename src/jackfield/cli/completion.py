"""``jackfield completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and model names in a shell.

    For bash: eval "$(jackfield completion bash)" in ~/.bashrc.
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has all shells of the choice
    root = context.find_root()
    click.echo(found(root.command, {}, "jackfield", "_JACKFIELD_COMPLETE").source())
