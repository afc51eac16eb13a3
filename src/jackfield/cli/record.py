"""``jackfield record``."""

from __future__ import annotations

import os
from typing import Any

import click

from jackfield.cli.output import say
from jackfield.cli.recording import absolute, checked, plugin
from jackfield.cli.source import Source, source_options


@click.command()
@click.argument("file")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--append", is_flag=True, help="Add to the file if it is there.")
@click.option("--mask", multiple=True, metavar="PATTERN", help="A regular expression of what else is to be masked.")
@source_options
@click.pass_context
def record(context: click.Context, file: str, command: tuple[str, ...], *, append: bool, mask: tuple[str, ...]) -> None:
    """Run a program, and record what its calls send and get over HTTP.

    Write -- before COMMAND. Credentials are left out of FILE; what is asked and answered is not. The exit code is the
    program's.
    """
    from jackfield.cli.child import run

    recordings = plugin()
    path = absolute(file)
    checked(recordings.Record, file=path, mask=mask)
    if not os.path.isdir(os.path.dirname(path)):
        raise click.ClickException(f"{file} cannot be written: there is no such directory")
    known, torn = _content(recordings, path)
    if (known or torn) and not append:  # one without any exchange is what a run left that made no call
        raise click.ClickException(f"{file} is there already; --append adds to it")
    layer: dict[str, Any] = {"use": "record", "file": path, **({"mask": list(mask)} if mask else {})}
    code = run(command, layer, context.ensure_object(Source))
    added = _content(recordings, path)[0] - known
    there = f"recorded in {file}" if os.path.exists(path) else f"recorded; there is no {file}"
    say(f"{added} exchange{'' if added == 1 else 's'} {there}")
    if not added:
        say("a program that makes calls over HTTP by jackfield would have some; see `jackfield record --help`")
    context.exit(code)


def _content(recordings: Any, path: str) -> tuple[int, bool]:
    """How many exchanges are in a recording, and whether there is a piece of another."""
    if not os.path.exists(path):
        return 0, False
    exchanges, torn = recordings.load_tape(path)
    return len(exchanges), torn
