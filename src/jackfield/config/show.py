"""Settings as plain values again, to be looked at: without secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.secret import MASK, Secret, scrub

if TYPE_CHECKING:
    from jackfield.config.settings import BackendSettings, LayerSettings, Settings

_ANYWHERE = re.compile(
    r"token(?!i[sz])|passw|passphrase|secret|credential|authori[sz]ation|api_?key|cookie|bearer|signature"
)
_WORDS = frozenset({"key", "keys", "auth", "pass", "pwd", "value"})
_HARMLESS = frozenset({"url", "uri", "file", "path", "name", "id", "endpoint", "scope"})
"""Last words of names that only speak of a secret: ``token_url``, ``client_secret_name``."""
_LOOKS = re.compile(r"(?i)(?:bearer|basic)\s+\S|(?:(?:sk|pk|rk|gsk|hf|ghp|gho|xai|nvapi)[-_]|AKIA|AIza|eyJ)\w{8}")
_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]*)")


def show(settings: Settings) -> dict[str, Any]:
    """The settings in the shape of the file: dicts, lists, strings, numbers and booleans only.

    A secret reference stands as it is; any other string under a key that names a secret (``token``, ``api_key``,
    ``password``, ``Authorization`` …), or that looks like a key, is ``***``, and so are a user in a URL and values in
    its query that are named like a secret. Limits and caps are all there, also those that were not written. An object
    that a program put into its mapping stands as its class.
    """
    shown: dict[str, Any] = {} if settings.default_model is None else {"default_model": settings.default_model}
    if settings.models:
        shown["models"] = dict(settings.models)
    shown["backends"] = {name: _backend(backend) for name, backend in settings.backends.items()}
    if settings.middleware:
        shown["middleware"] = [_layer(layer) for layer in settings.middleware]
    return shown


def names_secret(name: str) -> bool:
    """Whether a setting or header of this name is likely to hold a secret."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", name).lower().strip("_")
    if words.rpartition("_")[2] in _HARMLESS:
        return False
    return _ANYWHERE.search(words) is not None or not _WORDS.isdisjoint(words.split("_"))


def _backend(backend: BackendSettings) -> dict[str, Any]:
    shown: dict[str, Any] = {"provider": backend.provider, **_table(backend.settings, hide=False)}
    shown["timeout"] = attrs.asdict(backend.timeout)
    transport = attrs.asdict(backend.transport)
    shown["transport"] = _table({key: item for key, item in transport.items() if item is not None}, hide=False)
    if backend.middleware:
        shown["middleware"] = [_layer(layer) for layer in backend.middleware]
    return shown


def _layer(layer: LayerSettings) -> dict[str, Any]:
    return {"use": layer.use, **_table(layer.settings, hide=False)}


def _table(table: Mapping[Any, Any], *, hide: bool) -> dict[str, Any]:
    return {str(key): _value(item, hide=hide or names_secret(str(key))) for key, item in table.items()}


def _value(value: Any, *, hide: bool) -> Any:
    if isinstance(value, Secret):
        return _text(value.reference, hide=True)
    if isinstance(value, str):
        return _text(value, hide=hide)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return _table(value, hide=hide)
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(item, hide=hide) for item in value]
    return _other(value)


def _other(value: Any) -> str:
    from datetime import date, time

    return value.isoformat() if isinstance(value, date | time) else f"<{type(value).__name__}>"


def _text(text: str, *, hide: bool) -> str:
    if hide or _LOOKS.match(text):
        return text if _is_reference(text) else MASK
    text = _USER.sub(f"{MASK}@", text)
    text = _QUERY.sub(lambda pair: f"{pair[1]}={MASK if names_secret(pair[1]) else pair[2]}", text)
    return scrub(text)


def _is_reference(text: str) -> bool:
    try:
        Secret(text)
    except ValueError:
        return False
    return True
