"""The cattrs converter of the wire types: plain JSON values to attrs values.

Rules that cattrs has by default are replaced where they would change a value: ``structure(None, str)`` is no
``'None'`` here, ``1.9`` no ``1``, ``True`` no ``1``. Hooks are made when a value first needs them, a field's when the
field is first met, and so are the modules of the types that it names: a plain text call imports few of them.

All mismatches of an object or array are collected, in cattrs' own exception groups; see ``jackfield.mismatch``.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import BaseConverter

from jackfield.annotation import alternatives, evaluate
from jackfield.mismatch import MOST_LINES, REFUSED, MismatchError, in_fields, in_items, refusal
from jackfield.models.base import UNSET, Extra, WireValue
from jackfield.union import UNIONS, Hook, OneOf


@functools.cache
def converter() -> BaseConverter:
    """The converter; private to jackfield, since hooks that others register would change what is on the wire."""
    made = BaseConverter(detailed_validation=True)
    made.register_structure_hook_factory(lambda kind: _origin(kind) is Literal, _literal_hook)
    made.register_structure_hook_factory(lambda kind: _origin(kind) in (Mapping, dict), _mapping_hook)
    made.register_structure_hook_factory(lambda kind: _origin(kind) in (tuple, list, Sequence), _array_hook)
    made.register_structure_hook_factory(lambda kind: _origin(kind) in UNIONS, _union_hook)
    made.register_structure_hook_factory(
        lambda kind: isinstance(kind, type) and issubclass(kind, WireValue), _value_hook
    )
    for scalar in (str, int, float, bool):
        made.register_structure_hook(scalar, OneOf((scalar,), "", hook).structure)
    return made


def _origin(kind: Any) -> Any:
    return get_origin(kind) or kind


def hook(kind: Any) -> Hook:
    """What makes a value of the type ``kind`` of a plain JSON value, or raises one of ``REFUSED``."""
    return converter().get_structure_hook(kind)


def _union_hook(kind: Any) -> Hook:
    return OneOf(get_args(kind), "", hook).structure


def _literal_hook(kind: Any) -> Hook:
    values = get_args(kind)

    def structure(value: Any, _: Any) -> Any:
        if value in values:
            return value
        raise MismatchError(" or ".join(map(repr, values)), value)

    return structure


def _array_hook(kind: Any) -> Hook:
    item = get_args(kind)[0]
    make: Callable[[list[Any]], Any] = list if get_origin(kind) is list else tuple
    take = hook(item)

    def structure(data: Any, _: Any) -> Any:
        if not isinstance(data, (list, tuple)):
            raise MismatchError("array", data)
        try:
            return make([take(value, None) for value in data])
        except REFUSED:
            raise _items_error(kind, enumerate(data), take) from None

    return structure


def _mapping_hook(kind: Any) -> Hook:
    item = (*get_args(kind), Any, Any)[1]
    take = hook(item)

    def structure(data: Any, _: Any) -> Any:
        if data.__class__ is not dict:
            data = _object(data)
        for key in data:
            if not isinstance(key, str):
                raise MismatchError("str for each key", key)
        if item is Any:
            return data
        try:
            return {key: take(value, None) for key, value in data.items()}
        except REFUSED:
            raise _items_error(kind, data.items(), take) from None

    return structure


def _object(data: Any) -> dict[Any, Any]:
    if not isinstance(data, Mapping):
        raise MismatchError("object", data)
    return dict(data)


def _items_error(kind: Any, items: Iterable[tuple[Any, Any]], take: Hook) -> Exception:
    """What is wrong with the items, each of which is tried again; no more is collected than is ever told."""
    errors = ((index, error) for index, value in items if (error := refusal(take, value)) is not None)
    return in_items(kind, dict(itertools.islice(errors, MOST_LINES + 1)))


def _value_hook(cls: type[WireValue]) -> Hook:
    """Takes an object for ``cls``; what the class has no field for goes to ``extra``."""
    fields = [field for field in attrs.fields(cls) if field.name in cls.__wire_fields__]
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    hooks: dict[str, Hook] = {}
    hooks.update((field.name, _at_first(field, cls.__module__, hooks)) for field in fields)
    make = _maker(cls, fields)

    def structure(data: Any, _: Any) -> Any:
        if data.__class__ is not dict:
            if isinstance(data, cls):
                return data
            data = _object(data)
        values: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        errors: dict[str, Exception] = {}
        for key, value in data.items():
            take = hooks.get(key)
            if take is None:
                extra[key] = value
                continue
            try:
                values[key] = take(value, None)
            except REFUSED as error:
                errors[key] = error
        for name in required:
            if name not in data and (refused := refusal(hooks[name], UNSET)) is not None:
                errors[name] = refused
        if errors:
            raise in_fields(cls, errors)
        return make(values, extra)

    return structure


def _maker(cls: type[WireValue], fields: list[attrs.Attribute[Any]]) -> Callable[[dict[str, Any], dict[str, Any]], Any]:
    """Makes a value of the fields that were taken, and of the unknown ones.

    ``__init__`` would do no more than this and set every field that was left out, whose default stands on the class
    already; so the value is filled directly, at half the cost.
    """
    defaults: list[tuple[str, Any]] = [(field.name, field.default) for field in fields]
    factories = [(name, default.factory) for name, default in defaults if hasattr(default, "factory")]
    converters: list[tuple[str, Any]] = [(field.name, field.converter) for field in fields if field.converter]

    def make(values: dict[str, Any], extra: dict[str, Any]) -> Any:
        for name, convert in converters:
            if name in values:
                values[name] = convert(values[name])
        for name, factory in factories:
            if name not in values:
                values[name] = factory()
        if extra:
            values["_extra"] = Extra(extra)
        made = object.__new__(cls)
        made.__dict__.update(values)
        return made

    return make


def _at_first(field: attrs.Attribute[Any], module: str, hooks: dict[str, Hook]) -> Hook:
    """The hook of a field until a value comes; then it puts the real one in its own place."""

    def structure(value: Any, _: Any) -> Any:
        hooks[field.name] = take = _field_hook(field, module)
        return take(value, None)

    return structure


def _field_hook(field: attrs.Attribute[Any], module: str) -> Hook:
    arms = alternatives(str(field.type))
    take = OneOf(arms, module, hook).structure if len(arms) > 1 else hook(evaluate(arms[0], module))
    default: Any = field.default
    if default in (attrs.NOTHING, UNSET) or arms[0].startswith("Literal[") or "None" in arms:
        return take

    missing = getattr(default, "factory", lambda: default)

    def structure(value: Any, _: Any) -> Any:
        return missing() if value is None else take(value, None)  # in a reply null reads as missing

    return structure
