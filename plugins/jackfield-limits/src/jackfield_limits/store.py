"""Store: where limits are counted, as layers use it: by flows, never blocking, also where Redis does not answer."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from jackfield.call import Call
from jackfield.errors import APIError, ConfigError, DeadlineExceededError
from jackfield.flow import Flow, Run
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.secret import Secret
from jackfield_limits.memory import Memory
from jackfield_limits.operations import Notice, Question, StoreFailure
from jackfield_limits.step import Step

if TYPE_CHECKING:
    from jackfield_limits.redis_store import RedisStore

MOST_NOTICES = 10_000
"""Notices that wait to be sent; of more the oldest are dropped, which are those that soon count no more."""
AT_ONCE = 100
"""Notices that one question takes along."""


Settled = Callable[[CreateChatCompletionResponse | None], Notice]
"""From a response, or None, to what sets right what was counted for it."""


def passed(request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse]:
    """Flow of a layer: pass the request inward."""
    response: CreateChatCompletionResponse = yield request
    return response


class Store:
    """Windows, accounts and places, of this process or shared through Redis.

    Args:
        url: of Redis, or None for this process.
        on_failure: ``closed``: where Redis fails, calls fail; ``open``: they pass uncounted.
        timeout: seconds that each step with Redis may take.
    """

    def __init__(self, url: Secret | None, on_failure: Literal["open", "closed"], timeout: float) -> None:
        self._url, self._open, self._timeout = url, on_failure == "open", timeout
        self._memory = Memory()
        self._lock = threading.Lock()
        self._redis: RedisStore | None = None
        self._notices: deque[tuple[int, Notice]] = deque(maxlen=MOST_NOTICES)

    @property
    def shared(self) -> bool:
        """Whether it is Redis."""
        return self._url is not None

    def ask(self, question: Question, call: Call) -> Flow[Any]:
        """Flow: do an operation, and give what it gives; None where Redis failed and calls shall pass all the same.

        Where the call is taken down meanwhile, what was done, or is done all the same, is taken back.

        Raises:
            APIError: Redis failed; its code is ``limit_store``.
            ConfigError: the reference to its URL leads nowhere.
        """
        if self._url is None:
            return self._memory.perform(question, call.clock())
        step = Step(question)
        try:
            failure, answer = yield Run(self._blocking, step)
        except BaseException:
            self._keep(step.leave())
            raise
        if failure is None or self._open:
            return answer
        raise APIError(
            f"the limits cannot be counted: Redis failed ({failure}), and on_store_failure is closed",
            code="limit_store",
            stage="not_sent",
            should_retry=True,
        )

    def tell(self, notice: Notice, call: Call) -> Flow[None]:
        """Flow: do an operation whose failure is no failure of the call, nor takes its time.

        Where the deadline is near, it is done with the next call. Only where yielding is allowed; else see ``later``.
        """
        if self._url is None or notice.idle or call.time_left <= 2 * self._timeout:
            self.later(notice, call)
            return
        step = Step(notice)
        try:
            yield Run(self._blocking, step)
        except (DeadlineExceededError, ConfigError):  # the answer was there in time, and before the URL was not
            self._keep(step.leave())
        except BaseException:
            self._keep(step.leave())
            raise

    def settling(
        self, inside: Flow[CreateChatCompletionResponse], notice: Settled, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Flow: what ``inside`` comes to, and whatever that is, an operation that sets right what was counted for it.

        Args:
            inside: passes the request inward.
            notice: from the response, or None where there is none, to the operation.
            call: the host's.
        """
        try:
            response = yield from inside
        except APIError:
            yield from self.tell(notice(None), call)
            raise
        except BaseException:  # the host left, or the time is over: nothing can be yielded
            self.later(notice(None), call)
            raise
        yield from self.tell(notice(response), call)
        return response

    def later(self, notice: Notice, call: Call) -> None:
        """Do an operation now, or, since Redis needs I/O, together with the next question."""
        if self._url is None:
            self._memory.perform(notice, call.clock())
        elif not notice.idle:
            self._keep(notice)

    def close(self) -> None:
        """Say what is left to say, and close the connections."""
        self._drop(say=True)

    def _keep(self, notice: Notice | None) -> None:
        if notice is not None:
            self._notices.append((os.getpid(), notice))

    # -- in a Run ------------------------------------------------------------------------------------------------

    def _blocking(self, step: Step) -> tuple[str | None, Any]:
        """Do an operation, after those that were left for later: what kind of failure there was, and the answer."""
        assert self._url is not None  # noqa: S101 - nothing blocks without Redis
        failure, answer = None, None
        try:
            store = self._connected(self._url)
            self._catch_up(store)
            if not step.begin():
                return None, None
            answer = self._attempt(store, step.operation)
        except StoreFailure as error:
            failure = str(error)
            if failure == "AuthenticationError":
                self._drop()  # the next question reads the URL anew
        self._keep(step.end(failure, answer))
        return failure, answer

    def _catch_up(self, store: RedisStore) -> None:
        """Do what was left for later, by this process: a fork does not say again what its parent says."""
        left: deque[tuple[int, Notice]] = deque()
        with contextlib.suppress(IndexError):  # other threads take from it too
            while len(left) < AT_ONCE:
                left.append(self._notices.popleft())
        try:
            while left:
                process, notice = left.popleft()
                if process == os.getpid():
                    self._attempt(store, notice)
        finally:
            self._notices.extend(left)

    def _attempt(self, store: RedisStore, operation: Any) -> Any:
        try:
            return store.perform(operation)
        except StoreFailure:
            # It may have been done. What gives back is not done twice, lest there be more room than there is.
            if getattr(operation, "repeatable", False):
                self._keep(operation)
            raise

    def _connected(self, url: Secret) -> RedisStore:
        from jackfield_limits.redis_store import RedisStore

        with self._lock:
            if self._redis is None:
                self._redis = RedisStore(url.read(), self._timeout)
            return self._redis

    def _drop(self, *, say: bool = False) -> None:
        """Close the connections; with ``say``, after what is left to say."""
        with self._lock:
            store, self._redis = self._redis, None
        if store is not None:
            with contextlib.suppress(StoreFailure):
                while say and self._notices:
                    self._catch_up(store)
            store.close()
