"""Middleware of the kinds that people write, small and whole: the contract must let each of them pass."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, ClassVar

import attrs

from jackfield import (
    Acquire,
    APIError,
    BadRequestError,
    ContentFilterError,
    Gate,
    RateLimitError,
    Secret,
    hookimpl,
    to_json,
)
from jackfield.models import (
    ChatCompletionChoice,
    ChatCompletionChunkChoice,
    ChatCompletionResponseMessage,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
)

Chunk = CreateChatCompletionStreamResponse


def _a_word(_: Any, attribute: Any, value: str) -> None:
    if not value.strip():
        raise ValueError(f"{attribute.name}: expected a word")


@attrs.define(eq=False)
class Redactor:
    """Puts a mark in the place of a word, wherever the backend cuts it.

    Attributes:
        word: what is not to be read.
        mark: what is put in its place.
    """

    word: str = attrs.field(validator=_a_word)
    mark: str = "[...]"

    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        choices = [
            attrs.evolve(choice, message=attrs.evolve(choice.message, content=self._redacted(choice.message.content)))
            for choice in response.choices
        ]
        return attrs.evolve(response, choices=choices)

    @hookimpl
    def on_chunk(self, chunk, call):
        return list(self._chunks(chunk, self._held(call)))

    @hookimpl
    def end_of_stream(self, call):
        held = self._held(call)
        return [self._flushed(held, index) for index in list(held)]

    def _held(self, call) -> dict[int, tuple[Chunk, str]]:
        state = call.state if call.attempt is None else call.attempt.state
        return state.setdefault(self, {})

    def _redacted(self, text: str | None) -> str | None:
        return None if text is None else text.replace(self.word, self.mark)

    def _chunks(self, chunk: Chunk, held: dict[int, tuple[Chunk, str]]) -> Iterator[Chunk]:
        choice = chunk.choices[0] if chunk.choices else None
        if choice is None or choice.delta.content is None:
            yield from [self._flushed(held, index) for index in list(held)]
            yield chunk
            return
        text = (held.pop(choice.index, (chunk, ""))[1] + choice.delta.content).replace(self.word, self.mark)
        keep = next((n for n in range(len(self.word) - 1, 0, -1) if text.endswith(self.word[:n])), 0)
        if keep:
            held[choice.index] = chunk, text[-keep:]
            text = text[:-keep]
        changed = attrs.evolve(choice, delta=attrs.evolve(choice.delta, content=text))
        yield attrs.evolve(chunk, choices=[changed])

    @staticmethod
    def _flushed(held: dict[int, tuple[Chunk, str]], index: int) -> Chunk:
        chunk, text = held.pop(index)
        delta = ChatCompletionStreamResponseDelta(content=text)
        return Chunk(
            id=chunk.id,
            created=chunk.created,
            model=chunk.model,
            choices=[ChatCompletionChunkChoice(index=index, delta=delta)],
        )


@attrs.define(eq=False)
class Cache:
    """Answers what was asked before without asking again.

    Attributes:
        size: so many answers are kept.
    """

    size: int = attrs.field(default=64, validator=[attrs.validators.ge(1), attrs.validators.le(10_000)])
    _answers: OrderedDict[str, Any] = attrs.field(init=False, factory=OrderedDict, repr=False)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        key = to_json(attrs.evolve(request, stream=False))
        known = self._answers.get(key)
        if known is not None:
            return known
        response = yield request
        self._answers[key] = response
        while len(self._answers) > self.size:
            self._answers.popitem(last=False)
        return response


@attrs.define(eq=False)
class Fallback:
    """Asks another model where the first one fails.

    Attributes:
        model: its name.
    """

    model: str

    @property
    def model_names(self):
        """The name, by its place."""
        return [(("model",), self.model)]

    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except APIError:
            if call.committed or request.model == self.model:
                raise
            return (yield attrs.evolve(request, model=self.model))


@attrs.define(eq=False)
class Limiter:
    """Lets so many calls through at a time.

    Attributes:
        calls: how many.
    """

    calls: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    _gate: Gate = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._gate = Gate(self.calls)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        yield Acquire(self._gate)
        try:
            return (yield request)
        finally:
            self._gate.release()


@attrs.define(eq=False)
class Bouncer:
    """Refuses what comes while so many calls go on.

    Attributes:
        calls: how many.
    """

    calls: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    _lock: Any = attrs.field(init=False, repr=False, factory=threading.Lock)
    _running: int = attrs.field(init=False, default=0)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        with self._lock:
            if self._running >= self.calls:
                raise RateLimitError("too many calls at once", status_code=429)
            self._running += 1
        try:
            return (yield request)
        finally:
            with self._lock:
                self._running -= 1


@attrs.define(eq=False)
class Signed:
    """Adds a header that shows who asks, to this backend only.

    Attributes:
        key: a reference to the key that signs.
        older: references to keys that signed before, by name.
    """

    backend_only: ClassVar[bool] = True

    key: Secret
    older: dict[str, list[Secret]] = attrs.field(factory=dict)

    @hookimpl
    def wrap_http(self, http_request, call):
        key = yield from self.key.reveal()
        return (yield http_request.with_headers({"x-signature": f"{len(http_request.body)}-{key}"}))


@attrs.define(eq=False)
class Guard:
    """Refuses requests that have one of some words in them.

    Attributes:
        words: what is not to be asked.
    """

    words: list[str]

    @hookimpl
    def wrap_chat_completion(self, request, call):
        if any(word in str(message.content) for message in request.messages for word in self.words):
            raise BadRequestError("that is not to be asked", status_code=400)
        return (yield request)


@attrs.define(eq=False)
class Apology:
    """Answers with an excuse where the backend fails; too many requests are told as such, whatever the status."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except APIError:
            if call.committed:
                raise
            message = ChatCompletionResponseMessage(content="I am sorry.")
            choice = ChatCompletionChoice(message=message, finish_reason="stop")
            return CreateChatCompletionResponse(id="sorry", created=0, model=request.model, choices=[choice])

    @hookimpl
    def wrap_http(self, http_request, call):
        response = yield http_request
        if response.status == 409:
            raise RateLimitError("come back later", status_code=429)
        return response


@attrs.define(eq=False)
class Censor:
    """Fails where an answer has a word in it, as soon as the word has come.

    Attributes:
        word: what is not to be read.
    """

    word: str = attrs.field(validator=_a_word)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        self._look("".join(choice.message.content or "" for choice in response.choices))
        return response

    @hookimpl
    def on_chunk(self, chunk, call):
        said = call.attempt.state.get(self, "") + "".join(choice.delta.content or "" for choice in chunk.choices)
        call.attempt.state[self] = said
        self._look(said)

    def _look(self, text: str) -> None:
        if self.word in text:
            raise ContentFilterError("the answer was withheld", status_code=400)


@attrs.define(eq=False)
class Defaults:
    """Gives each request a temperature, and each HTTP request a body of its own."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield attrs.evolve(request, temperature=0.0))

    @hookimpl
    def wrap_http(self, http_request, call):
        return (yield attrs.evolve(http_request, url="https://mirror.example/v1", body=b"{}"))


@attrs.define(eq=False)
class Worker:
    """Has a thread of its own until it is closed."""

    priorities: ClassVar[list[str]] = ["low", "high"]
    _stop: threading.Event = attrs.field(init=False, repr=False, factory=threading.Event)

    def __attrs_post_init__(self) -> None:
        threading.Thread(target=self._stop.wait, daemon=True).start()

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)

    @hookimpl
    def close(self):
        self._stop.set()
