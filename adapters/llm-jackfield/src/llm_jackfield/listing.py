"""Listing: which models ``llm`` is told of, and under which names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llm_jackfield.configured import configured
from llm_jackfield.refreshed import refreshed

PREFIX = "jackfield/"
"""Stands before every id, since of two models with one id ``llm`` would hide the first."""
DEFAULT = "jackfield"
"""The alias of the default model."""


def listed(others: Sequence[Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The id, jackfield's name and the aliases of each model.

    Args:
        others: the models that are registered already, as ``llm`` hands them to ``register_models``; none of their ids
            and aliases is taken.
    """
    known = configured()
    taken = {name for other in others for name in (other.model.model_id, *other.aliases)}
    names = dict.fromkeys([*known.names, *refreshed(known.backends)])
    taken.update(PREFIX + name for name in names)
    for name in names:
        wanted = (name, DEFAULT) if name == known.default else (name,)
        aliases = tuple(alias for alias in wanted if alias not in taken)
        taken.update(aliases)
        yield PREFIX + name, name, aliases
