"""What is wrong with a value, and where: said with types and paths, never with values, which may be secrets."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cattrs import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    IterableValidationError,
    IterableValidationNote,
)

from jackfield.models.base import UnsetType
from jackfield.redaction import scrub

LONGEST_KEY = 40
"""So many characters of a key are shown in a path."""
MOST_LINES = 50
"""So many faults are told: a hostile reply must not make an error of any size."""
_OTHER_NAMES = {type(None): "null", UnsetType: "nothing"}


class MismatchError(ValueError):
    """One value is not what is expected in its place."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {json_type(value)}")


def json_type(value: object) -> str:
    """The name of a value's type: str, int, float, bool, null, array or object; else the name of its class."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind.__name__
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, (list, tuple)):
        return "array"
    return _OTHER_NAMES.get(type(value), type(value).__name__)


REFUSED = (MismatchError, BaseValidationError)
"""What a hook raises: one mismatch, or all those of an object or array."""


def refusal(take: Callable[[Any, Any], Any], value: object) -> Exception | None:
    """What a hook says against a value; None where it takes it."""
    try:
        take(value, None)
    except REFUSED as error:
        return error
    return None


def in_fields(cls: type, errors: Mapping[str, Exception]) -> ClassValidationError:
    """One error for all fields of an object at fault."""
    for name, error in errors.items():
        error.add_note(AttributeValidationNote(f"in {name}", name, Any))
    return ClassValidationError(cls.__name__, list(errors.values()), cls)


def in_items(kind: Any, errors: Mapping[Any, Exception]) -> IterableValidationError:
    """One error for all items of an array or mapping at fault, by index or key."""
    for index, error in errors.items():
        error.add_note(IterableValidationNote(f"at {index}", index, kind))
    return IterableValidationError("items", list(errors.values()), kind)


def step(key: object) -> str:
    """A step of a path: ``[0]``, ``.name``, or, for a key that is no name, ``["its text"]``, cut to 40 characters."""
    if isinstance(key, int):
        return f"[{key}]"
    text = str(key)
    return (
        f".{text}" if text.isidentifier() and len(text) <= LONGEST_KEY else f"[{json.dumps(scrub(text)[:LONGEST_KEY])}]"
    )


def at(path: str, fault: object) -> str:
    """One line of a message."""
    return f"{path.removeprefix('.')}: {fault}" if path else str(fault)


def listed(faults: Iterable[str]) -> str:
    """The message that lists faults; of very many only the first."""
    lines = list(itertools.islice(faults, MOST_LINES + 1))
    return "\n".join([*lines[:MOST_LINES], "and more"] if len(lines) > MOST_LINES else lines)


def mismatches(error: BaseException, path: str = "") -> Iterator[str]:
    """Each mismatch in what a hook of the converter raised, as ``choices[0].index: expected int, got str``."""
    if isinstance(error, ClassValidationError):
        for inner, attribute in error.group_exceptions()[0]:
            yield from mismatches(inner, path + step(attribute.name))
    elif isinstance(error, IterableValidationError):
        for inner, item in error.group_exceptions()[0]:
            yield from mismatches(inner, path + step(item.index))
    else:
        yield at(path, error)
