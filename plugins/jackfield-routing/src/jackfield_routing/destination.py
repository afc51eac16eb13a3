"""Destination: where a model name leads."""

from __future__ import annotations

from jackfield.call import Call
from jackfield.errors import NotFoundError

Destination = tuple[str, str]
"""Name of a backend, and its own name of a model."""


def destination(name: str, call: Call) -> Destination | None:
    """Where a name leads from the layer that runs; None where it leads nowhere."""
    if call.destination is None:  # a hook that is driven by hand
        return "", name
    try:
        route, model = call.destination(name)
    except NotFoundError:
        return None
    return route.backend.name, model
