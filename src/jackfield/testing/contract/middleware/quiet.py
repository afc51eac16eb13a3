"""Checks of quiet: a middleware does nothing to the world outside but by effects, and ends when it is closed."""

from __future__ import annotations

import contextvars
import functools
import logging
import os
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jackfield.testing.contract.middleware.audit import watched
from jackfield.testing.contract.middleware.calls import modes
from jackfield.testing.contract.middleware.onion import Onion, onion
from jackfield.testing.contract.middleware.source import FAILING, WELL
from jackfield.testing.contract.middleware.subject import Subject, told
from jackfield.testing.contract.middleware.tape import Tape
from jackfield.testing.contract.middleware.trial import MODES, Trial, ask

ENVIRONMENT, DIRECTORY = "the environment", "the working directory"
LEVEL, HANDLERS = "the level of the root logger", "the handlers of the root logger"
NO_IO = "a hook never blocks and does no I/O: it yields Send, Read, Sleep or Run"
CURRENT = "PYTEST_CURRENT_TEST"
PATIENCE = 5.0
"""Seconds that a plugin's threads have to end."""


def surroundings() -> dict[str, Any]:
    """What a plugin shares with the host."""
    root = logging.getLogger()
    variables = {f"the context variable {name.name}": value for name, value in contextvars.copy_context().items()}
    return {
        ENVIRONMENT: dict(os.environ),
        DIRECTORY: os.getcwd(),
        LEVEL: root.level,
        HANDLERS: list(root.handlers),
        "the filters of warnings": list(warnings.filters),
        **variables,
    }


@contextmanager
def kept() -> Iterator[None]:
    """Put back what a plugin changes, so that the next test sees it changed again."""
    before = surroundings()
    try:
        yield
    finally:
        after = surroundings()
        for name in set(os.environ) - set(before[ENVIRONMENT]) - {CURRENT}:
            del os.environ[name]
        os.environ.update({name: value for name, value in before[ENVIRONMENT].items() if name != CURRENT})
        os.chdir(before[DIRECTORY])
        root = logging.getLogger()
        root.setLevel(before[LEVEL])
        for handler in set(after[HANDLERS]) - set(before[HANDLERS]):
            root.removeHandler(handler)


def calls(layers: Onion, mode: str) -> None:
    """Calls of all kinds: answered, failed, taken down."""
    for acts in ((WELL,), (FAILING, WELL)):
        layers.source.acts = acts
        Trial(layers, "", ask(mode=mode)).run()
        one = Trial(layers, "", ask(mode=mode))
        if one.on(2):
            one.cancel()
    layers.source.acts = (WELL,)


def close(subject: Subject, instance: Any) -> None:
    """Close an instance as a client does."""
    if instance not in subject.opened:
        return
    try:
        subject.close(instance)
    except Exception as error:  # noqa: BLE001 - whatever the plugin raised
        subject.fail(f"raised {told(error)} in close", wants="close releases what the plugin holds, and raises nothing")


def did(subject: Subject, mode: str) -> list[str]:
    """What hooks do to the world outside in some calls."""
    events: list[str] = []
    layers = onion(subject, tape=Tape(subject, guard=functools.partial(watched, events)))
    calls(layers, mode)  # what is imported when it is first needed is imported now
    events.clear()
    calls(layers, mode)
    return events


def sleepless(subject: Subject) -> None:
    """Fail the test where a hook sleeps: with many calls that would take minutes."""
    for mode in MODES:
        if "time.sleep" in did(subject, mode):
            subject.fail("did time.sleep in a hook", f"{mode} call", wants=NO_IO)


class QuietChecks:
    """What is to be done is yielded; only a driver does it."""

    @modes
    def test_hooks_do_no_io(self, subject: Subject, mode: str) -> None:
        """No hook opens a file or a socket, sleeps, or starts a thread or a process."""
        for event in did(subject, mode):
            subject.fail(f"did {event} in a hook", f"{mode} call", wants=NO_IO)

    def test_host_is_left_as_it_was(self, subject: Subject) -> None:
        """Context variables, the environment, the root logger and the like are the host's."""
        contextvars.Context().run(self._left, subject)  # an empty one: in the test's own it may be set already

    @staticmethod
    def _left(subject: Subject) -> None:
        before = surroundings()
        layers = onion(subject)
        for mode in MODES:
            calls(layers, mode)
        for instance in layers.instances:
            close(subject, instance)
        after = surroundings()
        for name in {**before, **after}:
            if before.get(name) != after.get(name):
                subject.fail(f"changed {name}", "made, used and closed", wants="what the host has is left as it was")

    def test_close_releases(self, subject: Subject) -> None:
        """``close`` raises nothing, used or not, and the plugin's threads end."""
        threads = set(threading.enumerate())
        close(subject, subject.make())
        layers = onion(subject)
        for mode in MODES:
            calls(layers, mode)
        for instance in layers.instances:
            close(subject, instance)
        until = time.monotonic() + PATIENCE
        for thread in set(threading.enumerate()) - threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                subject.fail(f"left the thread {thread.name} running", "closed", wants="close ends what was started")
