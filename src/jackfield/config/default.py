"""The configuration that holds where none is written: OpenAI's service by its usual variables, and the local model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jackfield.config.find import Document
from jackfield.config.place import Origin, Path, Places
from jackfield.errors import Fault

NAME = "the built-in default"
"""Stands for the file in places and faults."""
REMEDY = "pip install jackfield-local for a model in this process, or set OPENAI_API_KEY, or write a configuration"
"""The remedy where it names no backend."""
OPENAI_URL = "https://api.openai.com/v1"
LOCAL_MODEL = "local/smollm2"
_OPENAI: Mapping[str, str] = {
    "base_url": "OPENAI_BASE_URL",
    "organization": "OPENAI_ORG_ID",
    "project": "OPENAI_PROJECT_ID",
}
_HEADERS = "OPENAI_CUSTOM_HEADERS"


def builtin(environ: Mapping[str, str], installed: Callable[[str], bool]) -> Document:
    """The built-in default, as far as this environment and what is installed make it up.

    - Backend ``openai`` where ``OPENAI_API_KEY`` or ``OPENAI_BASE_URL`` is set, also if its provider is not installed,
      so that the error names what is missing. ``OPENAI_ORG_ID``, ``OPENAI_PROJECT_ID`` and ``OPENAI_CUSTOM_HEADERS``
      (lines ``name: value``) are honoured; the key is sent by the ``bearer`` middleware.
    - Backend ``local`` where its provider is installed.
    - Middleware ``retry`` where it is installed.
    - ``default_model``: ``openai/$OPENAI_MODEL``; without that variable the local model, but none at all where there is
      a backend ``openai``, so that no host gets its answer from another backend than it thinks.

    A variable that is empty counts as not set.

    Args:
        environ: the environment.
        installed: whether an entry point of this name, of a provider or a middleware, is installed.
    """
    places, faults = Places(NAME), list[Fault]()
    data: dict[str, Any] = {"backends": {}}
    if environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL"):
        data["backends"]["openai"] = _openai(environ, places, faults)
        model = environ.get("OPENAI_MODEL")
        if model:
            data["default_model"] = f"openai/{model}"
            places.put(("default_model",), Origin("OPENAI_MODEL", None, ("default_model",)))
    if installed("local"):
        data["backends"]["local"] = {"provider": "local"}
        if "openai" not in data["backends"]:
            data["default_model"] = LOCAL_MODEL
    if installed("retry"):
        data["middleware"] = [{"use": "retry"}]
    return Document(data, places, faults=tuple(faults))


def _openai(environ: Mapping[str, str], places: Places, faults: list[Fault]) -> dict[str, Any]:
    backend: dict[str, Any] = {"provider": "openai", "base_url": OPENAI_URL}
    for key, variable in _OPENAI.items():
        if environ.get(variable):
            backend[key] = environ[variable]
            _from_variable(places, variable, key)
    if environ.get(_HEADERS):
        backend["headers"] = _headers(environ[_HEADERS], faults)
        _from_variable(places, _HEADERS, "headers")
    if environ.get("OPENAI_API_KEY"):
        backend["middleware"] = [{"use": "bearer", "token": "env:OPENAI_API_KEY"}]
    return backend


def _from_variable(places: Places, variable: str, key: str) -> None:
    path: Path = ("backends", "openai", key)
    places.put(path, Origin(variable, None, path))


def _headers(text: str, faults: list[Fault]) -> dict[str, str]:
    headers = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if name and colon:
            headers[name] = value
        elif line.strip():
            expected = "expected lines of the form name: value"
            faults.append(Fault("backends.openai.headers", expected, file=_HEADERS, line=number))
    return headers
