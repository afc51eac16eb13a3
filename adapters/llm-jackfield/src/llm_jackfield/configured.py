"""Configured: the names of models that the configuration knows by itself, without a word to a backend."""

from __future__ import annotations

import functools

import click

from jackfield.names import Names
from llm_jackfield import clients
from llm_jackfield.failure import line


@functools.cache
def configured() -> Names:
    """The names, read once in a process; what is wrong with the configuration is told on stderr, and there are none."""
    try:
        return clients.client().names
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises when it is built must not break every command
        click.echo(f"llm-jackfield: no models, since {line(error)}", err=True)
        return Names(None, {}, {}, ())
