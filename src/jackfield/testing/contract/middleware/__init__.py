"""MiddlewareContract: the tests that prove that a middleware keeps the contract, whatever happens around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs
import pytest

from jackfield.drivers.scripted import Answer
from jackfield.http import HttpRequest
from jackfield.testing.contract.middleware.calls import CallChecks
from jackfield.testing.contract.middleware.chunks import ChunkChecks
from jackfield.testing.contract.middleware.clients import ClientChecks
from jackfield.testing.contract.middleware.forms import FormChecks
from jackfield.testing.contract.middleware.http import HttpChecks
from jackfield.testing.contract.middleware.patience import guard, patient
from jackfield.testing.contract.middleware.positions import PositionChecks
from jackfield.testing.contract.middleware.quiet import QuietChecks, kept
from jackfield.testing.contract.middleware.secrets import SecretChecks, plant
from jackfield.testing.contract.middleware.settings import SettingsChecks
from jackfield.testing.contract.middleware.source import TEXT
from jackfield.testing.contract.middleware.state import StateChecks
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.values import ValueChecks


@patient
class MiddlewareContract(
    CallChecks,
    ChunkChecks,
    FormChecks,
    ValueChecks,
    PositionChecks,
    StateChecks,
    HttpChecks,
    SettingsChecks,
    SecretChecks,
    QuietChecks,
    ClientChecks,
):
    """Subclass it in your tests, with a fixture ``middleware`` that gives the class and its settings.

    ::

        class TestStopwatch(MiddlewareContract):
            @pytest.fixture
            def middleware(self):
                return Stopwatch, {"unit": "s"}     # as in its TOML table

    What the middleware does on purpose is declared; all else is proved not to happen. A setting of the type ``Secret``
    refers to a variable of the environment, ``env:ANY_NAME``; in a test that has a made-up value, which would be
    found wherever it is shown. The kit has two backends, ``test`` and ``other``, which answer for any model name.

    Attributes:
        repeats: it passes a request inward again after a failure: a retry, a fallback.
        answers: it may end a call without passing the request inward: a cache's answer, a limiter's refusal.
        changes_request: it passes another request inward than it got.
        changes_answer: it returns another answer, or gives other chunks, than it got. Usage, tool calls, finish
            reasons and unknown fields must survive.
        changes_outcome: it makes an answer of a failure, or a failure of its own of an answer or of another failure.
        text: what the backend says; choose one that the middleware has something to do with.
    """

    repeats: ClassVar[bool] = False
    answers: ClassVar[bool] = False
    changes_request: ClassVar[bool] = False
    changes_answer: ClassVar[bool] = False
    changes_outcome: ClassVar[bool] = False
    text: ClassVar[str] = TEXT

    @pytest.fixture
    def middleware(self) -> tuple[type, Mapping[str, Any]]:
        """The class of the middleware, and its settings: to be overridden."""
        pytest.fail(
            f"{type(self).__name__} has no fixture `middleware` that gives a class and its settings", pytrace=False
        )

    def service(self, http_request: HttpRequest) -> Answer | None:
        """What comes back for an HTTP request that the middleware sends by itself, to fetch a token, say.

        Args:
            http_request: any that is not the backend's.

        Returns:
            A ``Reply``, or an exception that is raised; None says that nothing should have been sent.
        """
        del http_request
        return None

    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
        """The middleware, for the checks."""
        try:
            given = request.getfixturevalue("middleware")
        except pytest.FixtureLookupError:  # a plain method
            given = self.middleware()
        plant(given[1], monkeypatch)
        subject = self.subject_of(*given)
        if not subject.loads and not request.node.name.startswith("test_class_is_a_plugin"):
            pytest.skip("the class does not load: test_class_is_a_plugin tells why")
        with kept():
            yield subject
            guard(subject, subject.close_all)

    def subject_of(self, cls: type, settings: Mapping[str, Any]) -> Subject:
        """A class with its settings, and what is declared of it."""
        names = (field.name for field in attrs.fields(Subject))
        return Subject(cls, settings, **{name: getattr(self, name) for name in names if hasattr(type(self), name)})
