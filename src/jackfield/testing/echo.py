"""Echo: a provider that answers with what it was asked, always in the same way; for tests and documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import BadRequestError
from jackfield.flow import Deliver, Flow
from jackfield.hookspecs import hookimpl
from jackfield.models.base import UNSET
from jackfield.models.chunks import (
    ChatCompletionChunkChoice,
    ChatCompletionStreamResponseDelta,
    CreateChatCompletionStreamResponse,
)
from jackfield.models.models import Model
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import (
    ChatCompletionChoice,
    ChatCompletionResponseMessage,
    CompletionUsage,
    CreateChatCompletionResponse,
)

CREATED = 1700000000
"""Seconds since 1970 at which every answer says it was made."""


@attrs.define(eq=False)
class Echo:
    """Answer with the text of the last user message, deterministically and without a network.

    Tokens are counted as words. ``max_completion_tokens`` (or ``max_tokens``) cuts the answer to that many words, with
    the finish reason ``length``. Streams end with the usage, whether it was asked for or not.

    Attributes:
        prefix: stands before the text.
        chunk_size: characters in each chunk of a stream; 0 makes a chunk of each word.
        models: names that are listed; any model name is answered.
    """

    prefix: str = ""
    chunk_size: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    models: tuple[str, ...] = attrs.field(default=("echo",), converter=tuple)

    @hookimpl
    def create_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse | None]:
        """The text of the last user message, whole or in chunks."""
        del call
        text, finish_reason = self._answer(request)
        identity: dict[str, Any] = {
            "id": f"chatcmpl-echo-{len(request.messages)}",
            "created": CREATED,
            "model": request.model,
        }
        usage = _usage(request, text)
        if request.stream is not True:
            message = ChatCompletionResponseMessage(content=text)
            choice = ChatCompletionChoice(message=message, finish_reason=finish_reason)
            return CreateChatCompletionResponse(**identity, choices=[choice], usage=usage)
        for chunk in self._chunks(text, finish_reason, identity):
            yield Deliver([chunk])
        yield Deliver([CreateChatCompletionStreamResponse(**identity, choices=[], usage=usage)], last=True)
        return None

    @hookimpl
    def list_models(self) -> list[Model]:
        """The configured names."""
        return [Model(id=name, created=CREATED, owned_by="jackfield") for name in self.models]

    def _answer(self, request: CreateChatCompletionRequest) -> tuple[str, str]:
        text = self.prefix + _last_user_text(request)
        limit = request.max_tokens if request.max_completion_tokens is UNSET else request.max_completion_tokens
        words = _words(text)
        if isinstance(limit, int) and len(words) > limit:
            return "".join(words[:limit]).rstrip(), "length"
        return text, "stop"

    def _chunks(
        self, text: str, finish_reason: str, identity: dict[str, Any]
    ) -> Iterator[CreateChatCompletionStreamResponse]:
        size = self.chunk_size
        pieces = [text[at : at + size] for at in range(0, len(text), size)] if size else _words(text)
        first = ChatCompletionStreamResponseDelta(role="assistant", content="")
        deltas = [first, *(ChatCompletionStreamResponseDelta(content=piece) for piece in pieces)]
        for delta in deltas:
            yield CreateChatCompletionStreamResponse(**identity, choices=[ChatCompletionChunkChoice(delta=delta)])
        end = ChatCompletionChunkChoice(finish_reason=finish_reason)
        yield CreateChatCompletionStreamResponse(**identity, choices=[end])


def _last_user_text(request: CreateChatCompletionRequest) -> str:
    for message in reversed(request.messages):
        if message.role == "user":
            return _text(getattr(message, "content", ""))
    raise BadRequestError("messages: expected one of the user", param="messages", status_code=400)


def _text(content: Any) -> str:
    """The text of a message's content; parts that are no text are left out."""
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content or () if getattr(part, "type", None) == "text")


def _words(text: str) -> list[str]:
    """Words with the blanks that follow them; joined, they are the text."""
    import re

    return re.findall(r"\s*\S+\s*|\s+", text)


def _usage(request: CreateChatCompletionRequest, answer: str) -> CompletionUsage:
    prompt = sum(len(_text(getattr(message, "content", "")).split()) for message in request.messages)
    completion = len(answer.split())
    return CompletionUsage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)
