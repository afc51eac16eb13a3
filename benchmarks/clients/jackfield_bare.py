"""jackfield without host middleware; the bearer token is still set. Shows what the layers cost."""

from __future__ import annotations

from typing import Any

from clients import jackfield_sync


class Client(jackfield_sync.Client):
    """One client for all calls."""

    layers: list[dict[str, Any]] | None = []  # noqa: RUF012 - read only
