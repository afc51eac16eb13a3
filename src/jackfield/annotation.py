"""Types by their source text: what an annotation names is imported when a value first needs it."""

from __future__ import annotations

import sys
from typing import Any

import jackfield.models


class _Names(dict[str, Any]):
    """The wire types by name; a module of them is imported when one of its names is asked for."""

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(jackfield.models, name)
        except AttributeError:
            raise KeyError(name) from None


def evaluate(kind: Any, module: str) -> Any:
    """The type that a source text stands for in a module of ``jackfield.models``."""
    if not isinstance(kind, str):
        return kind
    return eval(kind, vars(sys.modules[module]), _Names())  # noqa: S307 - an annotation of our own


def alternatives(annotation: str) -> list[str]:
    """The source texts that ``|`` stands between, outside all brackets."""
    arms, depth = [""], 0
    for char in annotation.replace(" ", ""):
        depth += (char == "[") - (char == "]")
        if char == "|" and not depth:
            arms.append("")
        else:
            arms[-1] += char
    return arms
