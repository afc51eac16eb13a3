"""Checks of forms: questions and answers are not always one text."""

from __future__ import annotations

import attrs

from jackfield.testing.contract.middleware.answers import FORMS, QUESTIONS, USUAL
from jackfield.testing.contract.middleware.calls import answered, modes
from jackfield.testing.contract.middleware.chunks import compare
from jackfield.testing.contract.middleware.onion import onion
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.trial import Trial, ask, trial


class FormChecks:
    """Content may be parts or None, usage may be left out, and there may be several choices."""

    @modes
    def test_question_of_any_form_is_answered(self, subject: Subject, mode: str) -> None:
        """Content that is a list of parts, or None, passes inward like a text."""
        for name, messages in QUESTIONS.items():
            request = attrs.evolve(ask(mode=mode), messages=messages())
            answered(Trial(onion(subject), f"a question {name}", request))

    @modes
    def test_answer_of_any_form_passes_outward(self, subject: Subject, mode: str) -> None:
        """So does an answer of tool calls alone, without usage, with two choices, or with equal chunks."""
        for form in FORMS:
            if form == USUAL:
                continue
            one = trial(subject, mode, f"an answer {form}", form=form)
            answered(one)
            if mode == "streamed":
                compare(one)
