"""Bounded: a function that may block, for so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def bounded(function: Callable[[], T], seconds: float) -> T:
    """The result of a function, or what it raises. One that takes too long is left to itself, in a daemon thread.

    Args:
        function: may block.
        seconds: how long it is waited for.

    Raises:
        TimeoutError: it has not come to an end.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            failures.append(error)

    thread = threading.Thread(target=work, name="jackfield-checkup", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise TimeoutError
    return results[0]
