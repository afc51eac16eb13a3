"""Settings as plain values again, to be looked at: without secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from jackfield.proxy import ProxyURL
from jackfield.redaction import MASK, scrub
from jackfield.secret import Secret
from jackfield.sensitive import names_secret

if TYPE_CHECKING:
    from jackfield.config.settings import BackendSettings, LayerSettings, Settings

_LOOKS = re.compile(
    r"(?i)(?:bearer|basic)\s+\S|(?:(?:sk|pk|rk|gsk|hf|ghp|gho|xai|nvapi)[-_]|AKIA|AIza|AQ\.|eyJ)[\w-]{8}"
)
MOST_BITS = 1024
"""Of an integer that is shown; Python refuses to write one of very many digits."""
LONG = 16
"""Characters of a value in a query beyond which it may be a key, whatever its name."""
_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]*)")


Known: TypeAlias = Callable[[str, str], Mapping[str, Collection[Any]]]
"""From kind (``provider``, ``middleware``, ``section``) and name to settings, each with what it may only be."""


def show(settings: Settings, known: Known) -> dict[str, Any]:
    """The settings in the shape of the file: dicts, lists, strings, numbers and booleans only.

    A secret reference stands as it is; any other string under a key that names a secret (``token``, ``api_key``,
    ``password``, ``Authorization`` …), that is no setting of its plugin (it may be one, misspelt), or that looks like a
    key, is ``***``, and so are a user in a URL and values in its query that are named like a secret, or as long as one.
    Limits and caps are all there, also those that were not written. An object that a program put into its mapping
    stands as its class.

    Args:
        settings: a configuration.
        known: which settings a plugin has, and what they may only be; none where it is not known.
    """
    shown: dict[str, Any] = {} if settings.default_model is None else {"default_model": settings.default_model}
    if settings.models:
        shown["models"] = dict(settings.models)
    shown["backends"] = {name: _backend(backend, known) for name, backend in settings.backends.items()}
    if settings.middleware:
        shown["middleware"] = [_layer(layer, known) for layer in settings.middleware]
    for name, section in settings.sections.items():
        shown[name] = _own(section.settings, known("section", name))
    return shown


def _backend(backend: BackendSettings, known: Known) -> dict[str, Any]:
    own = _own(backend.settings, known("provider", backend.provider))
    shown: dict[str, Any] = {"provider": backend.provider, **own}
    shown["timeout"] = attrs.asdict(backend.timeout)
    transport = attrs.asdict(backend.transport)
    shown["transport"] = _table({key: item for key, item in transport.items() if item is not None}, hide=False)
    if backend.middleware:
        shown["middleware"] = [_layer(layer, known) for layer in backend.middleware]
    return shown


def _layer(layer: LayerSettings, known: Known) -> dict[str, Any]:
    return {"use": layer.use, **_own(layer.settings, known("middleware", layer.use))}


def _own(table: Mapping[str, Any], known: Mapping[str, Collection[Any]]) -> dict[str, Any]:
    """The settings of a plugin."""
    return {key: safe(item, hide=key not in known or hides(key, item, known[key])) for key, item in table.items()}


def hides(name: str, value: Any, choices: Collection[Any] = ()) -> bool:
    """Whether the value of a setting may be a secret, for the setting's name; one of its choices is none."""
    return names_secret(name) and not (isinstance(value, str) and value in choices)


def _table(table: Mapping[Any, Any], *, hide: bool) -> dict[str, Any]:
    return {str(key): safe(item, hide=hide or names_secret(str(key))) for key, item in table.items()}


def safe(value: Any, *, hide: bool) -> Any:
    """A value of a configuration, or of a plugin's setting, as plain values without secrets.

    Args:
        value: any; a ``Secret`` is its reference, an object of a program's own its class.
        hide: mask texts unless they are references to secrets.
    """
    if isinstance(value, Secret):
        return _text(value.reference, hide=True)
    if isinstance(value, str | ProxyURL):
        return _text(value if isinstance(value, str) else value.url, hide=hide)
    if isinstance(value, bool | int | float) and (isinstance(value, float) or value.bit_length() <= MOST_BITS):
        return value
    if isinstance(value, Mapping):
        return _table(value, hide=hide)
    if isinstance(value, list | tuple | set | frozenset):
        return [safe(item, hide=hide) for item in value]
    return _other(value)


def _other(value: Any) -> str:
    from datetime import date, time

    return value.isoformat() if isinstance(value, date | time) else f"<{type(value).__name__}>"


def _text(text: str, *, hide: bool) -> str:
    if hide or _LOOKS.match(text):
        return text if _is_reference(text) else MASK
    text = _USER.sub(f"{MASK}@", text)
    return scrub(_QUERY.sub(_pair, text))


def _pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}={MASK if names_secret(pair[1]) or len(pair[2]) > LONG else pair[2]}"


def _is_reference(text: str) -> bool:
    try:
        Secret(text)
    except ValueError:
        return False
    return True
