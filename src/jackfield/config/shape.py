"""Shape: the JSON Schema of what a setting takes, from its type and its validators.

It refuses what ``jackfield.construct`` refuses for its shape. Three things JSON Schema cannot see: that ``1.0`` is no
integer, that ``nan`` is no number, and what a validator checks that is not one of attrs' own.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from jackfield.construct import ARRAYS, TABLES, settings_of
from jackfield.docstring import attributes, text_of
from jackfield.secret import EXPECTED, Secret

Schema = dict[str, Any]
SECRET: Schema = {
    "type": "string",
    "pattern": r"^((env|file|command):[\s\S]*\S|keyring:[\s\S]+/[^/]+$)",
    "description": f"Expected is {EXPECTED}.",
}
_SCALARS: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
_BOUNDS = {">=": "minimum", ">": "exclusiveMinimum", "<=": "maximum", "<": "exclusiveMaximum"}
_LENGTHS = {"string": "Length", "array": "Items", "object": "Properties"}
_FACTORIES = (dict, list, tuple, set, frozenset)


def table_of(cls: type, *, without: tuple[str, ...] = ()) -> Schema:
    """The schema of a table that an attrs class is built from.

    Args:
        cls: the class of a plugin, or of a setting that is a table itself.
        without: names that the table has for something else.
    """
    return _Shapes().table(cls, without)


class _Shapes:
    """Makes schemas; it remembers the classes that it is in the middle of, for one may hold others of its own kind."""

    def __init__(self) -> None:
        self._open: list[type] = []

    def table(self, cls: type, without: tuple[str, ...] = ()) -> Schema:
        """The schema of an attrs class's table."""
        if cls in self._open:
            return {"type": "object"}
        self._open.append(cls)
        fields = {name: field for name, field in settings_of(cls).items() if name not in without}
        texts = attributes(cls)
        schema = {
            **_described(text_of(cls)),
            "type": "object",
            "properties": {
                name: self._setting(field, texts.get(field.name, texts.get(name, ""))) for name, field in fields.items()
            },
            "required": [name for name, field in fields.items() if field.default is attrs.NOTHING],
            "additionalProperties": False,
        }
        self._open.pop()
        return schema

    def _setting(self, field: attrs.Attribute[Any], text: str) -> Schema:
        schema = self.value(field.type)
        if field.converter is None:  # else the validators look at another value than the file has
            for validator in _flat(field.validator):
                schema |= _limits(validator, schema)
        words = " ".join(part for part in (text, schema.get("description", "")) if part)
        return {**schema, **_described(words), **_default(field.default)}

    def value(self, wanted: Any) -> Schema:
        """The schema of a type; empty, which takes anything, where it has no words for it."""
        if get_origin(wanted) is Annotated:
            return self.value(get_args(wanted)[0])
        if hasattr(wanted, "__supertype__"):  # a NewType
            return self.value(wanted.__supertype__)
        made = self._made_of(get_origin(wanted) or wanted, get_args(wanted))
        if made is not None:
            return made
        return self._class(wanted) if isinstance(wanted, type) else {}

    def _made_of(self, origin: Any, arguments: tuple[Any, ...]) -> Schema | None:
        """The schema of a type that has others in it, or None."""
        if origin is Literal:
            return _choice(arguments)
        if origin in {Union, types.UnionType}:
            return self._union(arguments)
        if origin in ARRAYS:
            return self._array(origin, arguments)
        return self._mapping(arguments) if origin in TABLES else None

    def _class(self, wanted: type) -> Schema:
        if wanted is Secret:
            return dict(SECRET)
        if issubclass(wanted, Enum):
            return _choice([member.value for member in wanted])
        if attrs.has(wanted):
            return self.table(wanted)
        from pathlib import PurePath  # few plugins have one, and it is slow to load

        kind = "string" if issubclass(wanted, PurePath) else _SCALARS.get(wanted)
        return {} if kind is None else {"type": kind}

    def _union(self, arms: tuple[Any, ...]) -> Schema:
        """One that also takes None has no null here: TOML has none."""
        schemas = [self.value(arm) for arm in arms if arm is not types.NoneType]
        if not all(schemas):
            return {}
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def _array(self, origin: Any, arguments: tuple[Any, ...]) -> Schema:
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            items = [self.value(argument) for argument in arguments]
            return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        return {"type": "array", "items": self.value(arguments[0])} if arguments else {"type": "array"}

    def _mapping(self, arguments: tuple[Any, ...]) -> Schema:
        keys, values = arguments or (Any, Any)
        names = self.value(keys)
        named = {} if names in ({}, {"type": "string"}) else {"propertyNames": names}
        return {"type": "object", **named, "additionalProperties": self.value(values)}


def _choice(choices: Any) -> Schema:
    values = list(choices)
    return {"enum": values} if all(map(_is_plain, values)) else {}


def _described(text: str) -> Schema:
    return {"description": text} if text else {}


def _default(default: Any) -> Schema:
    """The default, if there is one and JSON can say it. No Secret, and nothing that has to be made first."""
    if default is attrs.NOTHING:  # an Enum itself
        return {}
    if isinstance(default, attrs.Factory) and default.factory in _FACTORIES:  # type: ignore[arg-type]  # attrs' stub has it as a function
        default = default.factory()
    if isinstance(default, Enum):
        default = default.value
    if isinstance(default, tuple | set | frozenset):
        default = list(default)
    return {"default": default} if default is not None and _is_plain(default) else {}


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return type(value) in {str, int, bool}


# -- validators ------------------------------------------------------------------------------------------------------
# They are asked by their attributes: attrs has no public way, and what is asked in vain tells nothing, so that the
# schema takes more.


def _flat(validator: Any) -> Iterator[Any]:
    """A validator, or those that it is made of."""
    for inner in getattr(validator, "_validators", ()):
        yield from _flat(inner)
    optional = type(validator).__name__ == "_OptionalValidator"
    yield from _flat(validator.validator) if optional else (validator,)


def _limits(validator: Any, schema: Schema) -> Schema:
    """What a validator adds to the schema of a type."""
    bound, options = getattr(validator, "bound", None), getattr(validator, "_original_options", None)
    keyword = _BOUNDS.get(getattr(validator, "compare_op", ""))
    if keyword is not None and isinstance(bound, int | float):
        return {keyword: bound}
    if isinstance(options, list | tuple | set | frozenset) and "enum" not in schema:
        return _choice(options if isinstance(options, list | tuple) else sorted(options, key=str))
    shortest, longest = getattr(validator, "min_length", None), getattr(validator, "max_length", None)
    return {
        f"{side}{unit}": length
        for side, length in (("min", shortest), ("max", longest))
        for kind, unit in _LENGTHS.items()
        if isinstance(length, int) and schema.get("type") == kind
    }
