"""Choices: the only words that a setting takes, where its type names them; such a word is no secret."""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from jackfield.construct import Unfit, settings_of


def choices(wanted: Any) -> tuple[Any, ...]:
    """The values that a type names: of ``Literal``, of an enumeration, or of a union of those; else none."""
    if get_origin(wanted) is Literal:
        return get_args(wanted)
    if get_origin(wanted) in {Union, types.UnionType}:
        return tuple(choice for arm in get_args(wanted) for choice in choices(arm))
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return tuple(member.value for member in wanted)
    return ()


def choices_of(cls: type) -> Mapping[str, tuple[Any, ...]]:
    """The names of the settings of a plugin's class, each with its choices; none where its types are not there."""
    try:
        return {name: choices(field.type) for name, field in settings_of(cls).items()}
    except Unfit:
        return {}
