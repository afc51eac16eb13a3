"""Checks of positions: a middleware works wherever a configuration puts it."""

from __future__ import annotations

import pytest

from jackfield.testing.contract.middleware.calls import answered, modes
from jackfield.testing.contract.middleware.chunks import compare
from jackfield.testing.contract.middleware.faults import interrupted
from jackfield.testing.contract.middleware.judge import judge
from jackfield.testing.contract.middleware.onion import POSITIONS, fits, onion
from jackfield.testing.contract.middleware.source import FAILING, WELL, Act, Source
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.trial import Trial, ask

positions = pytest.mark.parametrize("position", POSITIONS)


def trial(subject: Subject, position: str, mode: str, where: str, *acts: Act) -> Trial:
    """A call that has begun."""
    source = Source(text=subject.text, acts=acts or (WELL,))
    return Trial(onion(subject, source, position=position), where, ask(mode=mode))


class PositionChecks:
    """Outermost, innermost, between others, of the host, of a backend, twice, beside itself with other settings."""

    @modes
    @positions
    def test_position(self, subject: Subject, position: str, mode: str) -> None:
        """There it keeps the rules of outcomes: of answers, of failures, of calls that are taken down."""
        if not fits(subject, position):
            pytest.skip("it belongs to one backend")
        well = trial(subject, position, mode, "")
        answered(well)
        if mode == "streamed":
            compare(well)
        for acts, where in (((FAILING,), "failing"), ((FAILING, WELL), "failing once")):
            one = trial(subject, position, mode, where, *acts)
            one.run()
            judge(one)
        if mode == "streamed":
            one = trial(subject, position, mode, "broken after 2 chunks", Act(interrupted, 2))
            one.run()
            judge(one)
        for effects in (0, 1, 3):
            one = trial(subject, position, mode, f"cancelled at effect {effects + 1}")
            if one.on(effects):
                one.cancel()
            judge(one)
