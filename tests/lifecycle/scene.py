"""What the tests of the life cycle have in common: a service that echoes, what is open, and layers that keep books."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from fakeserver import DONE, STREAM_HEAD, Exchange, Server, chunked, completion, event, reply
from jackfield import hookimpl


def echo(exchange: Exchange) -> None:
    """Say the last message again: whole, or as a stream of its words."""
    if exchange.method == "GET":
        exchange.send(reply({"object": "list", "data": [{"id": "m", "object": "model"}]}))
        return
    text = exchange.json["messages"][-1]["content"]
    if exchange.json.get("stream"):
        exchange.send(STREAM_HEAD + b"".join(map(chunked, [*map(event, words(text)), event(finish="stop"), DONE, b""])))
    else:
        exchange.send(reply(completion(text)))


def words(text: str) -> list[str]:
    """The words of a text, with their spaces."""
    return [word + " " for word in text.split()]


def ask(text: str) -> list[dict[str, str]]:
    """Messages with one of the user."""
    return [{"role": "user", "content": text}]


@attrs.define
class Books:
    """What the layers of all calls saw."""

    passed: int = 0
    outcomes: list[str] = attrs.field(factory=list)
    calls: list[Any] = attrs.field(factory=list)

    def check(self) -> None:
        """Each request that was passed inward had exactly one outcome, and no layer was found to break a rule."""
        assert self.passed == len(self.outcomes)
        assert [call.faults for call in self.calls if call.faults] == []


def keeper(books: Books) -> type:
    """The class of a middleware that keeps books of the calls that pass it."""

    @attrs.define(eq=False)
    class Keeper:
        @hookimpl
        def wrap_chat_completion(self, request: Any, call: Any) -> Any:
            books.passed += 1
            books.calls.append(call)
            try:
                response = yield request
            except BaseException as error:
                books.outcomes.append(type(error).__name__)
                raise
            books.outcomes.append("response")
            return response

    return Keeper


def until(condition: Callable[[], Any], seconds: float = 10.0) -> bool:
    """Whether the condition comes true within the time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())


def connections(server: Server) -> int:
    """How many connections the server holds open."""
    return sum(thread.is_alive() for thread in list(server.threads))


@contextmanager
def nothing_left(server: Server) -> Iterator[None]:
    """Fails where threads, descriptors or connections are more afterwards than before."""

    def count() -> tuple[int, int, int]:
        gc.collect()
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        return connections(server), threading.active_count(), descriptors

    before = count()
    yield
    assert until(lambda: all(now <= then for now, then in zip(count(), before, strict=True))), (before, count())
