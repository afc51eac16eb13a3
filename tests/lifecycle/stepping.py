"""Cancels a task at its k-th suspension: the places where asyncio can, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

WHEN = ("at once", "a turn later", "with the result")
"""A task is cancelled as it begins to wait; in the loop's next turn; or when what it waits for is there already."""
WORD = "enough of it"


class Stepped:
    """Awaits a coroutine, and has its task cancelled at the ``k``-th suspension.

    Attributes:
        suspended: how often it was suspended.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], k: int, when: str) -> None:
        self._coroutine, self._k, self._when = coroutine, k, when
        self.suspended = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        wait = self._coroutine.__await__()
        send: Callable[..., Any] = wait.send
        given: Any = None
        while True:
            try:
                future = send(given)
            except StopIteration as stop:
                return stop.value
            self.suspended += 1
            if self.suspended == self._k:
                self._cancel(future)
            try:
                given = yield future
            except BaseException as error:
                send, given = wait.throw, error
            else:
                send = wait.send

    def _cancel(self, future: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._when == "at once":
            task.cancel(WORD)
        elif self._when == "a turn later" or future is None:
            asyncio.get_running_loop().call_soon(task.cancel, WORD)
        else:
            future.add_done_callback(lambda _: task.cancel(WORD))


async def cancelled_at(coroutine: Coroutine[Any, Any, Any], k: int, when: str) -> bool:
    """Whether the coroutine was suspended ``k`` times; then its task was cancelled, and it raised just that."""
    stepped = Stepped(coroutine, k, when)

    async def work() -> Any:
        return await stepped

    task = asyncio.create_task(work())
    await asyncio.wait([task])
    if stepped.suspended < k:
        await task
        return False
    if task.cancelled():
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert caught.value.args == (WORD,)
        return True
    # It may have ended in the very turn in which it was to be cancelled.
    assert when != "at once", task
    await task
    return True
