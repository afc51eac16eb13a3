"""Verdict: the one line by which a check of the kit fails."""

from __future__ import annotations

from typing import NoReturn

import pytest

from jackfield.redaction import scrub

LONGEST = 400
"""Characters of what is told of a plugin in one line."""


def one_line(value: object, longest: int = LONGEST) -> str:
    """A text, or the repr of anything else, in one line, without secrets."""
    line = " ".join(scrub(value if isinstance(value, str) else repr(value)).split())
    return line if len(line) <= longest else f"{line[:longest]}…"


def fail(who: str, did: str, place: str, wants: str, *, rule: str = "the contract") -> NoReturn:
    """Fail the test by one line.

    Args:
        who: the plugin, or the server.
        did: what it did.
        place: where, ``""`` for nowhere in particular.
        wants: what it should have done.
        rule: who wants it.
    """
    where = f" ({place})" if place else ""
    pytest.fail(f"{who} {one_line(did)}{where}; {rule}: {wants}", pytrace=False)
