"""Scope: how far a checkup goes."""

from __future__ import annotations

import attrs

TIMEOUT = 5.0
"""Seconds for each look."""
LIVE_TIMEOUT = 60.0
"""Seconds for a call: a model may have to be loaded first."""


@attrs.frozen
class Scope:
    """What to look at, and for how long.

    Attributes:
        live: ask each backend for one token too; that may cost something.
        offline: use no network, and run no ``command:`` of a secret.
        backends: names of the only ones to look at; empty for all.
        model: whose backend is the only one to look at, and what its call asks for; of a name that middleware shares
            out among models, the backends of them all.
        timeout: seconds for each look; None takes 5, and 60 for a call.
    """

    live: bool = False
    offline: bool = False
    backends: tuple[str, ...] = ()
    model: str | None = None
    timeout: float | None = None

    @property
    def seconds(self) -> float:
        """For each look but a call."""
        return TIMEOUT if self.timeout is None else self.timeout

    @property
    def call_seconds(self) -> float:
        """For a call."""
        return LIVE_TIMEOUT if self.timeout is None else self.timeout
