"""Plain values as TOML text, for people to read and for `config show` to be a configuration again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_IN_STRING = {0x7F: "\\u007f", **{code: f"\\u{code:04x}" for code in range(0x80, 0xA0)}}
"""What TOML forbids, or a terminal might obey, and JSON leaves as it is."""


def to_toml(data: Mapping[str, Any]) -> str:
    """TOML text of a tree of dicts, lists, strings, numbers and booleans.

    Tables and arrays of tables have headers of their own; a table inside another array is written inline.
    """
    return "\n".join(_table(data, ())).strip("\n") + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table: plain values first, for what follows a header belongs to it."""
    for name, value in data.items():
        if not _has_header(value):
            yield f"{key_text(name)} = {value_text(value)}"
    for name, value in data.items():
        if not _has_header(value):
            continue
        inner = (*path, name)
        title = ".".join(map(key_text, inner))
        for table in value if isinstance(value, list) else [value]:
            if isinstance(value, list):
                yield f"\n[[{title}]]"
            elif not (table and all(map(_has_header, table.values()))):  # else the headers inside it make it
                yield f"\n[{title}]"
            yield from _table(table, inner)


def _has_header(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def key_text(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_IN_STRING)


def value_text(value: Any) -> str:
    """A value on one line, a table inline."""
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{key_text(name)} = {value_text(item)}" for name, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return str(value).lower()  # true, false, 1, 1.5, 1e+16, inf, nan
