"""Weight: how much an object keeps."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections import deque
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

OTHERS = (
    type,
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    CodeType,
    FrameType,
    logging.Logger,
    threading.Thread,
)
"""What an object may point to without having it."""
CONTAINERS = (list, dict, set, deque, bytearray)
PLAIN = (int, float, str, bytes, tuple, frozenset)
MOST = 200_000
"""Objects after which counting ends."""


def weight(*roots: Any) -> int:
    """The number of objects that can be reached, and of the items and characters in them."""
    seen: set[int] = set()
    left = list(roots)
    total = 0
    while left and len(seen) < MOST:
        value = left.pop()
        if id(value) in seen or isinstance(value, OTHERS):
            continue
        seen.add(id(value))
        total += 1 + (len(value) if isinstance(value, (str, bytes, tuple, frozenset, *CONTAINERS)) else 0)
        left += gc.get_referents(value)
    return total


def own(instance: Any) -> dict[str, Any]:
    """The attributes that an instance has, by name."""
    slots = (name for cls in type(instance).__mro__ for name in getattr(cls, "__slots__", ()))
    names = dict.fromkeys([*getattr(instance, "__dict__", {}), *slots])
    return {name: getattr(instance, name) for name in names if name != "__weakref__" and hasattr(instance, name)}


def counts(cls: type) -> dict[str, Any]:
    """The numbers and texts that a class has as attributes, by name."""
    every = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
    return {name: value for name, value in every.items() if isinstance(value, PLAIN) and not name.startswith("__")}


def sizes(cls: type) -> dict[str, int]:
    """The sizes of the containers that a class, and the module that it is in, have for all instances, by name."""
    module = getattr(sys.modules.get(cls.__module__), "__dict__", {})
    found = {f"{cls.__module__}.{name}": value for name, value in module.items() if isinstance(value, CONTAINERS)}
    found |= {f"{cls.__name__}.{name}": value for name, value in of_class(cls).items()}
    return {name: len(value) for name, value in found.items()}


def of_class(cls: type) -> dict[str, Any]:
    """The containers that a class has as attributes, by name: what all its instances share."""
    return {
        name: value
        for base in reversed(cls.__mro__)
        for name, value in vars(base).items()
        if isinstance(value, CONTAINERS) and not name.startswith("__")
    }
