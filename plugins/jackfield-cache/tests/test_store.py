"""The guard before a store: nothing of its failures comes into a call."""

from __future__ import annotations

import attrs
import pytest

from jackfield.redaction import remember
from jackfield_cache.store import Guard


@attrs.define(eq=False)
class Broken:
    """Fails as it is told."""

    error: BaseException | None
    closed: int = 0

    def get(self, key, within):
        if self.error is not None:
            raise self.error
        return b"found"

    def put(self, key, answer, within):
        self.get(key, within)

    def close(self):
        self.closed += 1


def test_no_secret_is_in_a_warning(told):
    """Whatever a library repeats."""
    remember("canary-secret-value")
    Guard(lambda: Broken(OSError("no canary-secret-value here"))).get("k", 1.0)

    assert told() == ["the cache is skipped: it cannot be read: OSError: no *** here"]


def test_each_kind_of_failure_is_told_once(told):
    """That it cannot be read is one thing, that it cannot be written another."""
    store = Broken(OSError("a"))
    guard = Guard(lambda: store)
    for error in (OSError("a"), OSError("b"), ValueError("c"), OSError("d")):
        store.error = error
        for deed in (lambda: guard.get("k", 1.0), lambda: guard.put("k", b"", 1.0)):
            guard._resting = float("-inf")
            assert deed() is None

    assert [text.removeprefix("the cache is skipped: it cannot be ") for text in told()] == [
        "read: OSError: a",
        "written: OSError: a",
        "read: ValueError: c",
        "written: ValueError: c",
    ]


def test_an_interrupt_is_no_failure_of_the_store():
    """It belongs to the host."""
    guard = Guard(lambda: Broken(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        guard.get("k", 1.0)


def test_it_is_made_once_and_closed_once():
    """When it is first needed; after that there is none."""
    made = []

    def make():
        made.append(Broken(None))
        return made[-1]

    guard = Guard(make)
    assert made == []
    assert [guard.get("k", 1.0) for _ in range(3)] == [b"found"] * 3
    guard.close()
    guard.close()

    assert guard.get("k", 1.0) is None
    assert [store.closed for store in made] == [1]


def test_what_fails_because_it_was_closed_is_not_told(told):
    """A client that is closed while calls run warns of nothing."""

    @attrs.define(eq=False)
    class Closing(Broken):
        def get(self, key, within):
            guard.close()
            return super().get(key, within)

    guard = Guard(lambda: Closing(ValueError("I/O operation on closed file")))

    assert guard.get("k", 1.0) is None
    assert told() == []
