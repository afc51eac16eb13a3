"""Schema: a JSON Schema to what the service can hold the model to.

Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jackfield.errors import ValidationError

if TYPE_CHECKING:
    from jackfield.parameters import Fitting

Schema = Mapping[str, Any]
_NO = frozenset((
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems",
    "uniqueItems", "contains", "minContains", "maxContains", "prefixItems", "unevaluatedItems", "minProperties",
    "maxProperties", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas",
    "unevaluatedProperties", "if", "then", "else", "not",
))  # fmt: skip
"""Keywords that the service refuses."""
_FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"))
_LISTS = ("anyOf", "allOf")
_MAPS = ("properties", "$defs", "definitions")
_LEAVE = "leave it out, and say it in the description"


def fitted(schema: Schema, path: str, fitting: Fitting) -> dict[str, Any]:
    """The schema with closed objects and ``anyOf`` for ``oneOf``, without what the service refuses.

    Args:
        schema: JSON Schema.
        path: of it in the request.
        fitting: takes each keyword that cannot be said.

    Raises:
        UnsupportedParameterError: it has such a keyword.
        ValidationError: it is nested too deeply.
    """
    try:
        return _fitted(schema, path, fitting)
    except RecursionError:
        raise ValidationError(f"{path}: nested too deeply") from None


def _fitted(schema: Schema, path: str, fitting: Fitting) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if _refused(name, value):
            fitting.lacks(f"{path}.{name}", _LEAVE)
        elif name == "oneOf" and isinstance(value, list):
            made["anyOf"] = _list(value, f"{path}.oneOf", fitting)
        else:
            made[name] = _inner(name, value, f"{path}.{name}", fitting)
    if made.get("type") == "object" or "properties" in made:
        made["additionalProperties"] = False
    return made


def _refused(name: str, value: Any) -> bool:
    if name == "additionalProperties":
        return value is not False
    if name == "minItems":
        return value not in (0, 1)
    return name in _NO or (name == "format" and value not in _FORMATS)


def _inner(name: str, value: Any, path: str, fitting: Fitting) -> Any:
    if name in _LISTS and isinstance(value, list):
        return _list(value, path, fitting)
    if name in _MAPS and isinstance(value, dict):
        return {key: _schema(each, f"{path}.{key}", fitting) for key, each in value.items()}
    return _schema(value, path, fitting) if name == "items" else value


def _list(schemas: list[Any], path: str, fitting: Fitting) -> list[Any]:
    return [_schema(schema, f"{path}[{number}]", fitting) for number, schema in enumerate(schemas)]


def _schema(value: Any, path: str, fitting: Fitting) -> Any:
    return _fitted(value, path, fitting) if isinstance(value, dict) else value
