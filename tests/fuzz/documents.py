"""JSON documents by a Source: mostly what the wire classes take, with a hazard here and there."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from fuzz.source import Source
from jackfield.annotation import evaluate
from jackfield.models import UnsetType, WireValue

DEEPEST = 6
"""Objects inside each other that are made on purpose."""
HAZARDS = (
    b"null", b"[]", b"{}", b"-1", b"1.5", b"true", b'"x"', b"NaN", b"Infinity", b"1e999", b"-0.0", b"9" * 400,
    b"9" * 4400, b"1" * 30 + b".5e-400", b"[" * 3000 + b"]" * 3000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b'"\\ud800"',
    b'"\\ud83d\\ude00"', b'"\xff"', b'"\xed\xa0\x80"', b'"\\u0000"', b"\xef\xbb\xbf1", b"", b"}", b'{"a":1,"a":2}',
    b"18446744073709551616", b"9007199254740993", b'"' + b"y" * 300 + b'"',
)  # fmt: skip
"""Values that a field does not have, that JSON does not have, or that break who reads them."""
TEXTS = ("", "a", "stop", "é€😀", " b\n", "\0", "{", "tool_calls", "function", "custom", "assistant", "x_other")
NUMBERS = (0, 1, 2, -1, 3, 2**31, 2**63, 2**64, 10**40)
FLOATS = (0.0, 0.5, -1.5, 1e300, 5e-324, 3)
OTHER_KEYS = ("x_a", "x_b", "x_", "x_é", "x_" + "k" * 60)
"""Keys that no class knows."""
KEYS = (*OTHER_KEYS, "_extra", "", "type", "role", "id", "content", "error", "extra", "\0")


def document(source: Source, cls: type[WireValue], keys: tuple[str, ...] = KEYS) -> bytes:
    """JSON text of a value of a wire class, or nearly.

    Args:
        source: decides.
        cls: of the value.
        keys: of fields that are added.
    """
    return _Writer(source, keys).value(cls, 0)


def anything(source: Source) -> bytes:
    """JSON text of any value."""
    return _Writer(source, KEYS).any(0)


class _Writer:
    """Writes a document as its source decides."""

    def __init__(self, source: Source, keys: tuple[str, ...]) -> None:
        self._source, self._keys = source, keys

    def value(self, kind: Any, depth: int) -> bytes:
        source = self._source
        if source.chance():
            return source.pick(HAZARDS)
        origin, args = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            return self.value(source.pick([arm for arm in args if arm is not UnsetType]), depth)
        if origin is Literal or kind in _SCALARS:
            text = json.dumps(source.pick(_SCALARS.get(kind) or args), ensure_ascii=source.count(1) == 0)
            return text.encode()
        return self._whole(kind, depth)

    def _whole(self, kind: Any, depth: int) -> bytes:
        origin, args, count = get_origin(kind), get_args(kind), self._source.count
        if origin is tuple:
            return self._array([args[0]] * count(2), depth)
        if origin is Mapping:
            return self._object([(self._source.pick(TEXTS), args[1]) for _ in range(count(2))], depth)
        return self.any(depth) if kind is Any else self._wire(kind, depth)

    def any(self, depth: int) -> bytes:
        source = self._source
        kind: Any = source.pick((str, int, float, bool, None, list, dict))
        if kind is list:
            return self._array([Any] * source.count(2), depth)
        if kind is dict:
            return self._object([(source.pick(self._keys), Any) for _ in range(source.count(2))], depth)
        return self.value(kind, depth)

    def _wire(self, cls: type[WireValue], depth: int) -> bytes:
        source = self._source
        required, optional = _fields(cls)
        chosen = [*required, *(source.pick(optional) for _ in range(source.count(3) if optional else 0))]
        if depth == 0 or source.chance():
            chosen += [(source.pick(self._keys), Any) for _ in range(source.count(2))]
        return self._object(chosen, depth)

    def _object(self, fields: list[tuple[str, Any]], depth: int) -> bytes:
        if depth > DEEPEST:
            return b"{}"
        pairs = (json.dumps(name).encode() + b":" + self.value(kind, depth + 1) for name, kind in fields)
        return b"{" + b",".join(pairs) + b"}"

    def _array(self, kinds: list[Any], depth: int) -> bytes:
        if depth > DEEPEST:
            return b"[]"
        return b"[" + b",".join(self.value(kind, depth + 1) for kind in kinds) + b"]"


_SCALARS: Mapping[Any, tuple[Any, ...]] = {
    str: TEXTS,
    int: NUMBERS,
    float: FLOATS,
    bool: (True, False),
    type(None): (None,),
    None: (None,),
}


@cache
def _fields(cls: type[WireValue]) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Names and types of a class' required fields, and of the others."""
    fields = [field for field in attrs.fields(cls) if field.name in cls.__wire_fields__]
    typed = [(field, (field.name, evaluate(str(field.type), cls.__module__))) for field in fields]
    required = [pair for field, pair in typed if field.default is attrs.NOTHING or field.name == "choices"]
    return required, [pair for _, pair in typed if pair not in required]
