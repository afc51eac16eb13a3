"""What both clients have in common."""

from __future__ import annotations

import pytest

import jackfield
from jackfield.session import Session, interrupted

ECHO = {"default_model": "e/echo", "backends": {"e": {"provider": "echo"}}}
ASK = [{"role": "user", "content": "hello"}]


class Ended:
    """An engine whose call has ended so."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error

    def result(self) -> None:
        """Raise it."""
        if self.error is not None:
            raise self.error


def options(**given):
    return {
        "stream": None,
        "timeout": None,
        "labels": None,
        "extra_headers": None,
        "extra_body": None,
        **given,
    }


def test_a_configuration_may_be_a_file(tmp_path):
    """A path is read as TOML."""
    path = tmp_path / "own.toml"
    path.write_text('default_model = "e/echo"\n[backends.e]\nprovider = "echo"\n', encoding="utf-8")
    with jackfield.Client(path) as client:
        assert client.create_chat_completion(messages=ASK).choices[0].message.content == "hello"


def test_a_profile_may_be_named(tmp_path):
    """``profile=`` lays one of the configuration's profiles over it."""
    profiles = {"loud": {"backends": {"e": {"prefix": "LOUD "}}}}
    with jackfield.Client({**ECHO, "profiles": profiles}, profile="loud") as client:
        assert client.create_chat_completion(messages=ASK).choices[0].message.content == "LOUD hello"


def test_a_call_holds_copies_of_what_the_host_gave():
    """The host's own mappings may change afterwards; names of headers are in lower case."""
    session = Session(ECHO, None, None)
    labels, headers, body = {"a": "1"}, {"X-A": "1"}, {"top_k": 1}
    given = options(labels=labels, extra_headers=headers, extra_body=body, timeout=5)
    engine, request = session.engine(None, {"messages": ASK}, **given)
    for mapping in (labels, headers, body):
        mapping.clear()
    assert request.model == "e/echo"
    assert engine.call.labels == {"a": "1"}
    assert engine.call.extra_headers == {"x-a": "1"}
    assert engine.call.extra_body == {"top_k": 1}
    assert engine.call.deadline == engine.call.started + 5


def test_fields_that_are_wrong_are_told():
    """An unknown keyword, and a value of the wrong type, fail before anything is sent."""
    session = Session(ECHO, None, None)
    with pytest.raises(TypeError, match="temprature"):
        session.engine(None, {"messages": ASK, "temprature": 1}, **options())
    with pytest.raises(jackfield.ValidationError, match="temperature"):
        session.engine(None, {"messages": ASK, "temperature": "hot"}, **options())


def test_no_model_at_all_is_told():
    """Without a default a call has to name its model."""
    two = {"backends": {"e": {"provider": "echo"}, "f": {"provider": "echo"}}}
    with jackfield.Client(two) as client, pytest.raises(jackfield.NotFoundError, match="default_model"):
        client.create_chat_completion(messages=ASK)


def test_only_what_is_no_failure_interrupts_the_host():
    """An error of the call stays with it, an interrupt goes on."""
    interrupted(Ended(None))
    interrupted(Ended(ValueError("of the call")))
    with pytest.raises(KeyboardInterrupt):
        interrupted(Ended(KeyboardInterrupt()))
