"""Recording: what ``record`` and ``replay`` have in common. The format of the file is the plugin's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

PLUGIN = "jackfield-replay"


def plugin() -> Any:
    """The plugin that knows recordings.

    Raises:
        click.ClickException: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(PLUGIN.replace("-", "_"))
    except ImportError:
        raise click.ClickException(f"recordings need {PLUGIN}: pip install {PLUGIN}") from None


def absolute(path: str) -> str:
    """The path of a file, wherever the program goes that uses it."""
    return os.path.abspath(os.path.expanduser(path))


def checked(plugin: Callable[..., Any], **settings: Any) -> None:
    """Refuse what the middleware would not take, before any program is run.

    Args:
        plugin: the class of the middleware.
        settings: of it, by the names that they have as options too.

    Raises:
        click.UsageError: one does not fit; the message names the option.
    """
    try:
        plugin(**settings)
    except ValueError as error:
        raise click.UsageError(f"--{error}") from None
