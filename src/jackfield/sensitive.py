"""Sensitive: names of settings, headers and fields whose values are secrets, or are likely to be."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from jackfield.redaction import remember

SENSITIVE = frozenset(
    {"authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "x-auth-token"}
)
"""Names of headers whose values are secrets, whoever set them."""
_ANYWHERE = re.compile(
    r"token(?!i[sz])|assertion|passw|passphrase|secret|credential|authori[sz]ation|api_?key|cookie|bearer|signature"
)
_WORDS = frozenset({"key", "keys", "auth", "pass", "pwd", "pw", "sig", "value"})
_HARMLESS = frozenset({"url", "uri", "file", "path", "name", "id", "endpoint", "scope"})
"""Last words of names that only speak of a secret: ``token_url``, ``client_secret_name``."""
_NAMES_A_CALL = "idempotency_key"
"""A key that opens nothing: it tells one call from another."""


def names_secret(name: str) -> bool:
    """Whether a setting or header of this name is likely to hold a secret."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", name).lower().strip("_")
    if words.rpartition("_")[2] in _HARMLESS or words.endswith(_NAMES_A_CALL):
        return False
    return _ANYWHERE.search(words) is not None or not _WORDS.isdisjoint(words.split("_"))


def remember_credentials(values: Mapping[str, Any], *, pinned: bool = False) -> None:
    """Have the values of headers, or of other fields, whose names tell that they are secrets, scrubbed from now on.

    Also what they are without their scheme, and the password in a value of ``Basic`` (RFC 7617).

    Args:
        values: by name.
        pinned: they stand in a configuration, see ``remember``.
    """
    for name, value in values.items():
        if isinstance(value, str) and (name.lower() in SENSITIVE or names_secret(name)):
            remember(value, pinned=pinned)
            scheme, _, rest = value.rpartition(" ")
            remember(rest, pinned=pinned)
            if scheme.lower() == "basic":
                with suppress(ValueError):  # it is none
                    remember(b64decode(rest + "===").decode("utf-8", "replace").partition(":")[2], pinned=pinned)
