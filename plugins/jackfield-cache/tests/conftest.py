"""What the tests of the cache share: a backend that counts, questions, and a cache with a file of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from jackfield.call import Call
from jackfield.flow import Deliver, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import ScriptedDriver, plan, run_call
from jackfield.wire import build_request, from_dict
from jackfield_cache import Cache


def answer(text: str = "Because.", finish_reason: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """A whole answer, as a service sends it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {"id": "a-1", "created": 7, "model": "m-1", "choices": [choice], "usage": usage, "x_new": [1], **fields}


def pieces(text: str) -> list[dict[str, Any]]:
    """The same as the chunks of a stream."""
    head = {"id": "a-1", "created": 7, "model": "m-1", "object": "chat.completion.chunk"}
    deltas = [{"role": "assistant", "content": ""}, *({"content": letter} for letter in text)]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return [*chunks, {**head, "choices": [], "usage": usage}]


@attrs.define(eq=False)
class Backend:
    """Counts what it is asked, and answers with a number: no two answers are the same.

    Attributes:
        change: what becomes of an answer, given as a dict.
        before: called before each answer; what it raises is raised.
        broken: raise this in the middle of each stream.
        pause: seconds that it takes.
    """

    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda whole: whole
    before: Callable[[int], None] = lambda number: None
    broken: Exception | None = None
    pause: float = 0.0
    asked: list[CreateChatCompletionRequest] = attrs.field(init=False, factory=list)
    _lock: Any = attrs.field(init=False, factory=threading.Lock)

    @hookimpl
    def create_chat_completion(self, request: CreateChatCompletionRequest, call: Call) -> Any:
        with self._lock:
            self.asked.append(request)
            number = len(self.asked)
        if self.pause:
            yield Sleep(self.pause)
        self.before(number)
        text = f"Answer {number}."
        if request.stream is not True:
            return from_dict(self.change(answer(text)), CreateChatCompletionResponse)
        chunks = [from_dict(piece, CreateChatCompletionStreamResponse) for piece in pieces(text)]
        for chunk in chunks[:-1]:
            yield Deliver([chunk])
            if self.broken is not None:
                raise self.broken
        yield Deliver(chunks[-1:], last=True)
        return None


@attrs.define(eq=False)
class Bench:
    """A host with a cache, whose calls take no time.

    Attributes:
        cache: itself.
        backend: that it stands before.
        driver: of the last call.
    """

    cache: Cache
    backend: Backend
    outside: list[object] = attrs.field(factory=list)
    inside: list[object] = attrs.field(factory=list)
    backends: dict[str, object] = attrs.field(factory=dict)
    driver: ScriptedDriver = attrs.field(init=False, factory=ScriptedDriver)
    _plan: Any = attrs.field(init=False, default=None)

    def ask(self, request: CreateChatCompletionRequest | None = None, **about: Any) -> CreateChatCompletionResponse:
        """Make a call; ``about`` are fields of the request, or of the call: labels, extra_headers, extra_body."""
        call = {name: about.pop(name) for name in ("labels", "extra_headers", "extra_body", "timeout") if name in about}
        if self._plan is None:
            layers = [*self.outside, self.cache, *self.inside]
            self._plan = plan(self.backend, middleware=layers, backends=self.backends)
        self.driver = ScriptedDriver()
        return run_call(self._plan, question(**about) if request is None else request, self.driver, **call)

    def says(self, **about: Any) -> str:
        """The text of an answer."""
        return self.ask(**about).choices[0].message.content or ""

    @property
    def streamed(self) -> str:
        """What the host was given by chunks in the last call."""
        deltas = (choice.delta for chunk in self.driver.delivered for choice in chunk.choices)
        return "".join(delta.content or "" for delta in deltas)


def question(**fields: Any) -> CreateChatCompletionRequest:
    """A request that may be answered from the cache."""
    messages = [{"role": "user", "content": "Why?"}]
    return build_request({"model": "m", "messages": messages, "temperature": 0, **fields})


@pytest.fixture
def make_cache(tmp_path):
    """Makes caches, of one file unless told, and closes them."""
    made = []

    def make(**settings: Any) -> Cache:
        where = {} if "url" in settings else {"path": str(tmp_path / "cache.sqlite3")}
        cache = Cache(**{**where, **settings})
        made.append(cache)
        return cache

    yield make
    for cache in made:
        cache.close()


@pytest.fixture
def make_bench(make_cache):
    """Makes a host with a cache; what is no setting of the cache is the bench's own."""

    def make(backend: Backend | None = None, **about: Any) -> Bench:
        own = {name: about.pop(name) for name in ("outside", "inside", "backends") if name in about}
        return Bench(make_cache(**about), backend or Backend(), **own)

    return make


@pytest.fixture
def told(caplog):
    """Gives what was logged."""
    caplog.set_level(logging.WARNING, logger="jackfield.cache")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def kit():
    """The names that the tests need of this file, which they cannot import."""
    from types import SimpleNamespace

    return SimpleNamespace(Backend=Backend, Bench=Bench, answer=answer, pieces=pieces, question=question)
