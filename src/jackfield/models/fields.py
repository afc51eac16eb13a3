"""The request's fields as keyword arguments, for type checkers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from jackfield.models.enums import (
    Modality,
    PromptCacheRetention,
    ReasoningEffort,
    ServiceTier,
    ToolChoiceMode,
    Verbosity,
)
from jackfield.models.formats import ResponseFormat
from jackfield.models.messages import ChatCompletionRequestMessage
from jackfield.models.options import (
    ChatCompletionAudioParam,
    ChatCompletionStreamOptions,
    ModerationParam,
    Prediction,
    PromptCacheOptionsParam,
    WebSearchOptions,
)
from jackfield.models.response import ChatCompletionResponseMessage
from jackfield.models.toolchoice import ChatCompletionFunctionCallOption, ChatCompletionToolChoiceOption
from jackfield.models.tools import AnyTool, ChatCompletionFunctions

__all__ = ["CallFields", "Message", "RequestFields"]

_Object: TypeAlias = Mapping[str, Any]

Message: TypeAlias = ChatCompletionRequestMessage | ChatCompletionResponseMessage | _Object
"""What a host may give as a message: a value, the message of a reply, or a dict."""


class RequestFields(TypedDict, total=False):
    """Fields of ``CreateChatCompletionRequest`` but for ``messages``, ``model`` and ``stream``.

    Where a field is an object, a wire value and a dict will do.
    """

    audio: ChatCompletionAudioParam | _Object | None
    frequency_penalty: float | None
    function_call: ToolChoiceMode | ChatCompletionFunctionCallOption | _Object
    functions: Sequence[ChatCompletionFunctions | _Object]
    logit_bias: Mapping[str, int] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    metadata: Mapping[str, str] | None
    modalities: Sequence[Modality] | None
    moderation: ModerationParam | _Object | None
    n: int | None
    parallel_tool_calls: bool
    prediction: Prediction | _Object | None
    presence_penalty: float | None
    prompt_cache_key: str | None
    prompt_cache_options: PromptCacheOptionsParam | _Object
    prompt_cache_retention: PromptCacheRetention | None
    reasoning_effort: ReasoningEffort | None
    response_format: ResponseFormat | _Object
    safety_identifier: str | None
    seed: int | None
    service_tier: ServiceTier | None
    stop: str | Sequence[str] | None
    store: bool | None
    stream_options: ChatCompletionStreamOptions | _Object | None
    temperature: float | None
    tool_choice: ChatCompletionToolChoiceOption | _Object
    tools: Sequence[AnyTool | _Object]
    top_logprobs: int
    top_p: float | None
    user: str
    verbosity: Verbosity | None
    web_search_options: WebSearchOptions | _Object


class CallFields(RequestFields, total=False):
    """Keyword arguments of ``create_chat_completion`` but for ``stream``, whose value tells what is returned."""

    messages: Sequence[Message]
    model: str
    timeout: float | None
    labels: Mapping[str, str] | None
    extra_headers: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None
