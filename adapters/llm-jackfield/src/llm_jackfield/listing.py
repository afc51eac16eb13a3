"""Listing: which models ``llm`` is told of, and under which names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import llm

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
            and aliases is taken over, nor is an alias that the user gave.
    """
    known = configured()
    names = dict.fromkeys([*known.models, *refreshed(known.backends)])
    taken = {name for other in others for name in (other.model.model_id, *other.aliases)}
    taken.update(PREFIX + name for name in names)
    taken.update(_users())
    for name in names:
        wanted = (name, DEFAULT) if name == known.default else (name,)
        aliases = tuple(alias for alias in wanted if alias not in taken)
        taken.update(aliases)
        yield PREFIX + name, name, aliases


def _users() -> Iterable[str]:
    """The aliases of ``llm aliases set``: ``llm`` adds each to its model, and of two with one alias the last has it."""
    directory: Path = llm.user_dir()  # type: ignore[no-untyped-call]  # llm does not annotate it
    path = directory / "aliases.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else ()
