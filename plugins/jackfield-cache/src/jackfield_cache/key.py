"""Key: what tells one question from another.

Everything that the host says of a request is in it, known to jackfield or not, and where it goes. A field is only left
out by name: one that comes with a later version of the schema is in the key from the start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.models.base import UNSET, WireValue
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.plan import Layer, Route

FORMAT = 1
"""Of keys and stored answers; what was stored under another is not found."""
DELIVERY = frozenset({"stream", "stream_options"})
"""Fields of a request that say how the answer comes, not what it is."""
HARMLESS = frozenset({"include_usage", "include_obfuscation"})
"""Options of a stream that do the same."""


def digest(
    request: CreateChatCompletionRequest, call: Call, place: tuple[str, str] | None, labels: tuple[str, ...]
) -> str | None:
    """The key of a request, 64 hexadecimal digits; None where it holds something that is no JSON.

    Args:
        request: as it came to the layer.
        call: whose extra headers, extra body and labels belong to the question.
        place: fingerprint of the backend, and its own name of the model.
        labels: names of the labels that tell tenants apart.
    """
    question = {
        "format": FORMAT,
        "place": place,
        "request": _asked(request),
        "extra_body": call.extra_body,
        "extra_headers": sorted(call.extra_headers.items()),
        "labels": [[name, call.labels.get(name)] for name in labels],
    }
    try:
        text = json.dumps(canonical(question), allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """A value in the one form that it has in a key.

    The fields of a wire value have the order of their names. What is free JSON, a schema say, keeps its order: it is
    sent in it, and models follow it. A number is the same with and without a fraction of zero.

    Raises:
        TypeError: it is no JSON.
    """
    if isinstance(value, WireValue):
        fields = _fields(value)
        return {name: canonical(fields[name]) for name in sorted(fields)}
    if isinstance(value, Mapping):
        return {_name(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int):
        if isinstance(value, kind):
            return kind(value)  # of a subclass, an enumeration say, the plain value
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    raise TypeError(f"expected JSON, got {type(value).__name__}")


def _name(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"expected text for each key, got {type(key).__name__}")
    return str(key)


def _fields(value: WireValue) -> dict[str, Any]:
    """What is set of a wire value, with what the class does not know."""
    known = {name: item for name in value.__wire_fields__ if (item := getattr(value, name)) is not UNSET}
    return {**value.extra, **known}


def _asked(request: CreateChatCompletionRequest) -> dict[str, Any]:
    """The fields of a request that tell what is asked, in the order of their names."""
    fields = _fields(request)
    options = fields.get("stream_options")
    asked = {name: fields[name] for name in sorted(fields.keys() - DELIVERY)}
    if isinstance(options, WireValue):
        others = {name: item for name, item in _fields(options).items() if name not in HARMLESS}
        if others:
            asked["stream_options"] = others
    return asked


def fingerprint(route: Route, cache: type) -> str:
    """What an answer of a backend depends on besides the request: its name, provider, origin and settings.

    The settings are those of the provider, of the backend's layers and of layers around its HTTP exchanges, but for
    those of caches. Credentials are in it by their reference.
    """
    layers = ((route.provider,), route.chat, route.http)
    settings = [[_settings(layer) for layer in some if not isinstance(layer.plugin, cache)] for some in layers]
    backend = route.backend
    text = json.dumps([backend.name, backend.provider, str(backend.origin), settings])
    return hashlib.sha256(text.encode()).hexdigest()


def _settings(layer: Layer) -> list[str]:
    plugin: Any = layer.plugin
    fields = [field for field in attrs.fields(type(plugin)) if field.init and not field.name.startswith("_")]
    values = [f"{field.name}={getattr(plugin, field.name, None)!r}" for field in fields]
    return [f"{type(plugin).__module__}.{type(plugin).__qualname__}", *values]
