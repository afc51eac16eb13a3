"""Configuration as a tree of plain dicts, and how one tree is laid over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.config.place import Path


def plain(value: Any) -> Any:
    """A copy in which each mapping is a dict and each array of tables a list; any other object is left as it is."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
        return [plain(item) for item in value]
    return value


def merge(tree: dict[str, Any], over: Mapping[str, Any]) -> list[Path]:
    """Lay ``over`` on ``tree``, in place: tables are merged deeply, everything else, arrays too, is replaced whole.

    Args:
        tree: changed.
        over: not changed, and its tables are not shared.

    Returns:
        paths of the values in ``tree`` that now are those of ``over``.
    """
    replaced: list[Path] = []
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), dict):
            replaced += [(key, *path) for path in merge(tree[key], value)]
        else:
            tree[key] = plain(value)
            replaced.append((key,))
    return replaced
