"""Providers that lose a part of what the service or the host said, each another one."""

from __future__ import annotations

import time
from typing import Any

import attrs

from jackfield import HttpRequest, hookimpl
from jackfield.models import UNSET, CreateChatCompletionResponse, CreateChatCompletionStreamResponse
from jackfield.reader import StreamReader
from jackfield.wire import decode_chunk, from_dict, to_dict
from jackfield_openai import OpenAIProvider


class _Reading(OpenAIProvider):
    """Reads something else than what came."""

    def decode(self, body: bytes) -> CreateChatCompletionResponse:
        return from_dict(self.changed(to_dict(super().decode(body))), CreateChatCompletionResponse)

    def reader(self, request: Any, max_line_bytes: int) -> StreamReader:
        def decode(data: Any) -> CreateChatCompletionStreamResponse:
            return from_dict(self.changed(to_dict(decode_chunk(data))), CreateChatCompletionStreamResponse)

        return StreamReader(decode, max_line_bytes=max_line_bytes, choices=request.n or 1)

    def changed(self, said: dict[str, Any]) -> dict[str, Any]:
        """An answer, or a chunk, as it is read."""
        return said


@attrs.define(eq=False)
class Stopped(_Reading):
    """Says that every answer ended by itself."""

    def changed(self, said: dict[str, Any]) -> dict[str, Any]:
        for choice in said["choices"]:
            choice["finish_reason"] = choice.get("finish_reason") and "stop"
        return said


@attrs.define(eq=False)
class Forgetful(_Reading):
    """Reads no piece of a tool call but the first."""

    def changed(self, said: dict[str, Any]) -> dict[str, Any]:
        for choice in said["choices"]:
            calls = choice["delta"].get("tool_calls") or []
            choice["delta"]["tool_calls"] = [call for call in calls if call["function"].get("name")]
        return said


@attrs.define(eq=False)
class Tupled(_Reading):
    """Reads the models into what is no list."""

    def decode_models(self, body: bytes) -> Any:
        return tuple(super().decode_models(body))


@attrs.define(eq=False)
class Whole(OpenAIProvider):
    """Asks for a whole answer where a stream was asked for."""

    @hookimpl
    def create_chat_completion(self, request: Any, call: Any) -> Any:
        return (yield from OpenAIProvider.create_chat_completion(self, attrs.evolve(request, stream=None), call))


@attrs.define(eq=False)
class Sleeper(OpenAIProvider):
    """Waits a little before each request, on whatever thread it is."""

    def encode(self, request: Any, call: Any) -> HttpRequest:
        time.sleep(0.001)
        return super().encode(request, call)


@attrs.define(eq=False)
class Curt(OpenAIProvider):
    """Sends nothing but the last message."""

    def encode(self, request: Any, call: Any) -> HttpRequest:
        return super().encode(attrs.evolve(request, messages=request.messages[-1:]), call)


@attrs.define(eq=False)
class Unlimited(OpenAIProvider):
    """Sends no limit of tokens."""

    def encode(self, request: Any, call: Any) -> HttpRequest:
        return super().encode(attrs.evolve(request, max_tokens=UNSET, max_completion_tokens=UNSET), call)


@attrs.define(eq=False)
class Unstopped(OpenAIProvider):
    """Sends no text at which the answer stops."""

    def encode(self, request: Any, call: Any) -> HttpRequest:
        return super().encode(attrs.evolve(request, stop=UNSET), call)


@attrs.define(eq=False)
class Single(_Reading):
    """Reads no choice but the first."""

    def changed(self, said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "choices": said["choices"][:1]}


@attrs.define(eq=False)
class Narrow(_Reading):
    """Reads no field that it does not know."""

    def changed(self, said: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in said.items() if not name.startswith("x_")}


@attrs.define(eq=False)
class Hoarder(OpenAIProvider):
    """Keeps its first answer for all calls."""

    first: Any = attrs.field(default=None, init=False)

    @hookimpl
    def create_chat_completion(self, request: Any, call: Any) -> Any:
        if self.first is None:
            self.first = yield from OpenAIProvider.create_chat_completion(self, request, call)
        return self.first
