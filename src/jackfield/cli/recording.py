"""Recording: what ``record`` and ``replay`` have in common. The format of the file is the plugin's own."""

from __future__ import annotations

import os
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


def target(url: str) -> str:
    """Path and query of a URL."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
