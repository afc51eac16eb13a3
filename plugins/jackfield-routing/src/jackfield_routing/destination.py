"""Destination: where a model name leads."""

from __future__ import annotations

from typing import NamedTuple

from jackfield.call import Call
from jackfield.errors import NotFoundError
from jackfield.http import Origin


class Destination(NamedTuple):
    """A model of a backend.

    Attributes:
        backend: its name.
        model: the backend's own name of it.
        origin: of the backend, where it has one. After a reload that changes it, the destination is another one.
    """

    backend: str
    model: str
    origin: Origin | None = None


def destination(name: str, call: Call) -> Destination | None:
    """Where a name leads from the layer that runs; None where it leads nowhere."""
    if call.destination is None:  # a hook that is driven by hand
        return Destination("", name)
    try:
        route, model = call.destination(name)
    except NotFoundError:
        return None
    return Destination(route.backend.name, model, route.backend.origin)
