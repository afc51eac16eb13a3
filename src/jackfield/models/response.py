"""The reply of POST /chat/completions, whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from jackfield.models.base import UNSET, Array, WireValue, always_written, wire
from jackfield.models.enums import FinishReason, ServiceTier

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.models.logprobs import ChatCompletionLogprobs
    from jackfield.models.messages import ChatCompletionRequestAssistantMessage
    from jackfield.models.moderation import ChatCompletionModeration
    from jackfield.models.toolcalls import AnyToolCall, FunctionCall

__all__ = [
    "ChatCompletionAnnotation",
    "ChatCompletionAudio",
    "ChatCompletionChoice",
    "ChatCompletionResponseMessage",
    "CompletionTokensDetails",
    "CompletionUsage",
    "CreateChatCompletionResponse",
    "PromptTokensDetails",
    "URLCitation",
    "attach_call",
]


@wire(kw_only=True)
class URLCitation(WireValue):
    """A page that the answer cites. OpenAI API schema ``ChatCompletionResponseMessage.annotations[].url_citation``.

    Attributes:
        start_index, end_index: the characters of the answer that cite it.
        url, title: of the page.
    """

    start_index: int | None = None
    end_index: int | None = None
    url: str = ""
    title: str | None = None


@wire(kw_only=True)
class ChatCompletionAnnotation(WireValue):
    """A note on the answer. OpenAI API schema ``ChatCompletionResponseMessage.annotations[]``.

    Attributes:
        type: ``url_citation``, or a kind that jackfield does not know.
        url_citation: None for other kinds; what they hold is in ``extra``.
    """

    type: str = "url_citation"
    url_citation: URLCitation | None = None


@wire(kw_only=True)
class ChatCompletionAudio(WireValue):
    """What the model said. OpenAI API schema ``ChatCompletionResponseMessage.audio``.

    Attributes:
        id: to be named in later requests.
        expires_at: seconds since 1970; later requests may name it until then.
        data: the sound, in base64.
        transcript: the words.
    """

    id: str = ""
    expires_at: int | None = None
    data: str = ""
    transcript: str = ""


@wire(kw_only=True)
class ChatCompletionResponseMessage(WireValue):
    """What the model answered. OpenAI API schema ``ChatCompletionResponseMessage``.

    Attributes:
        role: ``assistant``.
        content: the text; None where there is none (tool calls, refusal, audio).
        refusal: the text with which the model refused.
        tool_calls: tools that the model called.
        annotations: notes on the content.
        audio: where the model spoke.
        function_call: deprecated; see ``tool_calls``.
        reasoning_content, reasoning: the model's thoughts, under the names that other servers give them; not OpenAI's.
    """

    role: str = "assistant"
    content: str | None = always_written()
    refusal: str | None = always_written()
    tool_calls: Array[AnyToolCall] | None = None
    annotations: Array[ChatCompletionAnnotation] | None = None
    audio: ChatCompletionAudio | None = None
    function_call: FunctionCall | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None

    def to_request_message(self) -> ChatCompletionRequestAssistantMessage:
        """The same as a message of the next request; annotations are left out, audio becomes a reference to it."""
        from jackfield.models.messages import AssistantAudio, ChatCompletionRequestAssistantMessage

        return ChatCompletionRequestAssistantMessage(
            content=self.content,
            refusal=UNSET if self.refusal is None else self.refusal,
            audio=UNSET if self.audio is None else AssistantAudio(id=self.audio.id),
            tool_calls=self.tool_calls or UNSET,
            function_call=UNSET if self.function_call is None else self.function_call,
            reasoning_content=UNSET if self.reasoning_content is None else self.reasoning_content,
            reasoning=UNSET if self.reasoning is None else self.reasoning,
            extra=self.extra,
        )


@wire(kw_only=True)
class ChatCompletionChoice(WireValue):
    """One of ``n`` answers. OpenAI API schema ``CreateChatCompletionResponse.choices[]``.

    Attributes:
        index: 0 for the first.
        message: the answer.
        logprobs: of the tokens, where asked for.
        finish_reason: why the model ended; None where the server does not tell.
    """

    index: int = 0
    message: ChatCompletionResponseMessage
    logprobs: ChatCompletionLogprobs | None = always_written()
    finish_reason: FinishReason | None = always_written()


@wire(kw_only=True)
class PromptTokensDetails(WireValue):
    """Tokens of the prompt by kind. OpenAI API schema ``CompletionUsage.prompt_tokens_details``."""

    cached_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None
    cache_write_tokens: int | None = None


@wire(kw_only=True)
class CompletionTokensDetails(WireValue):
    """Tokens of the answer by kind. OpenAI API schema ``CompletionUsage.completion_tokens_details``."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


@wire(kw_only=True)
class CompletionUsage(WireValue):
    """What a completion took, in tokens. OpenAI API schema ``CompletionUsage``.

    Attributes:
        prompt_tokens, completion_tokens, total_tokens: 0 where the server does not tell.
        prompt_tokens_details, completion_tokens_details: by kind, where the server tells.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: PromptTokensDetails | None = None
    completion_tokens_details: CompletionTokensDetails | None = None


@wire(kw_only=True)
class CreateChatCompletionResponse(WireValue):
    """What a backend answered. OpenAI API schema ``CreateChatCompletionResponse``.

    Attributes:
        id: empty where the server gives none.
        object: ``chat.completion``.
        created: seconds since 1970; 0 where the server does not tell.
        model: that answered, by the server's own name for it.
        choices: the answers.
        usage: tokens, where the server tells.
        service_tier: that was used.
        system_fingerprint: deprecated; stands for the server's configuration.
        metadata: as the request gave it.
        moderation: of input and output, where asked for.
    """

    id: str = ""
    object: str = "chat.completion"
    created: int = 0
    model: str = ""
    choices: Array[ChatCompletionChoice]
    usage: CompletionUsage | None = None
    service_tier: ServiceTier | None = None
    system_fingerprint: str | None = None
    metadata: Mapping[str, str] | None = None
    moderation: ChatCompletionModeration | None = None
    _call: Call | None = attrs.field(default=None)

    @property
    def call(self) -> Call | None:
        """What it took: the call of the host, with its attempts; None for a response that no client returned.

        It is no part of the value: not compared, not shown, not written, not pickled.
        """
        return self._call


def attach_call(response: CreateChatCompletionResponse, call: Call) -> None:
    """Have ``response.call`` tell what it took. Only the client does this."""
    response.__dict__["_call"] = call
