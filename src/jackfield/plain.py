"""Wire values to plain JSON values: dict, list, str, int, float, bool and None."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, TypeAlias

import attrs

from jackfield.mismatch import MismatchError, at, step
from jackfield.models.base import ALWAYS, EMPTY, UNSET, WireValue, unread_extra

Dump: TypeAlias = Callable[[Any], Any]
_ATOMS = frozenset({str, int, bool, type(None)})
_NEVER = object()


def plain(value: Any) -> Any:
    """The plain form of a wire value, or of JSON that has wire values in it; nothing of it is shared.

    Raises:
        MismatchError: something in it is no JSON value; ``blemishes`` tells what and where.
    """
    kind = value.__class__
    return value if kind in _ATOMS else (_dumps.get(kind) or _dump(kind))(value)


def blemishes(value: Any, path: str = "") -> Iterator[str]:
    """What of a value cannot be written as JSON, with paths: other types, keys that are no text, NaN, surrogates."""
    if isinstance(value, WireValue):
        for name in value.__wire_fields__:
            if (field := getattr(value, name)) is not UNSET:
                yield from blemishes(field, path + step(name))
        yield from blemishes(value.extra, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from blemishes(item, path + step(key))
            else:
                yield at(path, MismatchError("str for each key", key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from blemishes(item, path + step(index))
    else:
        fault = _scalar_fault(value)
        if fault is not None:
            yield at(path, fault)


def _scalar_fault(value: Any) -> object:
    if isinstance(value, float) and not isfinite(value):
        return "expected a finite number, got NaN or infinity"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "expected text, got half of a surrogate pair in it"
    elif value is not None and not isinstance(value, (int, float)):
        return MismatchError("a JSON value", value)
    return None


def _array(value: Any) -> list[Any]:
    return [item if item.__class__ in _ATOMS else plain(item) for item in value]


def _mapping(value: Any) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise MismatchError("str for each key", key)
    return {key: item if item.__class__ in _ATOMS else plain(item) for key, item in value.items()}


def _float(value: Any) -> float:
    if isfinite(value):
        return float(value)
    raise MismatchError("a finite number", value)  # which msgspec would write as null


def _refuse(value: Any) -> Any:
    raise MismatchError("a JSON value", value)


_dumps: dict[type, Dump] = {dict: _mapping, list: _array, tuple: _array, float: _float}
"""How values of a class are written; classes are added as they are met."""


def _dump(kind: type) -> Dump:
    if issubclass(kind, WireValue):
        _dumps[kind] = dump = _wire_dump(kind)
        return dump
    for base, dump in _BASES:
        if issubclass(kind, base):
            return dump
    return _refuse


_BASES: tuple[tuple[type, Dump], ...] = (
    (Mapping, _mapping),
    (list, _array),
    (tuple, _array),
    (str, str.__str__),
    (int, int),
    (float, _float),
)


def _wire_dump(cls: type[WireValue]) -> Dump:
    fields = attrs.fields_dict(cls)
    plan = tuple((name, _left_out(fields[name])) for name in cls.__wire_fields__)

    def dump(value: WireValue) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, left_out in plan:
            item = getattr(value, name)
            if item is not left_out:
                data[name] = item if item.__class__ in _ATOMS else plain(item)
        if unread_extra(value) is not EMPTY:
            for key, item in _mapping(value.extra).items():
                data.setdefault(key, item)
        return data

    return dump


def _left_out(field: attrs.Attribute[Any]) -> Any:
    """The value that is not written: UNSET in requests, None in replies unless the schema requires the field."""
    if field.metadata.get(ALWAYS):
        return _NEVER
    return field.default if field.default in (UNSET, None) else _NEVER
