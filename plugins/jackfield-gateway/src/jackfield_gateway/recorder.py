"""Recorder: the last calls, and who follows them. Of one event loop."""

from __future__ import annotations

import collections
import contextlib
import itertools
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jackfield.wire import encode
from jackfield_gateway.follower import Follower
from jackfield_gateway.record import Record

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.models import CreateChatCompletionRequest, CreateChatCompletionResponse
    from jackfield_gateway.settings import GatewaySettings

MIB = 1024 * 1024
PIECE = 1 * MIB
"""Bytes of a request, and of a response, which are kept; of a larger one nothing is."""
CONTENT = 64 * MIB
"""Bytes of requests and responses that are kept in all; beyond, the oldest calls lose theirs."""


class Recorder:
    """A ring of the last calls.

    Attributes:
        sequence: of the last call.
        started: seconds since 1970, when the gateway began.
        content: whether prompts and answers are kept.
        held: bytes of them.
    """

    def __init__(self) -> None:
        self._ring: collections.deque[Record] = collections.deque(maxlen=0)
        self._contents: collections.deque[Record] = collections.deque()
        self._followers: set[Follower] = set()
        self._numbers = itertools.count(1)
        self.sequence, self.started, self.content, self.held = 0, time.time(), False, 0

    def begin(self, settings: GatewaySettings) -> None:
        """Keep as many calls, and as much of them, as the settings say, and no more."""
        self._ring = collections.deque(self._ring, maxlen=settings.inspector.calls)
        self.content = settings.inspector.content
        for record in self._ring if not self.content else ():
            record.asked = None
        self._drop()

    def add(self, call: Call, request: CreateChatCompletionRequest) -> Record:
        """A new call."""
        self.sequence = next(self._numbers)
        record = Record(self.sequence, time.time(), call)
        if self.content:
            record.asked = request
        self._ring.append(record)
        if self._followers:
            self._tell(record)
        return record

    def end(self, record: Record, state: str, response: CreateChatCompletionResponse | None) -> None:
        """A call has ended; ``response`` is what it was answered, of a stream that broke what had arrived."""
        if self.content:
            self._keep(record, response)
        record.end(state)
        if self._followers:
            self._tell(record)

    def newest(self) -> Iterator[Record]:
        """The calls, the newest first."""
        return reversed(self._ring)

    def find(self, id_: str) -> Record | None:
        """The call of a request's id, or of its own."""
        return next((record for record in self._ring if id_ in {record.id, record.call_id}), None)

    @contextlib.contextmanager
    def followed(self) -> Iterator[Follower]:
        """Somebody who is told of every change from now on, until the block ends or it is too slow."""
        follower = Follower()
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    def _tell(self, record: Record) -> None:
        for follower in self._followers:
            follower.tell(record)

    def _keep(self, record: Record, response: CreateChatCompletionResponse | None) -> None:
        if record.asked is None or not self._ring or record.sequence < self._ring[0].sequence:
            return  # it has left the ring already
        record.request = _small(encode(record.asked))
        record.response = None if response is None else _small(encode(response))
        self.held += _size(record)
        self._contents.append(record)
        self._drop()

    def _drop(self) -> None:
        """Let go of content that is too much, or of a call that is no longer kept."""
        kept = self._ring and self.content
        oldest = self._ring[0].sequence if kept else self.sequence + 1
        while self._contents and (self.held > CONTENT or self._contents[0].sequence < oldest):
            gone = self._contents.popleft()
            self.held -= _size(gone)
            gone.request = gone.response = None


def _small(data: bytes) -> bytes | None:
    return data if len(data) <= PIECE else None


def _size(record: Record) -> int:
    return len(record.request or b"") + len(record.response or b"")
