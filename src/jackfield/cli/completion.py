"""``jackfield completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from jackfield.cli.output import emit

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands, options and the names of models. For bash: eval "$(jackfield completion bash)" in ~/.bashrc.
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has all shells of the choice
    root = context.find_root()
    emit(found(root.command, {}, "jackfield", "_JACKFIELD_COMPLETE").source() + "\n")
