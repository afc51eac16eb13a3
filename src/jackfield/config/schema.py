"""Schema: the JSON Schema of the whole file, so that editors complete and check it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import attrs

from jackfield.config.check import BACKEND_KEYS, MAX_COUNT, MAX_SECONDS
from jackfield.config.settings import Timeouts, Transport
from jackfield.config.shape import Schema, table_of
from jackfield.docstring import attributes

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DIRECTIVE = "#:schema ./jackfield.schema.json"
"""The first line of a file whose schema lies beside it, as the language servers of TOML (Taplo, Tombi) read it."""
_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_SECONDS: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS}
_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_COUNT}
_TRANSPORT: Mapping[str, Schema] = {
    "proxy": {"type": "string", "pattern": "^[hH][tT][tT][pP][sS]?://"},
    "ca_file": _TEXT,
    "max_connections": _COUNT,
    "max_response_bytes": _COUNT,
    "max_line_bytes": _COUNT,
}
_LIMITS = {
    "connect": "Seconds for connecting, TLS included.",
    "first_byte": "Seconds from the request sent to the first byte of the answer.",
    "idle": "Seconds for the wait between two events of a stream, or two blocks of a body.",
    "total": "Seconds for the whole call, where the call itself has no `timeout=`.",
}
_WORDS = {
    "default_model": "`backend/model` or an alias, for calls that name no model.",
    "models": "Aliases, each to `backend/model` or to another alias.",
    "backends": "Backends, by names of your own; at least one.",
    "middleware": "The layers around all backends, outermost first.",
    "inner": "Layers of this backend, inside those of the host; outermost first.",
    "profiles": "Tables of the same shape as the file, one of which may be laid over it.",
    "provider": "The name of the plugin that answers.",
    "use": "The name of the plugin.",
}


def schema(
    providers: Mapping[str, type], middleware: Mapping[str, type], sections: Mapping[str, type] | None = None
) -> Schema:
    """The JSON Schema (draft 2020-12) of a configuration that may name these plugins.

    Keys, types, names of plugins and what each of them needs are in it, with their help and defaults. A profile may
    leave out what the rest of the file has; there, where no provider is named, a backend takes the settings of all.
    What only the whole file can tell (an alias that leads nowhere, say) is not in it: ``jackfield config validate``.

    Args:
        providers: classes of providers, by the name that a configuration uses.
        middleware: those of middleware likewise.
        sections: classes of tables that are other programs', by their names.
    """
    outside = {name: cls for name, cls in middleware.items() if not getattr(cls, "backend_only", False)}
    definitions: Schema = {
        "timeout": {
            "description": "Limits in seconds, or the one for the whole call.",
            "anyOf": [_SECONDS, _timeout()],
        },
        "transport": _transport(),
        **{f"provider.{name}": _provider(name, cls) for name, cls in providers.items()},
        **{f"middleware.{name}": _layer(name, cls) for name, cls in middleware.items()},
        "backend": _chosen("provider", "provider.", providers),
        "layer": _chosen("use", "middleware.", outside),
        "inner": _chosen("use", "middleware.", middleware),
    }
    for name in providers:
        definitions[f"part.provider.{name}"] = _partial(definitions[f"provider.{name}"])
    definitions["part.backend"] = _partial(_chosen("provider", "part.provider.", providers))
    definitions["part.backend"]["allOf"].append(_any_provider(definitions, providers))
    own = {name: table_of(cls) for name, cls in (sections or {}).items()}
    parts = _keys("part.backend") | {name: _partial(table) for name, table in own.items()}
    keys = own | _keys("backend")
    keys["profiles"] = {
        "type": "object",
        "description": _WORDS["profiles"],
        "additionalProperties": {"type": "object", "properties": parts, "additionalProperties": False},
    }
    keys["backends"]["minProperties"] = 1
    return {
        "$schema": DIALECT,
        "title": "jackfield.toml",
        "description": "Which backends answer, and what stands between them and the program.",
        "type": "object",
        "properties": keys,
        "required": ["backends"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _keys(backend: str) -> dict[str, Schema]:
    """What may stand at the top of a file, or of a profile."""
    return {
        "default_model": {**_TEXT, "description": _WORDS["default_model"]},
        "models": {
            "type": "object",
            "description": _WORDS["models"],
            "propertyNames": {"pattern": r"\S"},
            "additionalProperties": _TEXT,
        },
        "backends": {
            "type": "object",
            "description": _WORDS["backends"],
            "propertyNames": {"pattern": r"^[^/]*[^/\s][^/]*$"},
            "additionalProperties": _ref(backend),
        },
        "middleware": {"type": "array", "description": _WORDS["middleware"], "items": _ref("layer")},
    }


def _provider(name: str, cls: type) -> Schema:
    table = table_of(cls, without=BACKEND_KEYS)
    common = {
        "provider": {"const": name, "description": _WORDS["provider"]},
        "timeout": _ref("timeout"),
        "transport": _ref("transport"),
        "middleware": {"type": "array", "description": _WORDS["inner"], "items": _ref("inner")},
    }
    return {**table, "properties": {**common, **table["properties"]}, "required": ["provider", *table["required"]]}


def _layer(name: str, cls: type) -> Schema:
    table = table_of(cls, without=("use",))
    use = {"use": {"const": name, "description": _WORDS["use"]}}
    return {**table, "properties": {**use, **table["properties"]}, "required": ["use", *table["required"]]}


def _chosen(key: str, prefix: str, names: Mapping[str, Any]) -> Schema:
    """A table that is of another shape for each value of one key.

    It is told by ``if`` and ``then``, so that a fault is told where it is. ``anyOf`` refuses nothing: editors complete
    from its members, and do not look into ``then``.
    """
    known = {
        "type": "object",
        "properties": {key: {"enum": list(names), "description": _WORDS[key]}},
        "required": [key],
    }
    cases = [
        {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": _ref(f"{prefix}{name}")}
        for name in names
    ]
    return {"allOf": [known, *cases], "anyOf": [*(_ref(f"{prefix}{name}") for name in names), {}]}


def _any_provider(definitions: Schema, names: Mapping[str, Any]) -> Schema:
    """What a backend of a profile takes that does not say its provider."""
    properties: dict[str, list[Schema]] = {}
    for name in names:
        for key, value in definitions[f"part.provider.{name}"]["properties"].items():
            if key != "provider" and value not in properties.setdefault(key, []):
                properties[key].append(value)
    shapes = {key: several[0] if len(several) == 1 else {"anyOf": several} for key, several in properties.items()}
    return {
        "if": {"not": {"required": ["provider"]}},
        "then": {"properties": shapes, "additionalProperties": False},
    }


def _partial(value: Schema) -> Schema:
    """A table that is merged with another, and so needs nothing; an array in it is replaced whole, and so needs all."""
    change: Mapping[str, Callable[[Any], Any]] = {
        "properties": lambda items: {key: _partial(item) for key, item in items.items()},
        "additionalProperties": lambda item: _partial(item) if isinstance(item, dict) else item,
        "anyOf": lambda items: [_partial(item) for item in items],
        "allOf": lambda items: [_partial(item) for item in items],
        "minProperties": lambda _: 0,
        "required": lambda _: [],
    }
    if "if" in value:  # a case of ``_chosen``, which refers to what is partial itself
        return value
    return {key: change[key](item) if key in change else item for key, item in value.items()}


def _timeout() -> Schema:
    properties = {
        field.name: {**_SECONDS, "default": field.default, "description": _LIMITS[field.name]}
        for field in attrs.fields(Timeouts)
    }
    table = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"description": "Limits in seconds, or the one for the whole call.", "anyOf": [_SECONDS, table]}


def _transport() -> Schema:
    texts = attributes(Transport)
    defaults = {field.name: field.default for field in attrs.fields(Transport)}
    properties = {
        name: {
            **shape,
            "description": texts[name],
            **({} if defaults[name] is None else {"default": defaults[name]}),
        }
        for name, shape in _TRANSPORT.items()
    }
    text = "How a backend is reached, and how much of its answers is taken."
    return {"description": text, "type": "object", "properties": properties, "additionalProperties": False}


def _ref(name: str) -> Schema:
    """A reference to a definition, whatever its name (RFC 6901, section 6)."""
    return {"$ref": f"#/$defs/{quote(name.replace('~', '~0').replace('/', '~1'), safe='~')}"}
