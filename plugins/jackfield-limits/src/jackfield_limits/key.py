"""Key: whose limit a call counts against."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import quote

from jackfield.call import Call

LABEL = "label:"
LONGEST = 100
"""Characters; what is longer stands in a key by its hash."""


def key(kind: str, name: str, per: Sequence[str], model: str, call: Call) -> str:
    """The key of a call: calls with one key share a limit.

    Args:
        kind: of the limit.
        name: that the configuration gave it.
        per: ``model`` and ``label:NAME``; a call without that label has an empty one.
        model: name, as the layer sees it.
        call: the host's.
    """
    parts = [model if part == "model" else str(call.labels.get(part.removeprefix(LABEL), "")) for part in per]
    return ":".join([kind, *map(_part, [name, *parts])])


def _part(text: str) -> str:
    quoted = quote(text, safe="/", errors="replace")
    return quoted if len(quoted) <= LONGEST else blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()
