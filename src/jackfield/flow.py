"""Flows and effects: what a generator may ask a driver to do.

A *flow* is a generator that yields effects and returns a result. Nothing but a driver does I/O, sleeps or awaits; a
flow yields what it wants done and is sent how it went, or the exception is thrown into it.

=========================  ==============================================================================
``yield``                  is sent back
=========================  ==============================================================================
``Send(http_request)``     the ``HttpResponse``, once its head has been read
``Read(http_response)``    the next non-empty block of the body; ``b""`` only at its end
``Deliver(chunks)``        None, once the host wants more
``Sleep(seconds)``         None
``Run(function, *args)``   what the function returned
``Acquire(gate)``          None, once the gate has been entered; leave it with ``gate.release()``
=========================  ==============================================================================

A plugin cannot invent an effect: a new one needs a change in every driver.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from jackfield.gate import Gate
    from jackfield.http import HttpRequest, HttpResponse
    from jackfield.models.chunks import CreateChatCompletionStreamResponse

T = TypeVar("T")
Flow: TypeAlias = Generator[Any, Any, T]
"""A generator that yields effects (and, in a middleware, requests) and returns a ``T``."""


class Effect:
    """A thing to be done. Flows yield it; only a driver does it."""

    __slots__ = ()


@attrs.frozen(eq=False)
class Send(Effect):
    """Send an HTTP request and read the head of its answer.

    A provider's ``Send`` passes through the ``wrap_http`` layers of its backend; any other goes straight to the
    driver. Redirects are not followed and nothing is sent twice. Raises ``APIConnectionError``, ``APITimeoutError``
    or ``DeadlineExceededError``.
    """

    request: HttpRequest


@attrs.frozen(eq=False)
class Read(Effect):
    """Read the next non-empty block of a body, ``b""`` at its end; with ``whole`` everything that is left.

    Args:
        response: one that this flow got from ``Send``.
        whole: read to the end, at most the backend's ``max_response_bytes``.
        within: seconds after which to give up with ``APITimeoutError``; None means the backend's idle limit.
    """

    response: HttpResponse
    whole: bool = False
    within: float | None = None


@attrs.frozen(eq=False)
class Deliver(Effect):
    """Hand chunks to the host. Only a provider yields it; it commits the call.

    Args:
        chunks: at least one, in order.
        last: the block holds the terminal signal: the answer is whole, whatever happens to the connection now.
    """

    chunks: Sequence[CreateChatCompletionStreamResponse]
    last: bool = False


def _seconds(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        raise ValueError(f"seconds: expected a number, got {value!r}")
    return max(0.0, float(value))


@attrs.frozen(eq=False)
class Sleep(Effect):
    """Let ``seconds`` pass; less than 0 counts as 0.

    Raises ``DeadlineExceededError`` at once where they would end after the deadline.
    """

    seconds: float = attrs.field(converter=_seconds)


@attrs.frozen(eq=False, init=False)
class Run(Effect):
    """Call a blocking function: in place by the sync driver, in a sized pool of threads by the async one.

    It is not interrupted: the deadline is checked before and after. What the function uses it must release itself,
    since after a cancellation it may still be running.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.__attrs_init__(function, args)


@attrs.frozen(eq=False)
class Acquire(Effect):
    """Wait until ``gate`` has room and enter it."""

    gate: Gate
