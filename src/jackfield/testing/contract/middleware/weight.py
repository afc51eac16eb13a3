"""Weight: how much an object keeps."""

from __future__ import annotations

import gc
import logging
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


def of_class(cls: type) -> dict[str, Any]:
    """The containers that a class has as attributes, by name: what all its instances share."""
    return {
        name: value
        for base in reversed(cls.__mro__)
        for name, value in vars(base).items()
        if isinstance(value, CONTAINERS) and not name.startswith("__")
    }
