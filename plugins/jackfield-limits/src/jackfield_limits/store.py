"""Store: where limits are counted, as layers use it: by flows, never blocking, also where Redis does not answer."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Literal

from jackfield.call import Call
from jackfield.errors import APIError, DeadlineExceededError
from jackfield.flow import Flow, Run
from jackfield.secret import Secret
from jackfield_limits.memory import Memory
from jackfield_limits.operations import Notice, Question

if TYPE_CHECKING:
    from jackfield_limits.redis_store import RedisStore

MOST_NOTICES = 10_000
"""Notices that wait to be sent; of more the oldest are dropped, which are those that soon count no more."""
AT_ONCE = 100
"""Notices that one question takes along."""


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
        self._notices: deque[Notice] = deque(maxlen=MOST_NOTICES)

    @property
    def shared(self) -> bool:
        """Whether it is Redis."""
        return self._url is not None

    def ask(self, question: Question, call: Call) -> Flow[Any]:
        """Flow: do an operation, and give what it gives; None where Redis failed and calls shall pass all the same.

        Raises:
            APIError: Redis failed; its code is ``limit_store``.
            ConfigError: the reference to its URL leads nowhere.
        """
        if self._url is None:
            return self._memory.perform(question, call.clock())
        failure, answer = yield Run(self._blocking, question)
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
        with contextlib.suppress(DeadlineExceededError):  # Run went on all the same
            yield Run(self._blocking, notice)

    def later(self, notice: Notice, call: Call) -> None:
        """Do an operation now, or, since Redis needs I/O, together with the next question."""
        if self._url is None:
            self._memory.perform(notice, call.clock())
        elif not notice.idle:
            self._notices.append(notice)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._redis is not None:
                self._redis.close()
                self._redis = None

    # -- in a Run ------------------------------------------------------------------------------------------------

    def _blocking(self, operation: Any) -> tuple[str | None, Any]:
        """Do an operation, after those that were left for later: what kind of failure there was, and the answer."""
        from jackfield_limits.redis_store import StoreFailure

        assert self._url is not None  # noqa: S101 - nothing blocks without Redis
        try:
            store = self._connected(self._url)
            self._catch_up(store)
            return None, self._attempt(store, operation)
        except StoreFailure as error:
            if str(error) == "AuthenticationError":
                self.close()  # the next question reads the URL anew
            return str(error), None

    def _catch_up(self, store: RedisStore) -> None:
        """Do what was left for later."""
        left: deque[Notice] = deque()
        with contextlib.suppress(IndexError):  # other threads take from it too
            while len(left) < AT_ONCE:
                left.append(self._notices.popleft())
        try:
            while left:
                self._attempt(store, left.popleft())
        finally:
            self._notices.extend(left)

    def _attempt(self, store: RedisStore, operation: Any) -> Any:
        from jackfield_limits.redis_store import StoreFailure

        try:
            return store.perform(operation)
        except StoreFailure:
            # It may have been done. What gives back is not done twice, lest there be more room than there is.
            if getattr(operation, "repeatable", False):
                self._notices.append(operation)
            raise

    def _connected(self, url: Secret) -> RedisStore:
        from jackfield_limits.redis_store import RedisStore

        with self._lock:
            if self._redis is None:
                self._redis = RedisStore(url.read(), self._timeout)
            return self._redis
