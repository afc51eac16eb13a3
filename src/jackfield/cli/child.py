"""Child: a program that a command runs with a middleware before all others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from jackfield.cli.source import Source
from jackfield.cli.toml import value_text
from jackfield.config.environment import OUTERMOST
from jackfield.config.find import VARIABLE
from jackfield.config.load import PROFILE

FORWARDED = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")
"""Signals that are passed on to the program."""


class NotStartedError(click.ClickException):
    """The program could not be started; the exit code is that of shells."""

    exit_code = 127


def run(command: Sequence[str], layer: Mapping[str, Any], source: Source) -> int:
    """Run a program to its end, and return its exit code; 128 + n where the signal n ended it.

    It has the terminal, and gets the signals that come meanwhile.

    Args:
        command: the program and its arguments; no shell reads them.
        layer: the table of the middleware.
        source: the configuration that the program is to find.

    Raises:
        NotStartedError: it cannot be.
        click.ClickException: it is run by such a command already.
    """
    if os.environ.get(OUTERMOST):
        text = f"{OUTERMOST} is set already, by which the program is to be reached: unset it"
        raise click.ClickException(f"{text}, unless this command is itself being recorded or replayed")
    environ = {**os.environ, OUTERMOST: value_text(layer)}
    if source.config is not None:
        environ[VARIABLE] = os.path.abspath(os.path.expanduser(source.config))
    if source.profile is not None:
        environ[PROFILE] = source.profile
    processes: list[subprocess.Popen[bytes]] = []
    with _forwarding(processes):
        try:
            process = subprocess.Popen(command, env=environ)  # noqa: S603 - what the user asked for
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise NotStartedError(f"{command[0]} cannot be started: {reason}") from None
        processes.append(process)
        code = process.wait()
    return 128 - code if code < 0 else code


@contextmanager
def _forwarding(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Pass signals on, as long as it lasts. What a terminal sends, it has sent to the program too."""

    def forward(number: int, _: Any) -> None:
        keys = {signal.SIGINT, getattr(signal, "SIGQUIT", None)}
        from_terminal = number in keys and sys.stdin is not None and sys.stdin.isatty()
        for process in processes if not from_terminal else ():
            process.send_signal(number)

    numbers = [getattr(signal, name) for name in FORWARDED if hasattr(signal, name)]
    before = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
