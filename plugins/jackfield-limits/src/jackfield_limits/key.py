"""Key: whose limit a call counts against."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import quote

from jackfield.call import Call
from jackfield.errors import NotFoundError

LABEL = "label:"
LONGEST = 100
"""Characters; what is longer stands in a key by its hash."""


def key(kind: str, name: str, per: Sequence[str], model: str, call: Call) -> str:
    """The key of a call: calls with one key share a limit.

    Args:
        kind: of the limit.
        name: that the configuration gave it.
        per: ``backend``, ``model`` and ``label:NAME``; a call without that label has an empty one.
        model: name, as the layer sees it.
        call: the host's.
    """
    return ":".join([kind, _part(name), *(_part(_told(part, model, call)) for part in per)])


def _told(part: str, model: str, call: Call) -> str:
    if part == "model":
        return model
    return _backend(model, call) if part == "backend" else str(call.labels.get(part.removeprefix(LABEL), ""))


def _backend(model: str, call: Call) -> str:
    """The backend that a name leads to, whatever alias it is asked for by; empty where it leads nowhere."""
    if call.destination is None:  # a hook that is driven by hand
        return ""
    try:
        return call.destination(model)[0].backend.name
    except NotFoundError:
        return ""


def _part(text: str) -> str:
    quoted = quote(text, safe="/", errors="replace")
    return quoted if len(quoted) <= LONGEST else blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()
