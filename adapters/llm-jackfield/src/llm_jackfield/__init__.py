"""The models of a jackfield configuration in simonw's ``llm``; these are its hooks.

``llm`` calls ``register_models`` in nearly every command, several times in some. So nothing here asks a backend, what
was read of the configuration is kept, and one that cannot be used leaves ``llm`` with its other models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import llm

__all__ = ["register_commands", "register_models"]


@llm.hookimpl(trylast=True)  # so that the names that others took are known
def register_models(register: Any, model_aliases: Sequence[Any]) -> None:
    """Register a model for each name of the configuration: ``jackfield/<name>``, and ``<name>`` where that is free."""
    from llm_jackfield.listing import listed
    from llm_jackfield.model import AsyncJackfield, Jackfield

    for model_id, name, aliases in listed(model_aliases):
        register(Jackfield(model_id, name), AsyncJackfield(model_id, name), aliases=aliases)


@llm.hookimpl
def register_commands(cli: click.Group) -> None:
    """Add ``llm jackfield``."""
    from llm_jackfield.commands import jackfield

    cli.add_command(jackfield)
