"""Difference: where two requests differ, as a reader can see it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from jackfield.failure import excerpt
from jackfield.redaction import MASK

SHOWN = 60
"""Characters of a value that a difference shows."""
BEFORE = 15
"""Characters that are shown of two texts before the place where they differ."""
NOTHING = object()
_INDEX = re.compile(r"\[\d+\]")


def parsed(body: bytes) -> Any:
    """What a body says: the value of JSON, else its text, else its bytes; nothing where it is empty."""
    if not body:
        return NOTHING
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def without(value: Any, ignored: Collection[str], path: str = "") -> Any:
    """The value without what is not to be compared."""
    if not ignored:
        return value
    if isinstance(value, dict):
        places = {name: _join(path, name) for name in value}
        return {
            name: without(member, ignored, places[name])
            for name, member in value.items()
            if not _is_ignored(places[name], ignored)
        }
    if isinstance(value, list):
        places = {index: f"{path}[{index}]" for index in range(len(value))}
        return [
            without(member, ignored, places[index])
            for index, member in enumerate(value)
            if not _is_ignored(places[index], ignored)
        ]
    return value


def differences(recorded: Any, asked: Any, path: str = "") -> Iterator[str]:
    """Where what is asked differs from what was recorded, a line each, with the path to it.

    A text that was masked when it was recorded is like any text that has something else in place of the mask.
    """
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            yield from differences(recorded.get(name, NOTHING), asked.get(name, NOTHING), _join(path, name))
    elif isinstance(recorded, list) and isinstance(asked, list):
        for index in range(max(len(recorded), len(asked))):
            yield from differences(_at(recorded, index), _at(asked, index), f"{path}[{index}]")
    elif not _same(recorded, asked):
        yield f"{path or 'body'}: {_told(recorded, asked)}"


def _same(recorded: Any, asked: Any) -> bool:
    if isinstance(recorded, str) and isinstance(asked, str):
        return recorded == asked or (MASK in recorded and _fits(recorded, asked))
    return type(recorded) is type(asked) and bool(recorded == asked)


def _fits(recorded: str, asked: str) -> bool:
    """Whether a text is like a masked one; in time proportional to it, whatever is in them."""
    first, *inner, last = recorded.split(MASK)
    if len(asked) < len(first) + len(last) or not (asked.startswith(first) and asked.endswith(last)):
        return False
    at, end = len(first), len(asked) - len(last)
    for part in inner:
        found = asked.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _told(recorded: Any, asked: Any) -> str:
    if asked is NOTHING:
        return f"recorded {_value(recorded)}, not asked for"
    if recorded is NOTHING:
        return f"asked {_value(asked)}, not recorded"
    if isinstance(recorded, str) and isinstance(asked, str):
        start = max(
            next(
                (at for at, (a, b) in enumerate(zip(recorded, asked, strict=False)) if a != b),
                min(len(recorded), len(asked)),
            )
            - BEFORE,
            0,
        )
        return f"recorded {_value(recorded, start)}, asked {_value(asked, start)}"
    return f"recorded {_value(recorded)}, asked {_value(asked)}"


def _value(value: Any, start: int = 0) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, str):
        begin, end = "…" if start else "", "…" if len(value) > start + SHOWN else ""
        return json.dumps(f"{begin}{excerpt(value[start:], SHOWN)}{end}", ensure_ascii=False)
    text = msgspec.json.encode(value).decode()
    return excerpt(text, SHOWN) + ("…" if len(text) > SHOWN else "")


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else NOTHING


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_ignored(path: str, ignored: Collection[str]) -> bool:
    return path in ignored or _INDEX.sub("[*]", path) in ignored
