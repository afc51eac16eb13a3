"""Parts of the contract of middleware that no plugin shows by itself."""

from __future__ import annotations

import logging
import os
import threading
import time

import attrs
import pytest

from jackfield import Secret, hookimpl
from jackfield.testing.contract.middleware.audit import watched
from jackfield.testing.contract.middleware.judge import difference
from jackfield.testing.contract.middleware.quiet import kept
from jackfield.testing.contract.middleware.secrets import MARK, plant, rotate, values
from jackfield.testing.contract.middleware.settings import documented
from jackfield.testing.contract.middleware.source import Source
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.trial import ask
from jackfield.testing.contract.middleware.weight import weight
from jackfield.testing.contract.verdict import one_line
from jackfield.testing.leaks import leaks


@attrs.define(eq=False)
class Keys:
    """Has secrets of several kinds.

    Attributes:
        first, second: from the environment.
        third: from a file, or None: nobody
            needs it.
        fourth:
    """

    first: Secret
    second: Secret
    third: Secret
    fourth: Secret

    @hookimpl
    def on_chunk(self):
        """Leave the chunk."""


def test_secrets_of_the_environment_are_made_up(monkeypatch, tmp_path):
    """A real value is not used, and is put back after the test; what a file or a command has is its own."""
    monkeypatch.setenv("KEY_1", "its-own")
    monkeypatch.delenv("KEY_2", raising=False)
    file = tmp_path / "key"
    file.write_text("of-the-file\n")
    settings = {"first": "env:KEY_1", "second": "env:KEY_2", "third": f"file:{file}", "fourth": "command:echo no"}
    with monkeypatch.context() as test:
        plant(settings, test)
        made_up = [os.environ["KEY_1"], os.environ["KEY_2"]]

        assert values(Subject(Keys, settings)) == [*made_up, "of-the-file"]
        assert all(value.startswith(MARK) and len(value) > 20 for value in made_up)
    assert os.environ["KEY_1"] == "its-own"
    assert "KEY_2" not in os.environ


def test_secrets_are_renewed(monkeypatch):
    """Where keys are renewed, their variables have other values."""
    settings = {"first": "env:KEY_1"}
    plant(settings, monkeypatch)
    planted = os.environ["KEY_1"]
    rotate(settings)

    assert os.environ["KEY_1"].startswith(MARK)
    assert os.environ["KEY_1"] != planted


def test_a_failing_line_shows_no_secret(monkeypatch):
    """Neither what the author has in a variable nor what the kit put there is printed, also where the line is cut."""
    monkeypatch.setenv("KEY_1", "sk-real-4bd1c6e07f")
    settings = {"first": "env:KEY_1"}
    plant(settings, monkeypatch)
    subject = Subject(Keys, settings)
    with pytest.raises(pytest.fail.Exception) as failure:
        subject.fail(
            f"sent GET https://a.example/?key=sk-real-4bd1c6e07f {one_line('x' * 75 + 'sk-real-4bd1c6e07f', 84)}",
            wants="no",
        )

    assert not leaks(str(failure.value.msg), "sk-real-4bd1c6e07f", 4)


def test_only_what_a_thread_itself_does_is_noted():
    """What other threads do meanwhile is nobody's fault."""
    events: list[str] = []
    begin = threading.Event()
    thread = threading.Thread(target=lambda: begin.wait() and time.sleep(0))
    thread.start()
    with watched(events):
        begin.set()
        thread.join()
        with open(os.devnull, "rb"):
            time.sleep(0)

    assert events == ["open", "time.sleep"]


def test_what_a_test_changed_is_put_back():
    """Environment, directory and root logger are afterwards as they were, so that the next test sees a change again."""
    handler, root, level, before = (
        logging.NullHandler(),
        logging.getLogger(),
        logging.getLogger().level,
        dict(os.environ),
    )
    with kept():
        os.environ["NEW"] = "1"
        del os.environ["PATH"]
        root.addHandler(handler)
        root.setLevel(level + 1)

    assert (handler in root.handlers, root.level, dict(os.environ)) == (False, level, before)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "b"}, "id was answer and is b"),
        ({"choices": ()}, "the number of choices was 1 and is 0"),
        ({"extra": {}}, "extra was {'x_answer': {'kept': [1, 2]}} and is {}"),
    ],
)
def test_difference_names_the_field(change, told):
    """The first thing that differs is named by its path."""
    before = Source().whole(ask())

    assert difference(before, attrs.evolve(before, **change)).startswith(told)
    assert difference(before, None).startswith("it was CreateChatCompletionResponse(")


def test_documented_settings_are_those_that_something_is_said_of():
    """Several may share a line; a line that goes on is no other setting; a name alone says nothing."""
    assert documented(Keys) == {"first", "second", "third"}
    assert documented(int) == set()


def test_one_line_is_one_line():
    """What plugins say is put into one line, and cut."""
    assert one_line("a\n  b") == "a b"
    assert one_line(["a\nb"]) == "['a\\nb']"
    assert one_line("abcdef", 3) == "abc…"


def test_weight_counts_what_is_kept_and_not_what_is_pointed_to():
    """Items and characters count; modules, classes, loggers and threads do not; a circle is counted once."""
    circle: list[object] = []
    circle.append(circle)

    assert weight([1, 2, 3]) > weight([1])
    assert weight("x" * 1000) > 1000
    assert weight([os, int, logging.getLogger(), threading.current_thread(), len]) == weight([None] * 5) - weight(None)
    assert weight(circle) == 2
