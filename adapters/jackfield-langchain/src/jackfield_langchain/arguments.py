"""Arguments: what belongs to a model, to a call or to the configuration, and what of it others may see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from jackfield.config.settings import Place
from jackfield.models.request import CreateChatCompletionRequest

_ADDRESS = "addresses belong to the configuration: base_url of a backend"
_KEY = "keys belong to the configuration: middleware bearer or header of a backend"
_ELSEWHERE = {
    "api_key": _KEY,
    "openai_api_key": _KEY,
    "base_url": _ADDRESS,
    "openai_api_base": _ADDRESS,
    "max_retries": "trying again belongs to the configuration: middleware retry",
}
"""Arguments that other chat models have, and whose place is not here."""
_OWN = frozenset({"max_completion_tokens", "max_tokens", "messages", "model", "stop", "stream", "temperature"})
"""Fields of a request that have an argument of their own, or are of each call."""
_FIELDS = frozenset(CreateChatCompletionRequest.__wire_fields__)
_BESIDES = frozenset({"extra_body", "extra_headers", "labels", "timeout"})


def misplaced(names: Iterable[str]) -> str | None:
    """What is wrong with arguments whose place is the configuration; None where there is none of them."""
    return next((f"{name}: {_ELSEWHERE[name]}" for name in names if name in _ELSEWHERE), None)


def wrong_kwargs(names: Iterable[str]) -> str | None:
    """What is wrong with ``model_kwargs``, which are shown, and so may only be fields of a request; None where nothing.

    What has an argument of its own is none of them: one would win over the other without a word.
    """
    wrong = [name for name in names if name in _OWN or name not in _FIELDS]
    if not wrong:
        return None
    return misplaced(wrong) or f"expected fields of a request that are no arguments here, got {', '.join(wrong)}"


def shown(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call for traces and keys of caches: no headers, and nothing that is no argument.

    Raises:
        TypeError: an argument's place is the configuration.
    """
    if wrong := misplaced(given):
        raise TypeError(wrong)
    told = {name: value if name in _FIELDS | _BESIDES else "***" for name, value in given.items()}
    return {**told, **digest_of_headers(given.get("extra_headers"))}


def digest_of_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """What tells headers from others, without telling them."""
    return {"extra_headers": digest(dict(headers))} if headers else {}


def digest(value: Any) -> str:
    """The SHA-256 of a value, as far as it is of JSON or has fields."""
    text = json.dumps(value, default=_plain, sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Place):  # the same may be written elsewhere
        return None
    fields = getattr(type(value), "__attrs_attrs__", None)
    return str(value) if fields is None else {field.name: getattr(value, field.name) for field in fields}
