"""Schemas: the wire types of jackfield as JSON Schema, made of their classes, so that there is one place for both.

What is required and what may be null is what the class says; a test of the core holds the classes against OpenAI's
schema. Enumerated texts are open there and so here; ranges are the backend's to check.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import attrs

import jackfield.models
from jackfield.models import UNSET, UnsetType, WireValue
from jackfield.models.base import ALWAYS

Schema: TypeAlias = dict[str, Any]
UNIONS = (Union, types.UnionType)
SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
HOME = "#/components/schemas/"


class Schemas:
    """Schemas of wire types, each class once.

    Attributes:
        components: of the classes that were asked for, and of those that they are made of, by name.
    """

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}
        self._names = {name: getattr(jackfield.models, name) for name in jackfield.models.__all__}
        self._names["Call"] = Any  # an answer has its call with it, which is not on the wire

    def of(self, kind: Any) -> Schema:
        """The schema of a type; for a class of the wire, a reference to its component.

        Raises:
            TypeError: JSON has no such type.
        """
        if kind is Any:
            return {}
        if kind in SCALARS:
            return {"type": SCALARS[kind]}
        if isinstance(kind, type) and issubclass(kind, WireValue):
            return self._refer(kind)
        return self._composed(kind)

    def _composed(self, kind: Any) -> Schema:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in UNIONS:
            return self._any([one for one in arguments if one is not UnsetType])
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        raise TypeError(f"{kind!r} is no type of the wire")

    def _refer(self, cls: type[WireValue]) -> Schema:
        if cls.__name__ not in self.components:
            self.components[cls.__name__] = {}  # a class may be within itself
            self.components[cls.__name__] = self._object(cls)
        return {"$ref": f"{HOME}{cls.__name__}"}

    def _object(self, cls: type[WireValue]) -> Schema:
        fields, hints = attrs.fields_dict(cls), get_type_hints(cls, localns=self._names)
        made: Schema = {"type": "object", "description": (cls.__doc__ or "").partition("\n")[0].replace("``", "`")}
        if required := [name for name in cls.__wire_fields__ if _is_required(fields[name])]:
            made["required"] = required
        made["properties"] = {name: self.of(hints[name]) for name in cls.__wire_fields__}
        return made

    def _any(self, kinds: list[Any]) -> Schema:
        tags = [tag for tag in map(_tag, kinds) if tag is not None]
        arms = [self._arm(kind, tags) for kind in kinds]
        return arms[0] if len(arms) == 1 else {"anyOf": arms}

    def _arm(self, kind: Any, tags: list[str]) -> Schema:
        """One of several; the class of what is unknown is for no tag that another class has."""
        made = self.of(kind)
        if not tags or "$ref" not in made or _tag(kind) is not None:
            return made
        name = "role" if "role" in kind.__wire_fields__ else "type"
        return {"allOf": [made, {"properties": {name: {"not": {"enum": tags}}}}]}


def _tag(kind: Any) -> str | None:
    """The value by which a class is told from others, if it has one."""
    fields = attrs.fields_dict(kind) if isinstance(kind, type) and issubclass(kind, WireValue) else {}
    for name in ("role", "type"):
        if name in fields and str(fields[name].type).startswith("Literal["):
            return str(fields[name].default)
    return None


def _is_required(field: attrs.Attribute[Any]) -> bool:
    """Whether it has to be given, or is always written."""
    default: Any = field.default
    return default is attrs.NOTHING or bool(field.metadata.get(ALWAYS)) or not (default is UNSET or default is None)
