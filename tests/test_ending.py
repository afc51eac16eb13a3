"""How a call ends: who comes before whom where several things end it."""

from __future__ import annotations

import pytest

from jackfield.ending import Ending
from jackfield.errors import APIError, CallCancelled, ClientClosedError, PluginError, StreamInterruptedError


def test_a_failure_of_a_layer_is_the_hosts_too() -> None:
    """Nothing took the call down: what the outermost layer raised comes out."""
    ending, error = Ending(), APIError("failed")

    assert ending.taken_down(error, "a layer") is error
    assert ending.error(error) is error
    assert ending.cancelled is None


@pytest.mark.parametrize("instead", [None, ClientClosedError()])
def test_a_closed_call_ends_as_who_closed_it_says(instead: ClientClosedError | None) -> None:
    """Whatever the layers made of it; an interruption unless told."""
    ending = Ending()
    cancelled = ending.cancel(instead)

    assert isinstance(cancelled, CallCancelled)
    if instead is None:
        assert isinstance(ending.error(ValueError()), StreamInterruptedError)
    else:
        assert ending.error(ValueError()) is instead


def test_an_interrupt_goes_before_all_else() -> None:
    """The first of them, and before whatever closed the call; the layers get one and the same ``CallCancelled``."""
    ending, first = Ending(), KeyboardInterrupt()
    cancelled = ending.cancel(ClientClosedError())

    assert ending.taken_down(first, "a layer") is cancelled
    assert ending.taken_down(SystemExit(), "a layer") is cancelled
    assert ending.error(cancelled) is first


def test_an_interrupt_takes_a_call_down() -> None:
    """Though nobody closed it."""
    ending, interrupt = Ending(), KeyboardInterrupt()

    assert isinstance(ending.taken_down(interrupt, "a layer"), CallCancelled)
    assert ending.error(CallCancelled()) is interrupt


def test_what_only_the_engine_may_raise_is_a_plugins_fault() -> None:
    """A layer that raises ``CallCancelled`` is named, and takes nothing down."""
    ending = Ending()
    error = ending.taken_down(CallCancelled(), "retry#0")

    assert isinstance(error, PluginError)
    assert error.message.startswith("retry#0: raised CallCancelled")
    assert ending.cancelled is None
