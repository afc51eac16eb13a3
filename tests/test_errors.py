"""The tree of errors."""

from __future__ import annotations

import copy
import pickle

import pytest

import jackfield
from engine_fakes import answer
from jackfield import errors
from jackfield.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    CallCancelled,
    CallError,
    ClientClosedError,
    ConfigError,
    DeadlineExceededError,
    Fault,
    JackfieldError,
    PluginError,
    StreamInterruptedError,
    ValidationError,
    status_error,
)
from jackfield.redaction import remember

CANARY = "sk-errors-canary-42"
ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, JackfieldError) and value is not JackfieldError
]


@pytest.fixture(autouse=True)
def _known_secret():
    remember(CANARY)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_error_is_public_documented_and_a_jackfield_error(cls):
    """A host can catch each by its name."""
    assert getattr(jackfield, cls.__name__) is cls
    assert cls.__doc__


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_error_scrubs_known_secrets_when_it_is_made(cls):
    """Text from outside is scrubbed by value, in message, str and repr."""
    error = cls(f"key {CANARY} refused")
    assert CANARY not in str(error) + repr(error) + error.message
    assert "***" in error.message


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_every_error_can_be_pickled_and_copied(cls, again):
    """An error goes whole to another process."""
    error = cls("broken")
    if isinstance(error, APIError):
        error.status_code, error.request_id, error.retry_after = 503, "req", 2.5
    other = again(error)
    assert type(other) is cls
    assert str(other) == str(error)
    assert {name: value for name, value in vars(other).items() if name != "faults"} == {
        name: value for name, value in vars(error).items() if name != "faults"
    }


def test_details_of_an_api_error_are_kept_and_scrubbed():
    """What the backend told is on the error; texts of it are scrubbed, the excerpt is cut."""
    error = APIStatusError(
        "HTTP 429", code=CANARY, type=CANARY, param=CANARY, request_id=CANARY, status_code=429, retry_after=1.5,
        should_retry=True, body_excerpt=CANARY + "x" * 5000,
    )  # fmt: skip
    assert (error.code, error.type, error.param, error.request_id) == ("***",) * 4
    assert (error.status_code, error.retry_after, error.should_retry, error.stage) == (429, 1.5, True, "answered")
    assert len(error.body_excerpt) == 2048
    assert CANARY not in repr(vars(error))
    assert not error.retry_budget_exhausted


def test_an_api_error_without_details_has_none():
    """What the backend did not tell is None."""
    error = APIError("x")
    details = (error.code, error.type, error.param, error.request_id, error.status_code, error.body_excerpt)
    assert details == (None,) * 6
    assert (error.backend, error.model, error.attempts) == (None, None, ())


@pytest.mark.parametrize(
    ("cls", "stage"),
    [
        (APIError, "answered"),
        (APIStatusError, "answered"),
        (APIConnectionError, "ambiguous"),
        (APITimeoutError, "ambiguous"),
    ],
)
def test_how_far_a_request_came_is_guessed_safely(cls, stage):
    """A broken connection may have carried the request out, unless it is known better."""
    assert cls("x").stage == stage
    assert cls("x", stage="not_sent").stage == "not_sent"


@pytest.mark.parametrize("cls", [DeadlineExceededError, ClientClosedError, PluginError, ConfigError, ValidationError])
def test_what_no_other_try_can_mend_is_no_api_error(cls):
    """A layer's ``except APIError`` never sees it."""
    assert not issubclass(cls, APIError)


def test_deadline_and_closed_client_say_what_they_are_without_a_message():
    """The usual text need not be written at every place."""
    assert str(DeadlineExceededError()) == "the deadline of the call has passed"
    assert str(ClientClosedError()) == "the client is closed"
    assert issubclass(ClientClosedError, CallError)


def test_a_validation_error_is_a_value_error():
    """Hosts that check values catch it as they would any."""
    assert issubclass(ValidationError, ValueError)


def test_call_cancelled_is_no_exception():
    """``except Exception`` in a layer does not swallow a cancellation."""
    assert not issubclass(CallCancelled, Exception)


def test_a_partial_response_stays_with_the_error():
    """What had arrived is told, and survives pickling."""
    error = StreamInterruptedError("cut", partial=answer("half"), code="idle")
    again = pickle.loads(pickle.dumps(error))
    assert again.partial == answer("half")
    assert again.code == "idle"
    assert StreamInterruptedError("cut").partial is None


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (302, "UnexpectedRedirectError"),
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (409, "ConflictError"),
        (418, "APIStatusError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (529, "InternalServerError"),
    ],
)
def test_each_status_has_its_class(status, name):
    """Names are those that users of OpenAI's library know."""
    assert status_error(status).__name__ == name


def test_a_config_error_lists_all_faults():
    """The message has each fault with its place; one alone stands without a headline."""
    faults = [
        Fault("backends.x", "expected a table", file="j.toml", line=3, hint="did you mean y?"),
        Fault("", "no file", file="k.toml"),
        Fault("a.b", "wrong"),
    ]
    error = ConfigError(faults)
    assert str(error).splitlines() == [
        "3 faults in the configuration:",
        "  j.toml:3: backends.x: expected a table (did you mean y?)",
        "  k.toml: no file",
        "  a.b: wrong",
    ]
    assert error.faults == tuple(faults)
    assert str(ConfigError("just this")) == "just this"
    assert repr(faults[2]) == "<Fault a.b: wrong>"


def test_a_fault_is_scrubbed():
    """A wrong value that is quoted may be a key."""
    assert CANARY not in str(Fault("a", f"expected a table, got {CANARY}"))


def test_faults_are_told_in_the_order_of_files_and_lines() -> None:
    """Files as they first come; of one line, or without any, in the order in which they were found."""
    faults = [
        Fault("e", "five", file="b", line=10),
        Fault("a", "one", file="a", line=3),
        Fault("d", "four", file="b", line=9),
        Fault("c", "three", file="b"),
        Fault("b", "two", file="a", line=3),
        Fault("z", "last"),
    ]
    assert [fault.path for fault in ConfigError(faults).faults] == ["c", "d", "e", "a", "b", "z"]
