"""Checks of positions: a middleware works wherever a configuration puts it."""

from __future__ import annotations

import pytest

from jackfield.testing.contract.middleware.calls import answered, modes
from jackfield.testing.contract.middleware.chunks import compare
from jackfield.testing.contract.middleware.faults import interrupted
from jackfield.testing.contract.middleware.judge import judge
from jackfield.testing.contract.middleware.onion import POSITIONS, fits
from jackfield.testing.contract.middleware.source import FAILING, WELL, Act
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.trial import trial

positions = pytest.mark.parametrize("position", POSITIONS)


class PositionChecks:
    """Outermost, innermost, between others, of the host, of a backend, twice, beside itself with other settings."""

    @modes
    @positions
    def test_position(self, subject: Subject, position: str, mode: str) -> None:
        """There it keeps the rules of outcomes: of answers, of failures, of calls that are taken down."""
        if not fits(subject, position):
            pytest.skip("it belongs to one backend")
        well = trial(subject, mode, position=position)
        answered(well)
        if mode == "streamed":
            compare(well)
        for acts, where in (((FAILING,), "failing"), ((FAILING, WELL), "failing once")):
            one = trial(subject, mode, where, acts=acts, position=position)
            one.run()
            judge(one)
        if mode == "streamed":
            one = trial(subject, mode, "broken after 2 chunks", acts=[Act(interrupted, 2)], position=position)
            one.run()
            judge(one)
        for effects in (0, 1, 3):
            one = trial(subject, mode, f"cancelled at effect {effects + 1}", position=position)
            if one.on(effects):
                one.cancel()
            judge(one)
