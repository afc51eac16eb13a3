"""Identity: the id of a call of a function, where the service gave none."""

from __future__ import annotations

_MADE = "call_made_"
"""Begins the ids that were made here, so that none of them is ever sent."""
_LONGEST = 24
"""Characters of the answer's id that are taken: other services take ids of 40 characters at most."""


def made(response_id: str, choice: int, number: int) -> str:
    """The id of a call: the same whenever the answer is read, whole or as a stream.

    Args:
        response_id: of the answer.
        choice: index of the choice.
        number: of the call in it.
    """
    return f"{_MADE}{response_id[:_LONGEST]}_{choice}_{number}"


def given(identity: str) -> str | None:
    """The id as the service gave it, or another service; None where it was made here."""
    return None if not identity or identity.startswith(_MADE) else identity
