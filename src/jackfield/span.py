"""Span: what one layer took of a call, for who shows where the time went."""

from __future__ import annotations

import attrs


@attrs.define(eq=False)
class Span:
    """One passage through a layer, or one attempt of a provider. Those of the layers inside lie within it.

    Attributes:
        kind: ``chat`` (a layer around the call), ``provider`` or ``http`` (a layer around an exchange).
        name: the layer's: ``<use>#<position>``, or the provider's.
        backend: whose layer it is; empty for one of the host.
        attempt: number of the attempt in which it began, as in the ledger; 0 before the first.
        started: seconds since the call began.
        ended: the same, of its end; None while it runs.
        outcome: ``success``, or the class name of the error or cancellation that it passed outward; empty until then.
    """

    kind: str
    name: str
    backend: str
    attempt: int
    started: float
    ended: float | None = None
    outcome: str = ""
