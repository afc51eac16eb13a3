"""Errors: what a recording could not take, and what it does not have. No layer that tries again looks for them."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.errors import CallError


class RecordingError(CallError):
    """A recording cannot be read, or an exchange was not written: something in it looks like a secret, say."""


class ReplayMissError(CallError):
    """The recording has no answer to a request.

    It is no ``APIError``: a retry or a fallback would hide it, and no backend failed.

    Attributes:
        nearest: number of the recorded exchange that is nearest, from 1; None where there is none.
        differences: what differs from that one, a line each.
    """

    def __init__(self, message: str, *, nearest: int | None = None, differences: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.nearest, self.differences = nearest, tuple(differences)
