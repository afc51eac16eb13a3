"""Which configuration a command is about."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

if TYPE_CHECKING:
    from jackfield.client import Client
    from jackfield.config.load import Loaded

_Command = TypeVar("_Command", bound=Callable[..., Any])


@attrs.define
class Source:
    """What ``--config`` and ``--profile`` say.

    Attributes:
        config: path of a file; None searches.
        profile: name of a profile; None takes ``JACKFIELD_PROFILE``.
    """

    config: str | None = None
    profile: str | None = None

    def client(self) -> Client:
        """A client of that configuration. Raises ``ConfigError``."""
        from jackfield.client import Client

        self.hush()
        return Client(config=self.config, profile=self.profile)

    def hush(self) -> None:
        """Have nobody log on stderr by default: a command tells of a failure itself."""
        _log_nowhere()

    def load(self) -> Loaded:
        """That configuration, without its plugins, and what is wrong with it."""
        from jackfield.config.load import load
        from jackfield.registry import Registry

        return load(self.config, profile=self.profile, installed=Registry())


@cache
def _log_nowhere() -> None:
    """Give the log a handler: a command tells of a failure itself, and logging would tell of each attempt besides."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())


def _take(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    source = context.ensure_object(Source)
    if value is not None and parameter.name is not None:
        setattr(source, parameter.name, value)


def source_options(command: _Command) -> _Command:
    """Give a command ``--config`` and ``--profile``; both the group and its commands take them."""
    config = click.option(
        "--config", metavar="PATH", callback=_take, expose_value=False, help="The configuration file to use."
    )
    profile = click.option(
        "--profile", metavar="NAME", callback=_take, expose_value=False, help="The profile of the configuration to use."
    )
    return config(profile(command))
