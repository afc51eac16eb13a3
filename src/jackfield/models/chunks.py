"""Chunks: the reply of POST /chat/completions as a stream.

msgspec decodes them straight into these classes, so all types here are such as msgspec knows; see ``jackfield.event``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from jackfield.models.base import Array, WireValue, always_written, unread_extra, wire
from jackfield.models.enums import FinishReason, Role, ServiceTier
from jackfield.models.logprobs import ChatCompletionLogprobs
from jackfield.models.response import ChatCompletionAnnotation, CompletionUsage

if TYPE_CHECKING:
    from jackfield.models.moderation import ChatCompletionModeration
else:

    class ChatCompletionModeration:
        """Stands for the class of this name, whose parts are unions, which msgspec leaves to others."""


__all__ = [
    "AudioDelta",
    "ChatCompletionChunkChoice",
    "ChatCompletionMessageToolCallChunk",
    "ChatCompletionStreamResponseDelta",
    "CreateChatCompletionStreamResponse",
    "CustomCallDelta",
    "FunctionCallDelta",
]


@wire(kw_only=True)
class FunctionCallDelta(WireValue):
    """A piece of a function call. OpenAI API schema ``ChatCompletionMessageToolCallChunk.function``.

    Attributes:
        name: of the function, once.
        arguments: the next piece of the JSON text.
    """

    name: str | None = None
    arguments: str | None = None


@wire(kw_only=True)
class CustomCallDelta(WireValue):
    """A piece of a call of a custom tool; sent, but not in OpenAI's schema.

    Attributes:
        name: of the tool, once.
        input: the next piece of the text.
    """

    name: str | None = None
    input: str | None = None


@wire(kw_only=True)
class ChatCompletionMessageToolCallChunk(WireValue):
    """A piece of a tool call. OpenAI API schema ``ChatCompletionMessageToolCallChunk``.

    Attributes:
        index: which call of the message this belongs to.
        id, type: of the call, once.
        function, custom: a piece of it.
    """

    index: int = 0
    id: str | None = None
    type: str | None = None
    function: FunctionCallDelta | None = None
    custom: CustomCallDelta | None = None


@wire(kw_only=True)
class AudioDelta(WireValue):
    """A piece of speech; sent, but not in OpenAI's schema.

    Attributes:
        id: of the answer, once.
        data: the next piece of the sound, in base64.
        transcript: the next words.
        expires_at: seconds since 1970, once.
    """

    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


@wire(kw_only=True)
class ChatCompletionStreamResponseDelta(WireValue):
    """What a chunk adds to an answer. OpenAI API schema ``ChatCompletionStreamResponseDelta``.

    Attributes:
        role: once.
        content, refusal: the next piece of the text.
        tool_calls: pieces of calls.
        function_call: deprecated; see ``tool_calls``.
        audio: a piece of speech.
        annotations: notes on the content; not in OpenAI's schema.
        reasoning_content, reasoning: the next piece of the model's thoughts; not OpenAI's.
    """

    role: Role | None = None
    content: str | None = None
    refusal: str | None = None
    tool_calls: Array[ChatCompletionMessageToolCallChunk] | None = None
    function_call: FunctionCallDelta | None = None
    audio: AudioDelta | None = None
    annotations: Array[ChatCompletionAnnotation] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


@wire(kw_only=True)
class ChatCompletionChunkChoice(WireValue):
    """What a chunk adds to one of ``n`` answers. OpenAI API schema ``CreateChatCompletionStreamResponse.choices[]``.

    Attributes:
        index: 0 for the first answer.
        delta: what is added.
        logprobs: of the tokens added, where asked for.
        finish_reason: why the model ended; None until it has.
    """

    index: int = 0
    delta: ChatCompletionStreamResponseDelta = attrs.field(factory=ChatCompletionStreamResponseDelta)
    logprobs: ChatCompletionLogprobs | None = None
    finish_reason: FinishReason | None = always_written()


@wire(kw_only=True)
class CreateChatCompletionStreamResponse(WireValue):
    """One chunk of a stream. OpenAI API schema ``CreateChatCompletionStreamResponse``.

    Attributes:
        id, created, model: the same in all chunks of a stream.
        object: ``chat.completion.chunk``.
        choices: what is added; empty where the chunk only tells the usage.
        usage: tokens, in the last chunk, where asked for.
        service_tier: that was used.
        system_fingerprint: deprecated; stands for the server's configuration.
        obfuscation: padding, so that the length tells less.
        moderation: of input and output, where asked for.
        metadata: as in a whole reply; not in OpenAI's schema.
    """

    id: str = ""
    object: str = "chat.completion.chunk"
    created: int = 0
    model: str = ""
    choices: Array[ChatCompletionChunkChoice] = ()
    usage: CompletionUsage | None = None
    service_tier: ServiceTier | None = None
    system_fingerprint: str | None = None
    obfuscation: str | None = None
    moderation: ChatCompletionModeration | None = None
    metadata: Mapping[str, str] | None = None

    @property
    def raw(self) -> bytes | None:
        """The JSON text of the event that this was decoded from; None for a chunk that was made or changed otherwise.

        It may hold line breaks: an event's data may have several lines.
        """
        unread = unread_extra(self)
        return unread if isinstance(unread, bytes) else None
