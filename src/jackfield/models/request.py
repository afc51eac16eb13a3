"""The request of POST /chat/completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from jackfield.models.base import UNSET, Array, UnsetType, WireValue, wire
from jackfield.models.messages import request_messages

if TYPE_CHECKING:
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
    from jackfield.models.toolchoice import ChatCompletionFunctionCallOption, ChatCompletionToolChoiceOption
    from jackfield.models.tools import AnyTool, ChatCompletionFunctions

__all__ = ["CreateChatCompletionRequest"]


@wire(kw_only=True)
class CreateChatCompletionRequest(WireValue):
    """What a backend is asked. OpenAI API schema ``CreateChatCompletionRequest``.

    What is ``UNSET`` is left out. None is sent as null, and allowed where the schema allows null. Ranges and numbers
    are the service's to check.

    Attributes:
        messages: at least one; the message of a reply may stand among them and becomes an assistant message.
        model: its name.
        audio: how the model speaks; needs ``audio`` among the modalities.
        frequency_penalty: -2 to 2; above zero, tokens are the less likely the more often they came.
        function_call: deprecated; see ``tool_choice``.
        functions: deprecated; see ``tools``.
        logit_bias: for each token id, as text, -100 to 100.
        logprobs: whether the reply tells the probability of each token.
        max_completion_tokens: most tokens to generate, those of reasoning included.
        max_tokens: deprecated; see ``max_completion_tokens``.
        metadata: at most 16 pairs, kept with a stored completion.
        modalities: what the model answers with.
        moderation: of input and output.
        n: how many answers, 1 to 128.
        parallel_tool_calls: whether several tools may be called at once.
        prediction: what most of the answer will be.
        presence_penalty: -2 to 2; above zero, tokens that came before are less likely.
        prompt_cache_key: requests with one key share a cache.
        prompt_cache_options: where and how long the prompt is cached.
        prompt_cache_retention: deprecated; see ``prompt_cache_options``.
        reasoning_effort: how long to think.
        response_format: text, JSON, or JSON by a schema.
        safety_identifier: stable, stands for the host's user, at most 64 characters.
        seed: deprecated; asks for the same answer again.
        service_tier: how urgent, and at what price.
        stop: one text, or up to four, at which to end.
        store: whether the service keeps the completion.
        stream: whether the answer comes in chunks.
        stream_options: only with ``stream``.
        temperature: 0 to 2; the higher, the more random.
        tool_choice: whether tools are called, and which.
        tools: that the model may call.
        top_logprobs: 0 to 20 likeliest tokens at each place; needs ``logprobs``.
        top_p: 0 to 1; share of the probability that is considered.
        user: deprecated; see ``safety_identifier`` and ``prompt_cache_key``.
        verbosity: how long the answer is to be.
        web_search_options: how the web is searched.
    """

    messages: Array[ChatCompletionRequestMessage] = attrs.field(converter=request_messages)
    model: str
    audio: ChatCompletionAudioParam | UnsetType | None = UNSET
    frequency_penalty: float | UnsetType | None = UNSET
    function_call: ToolChoiceMode | ChatCompletionFunctionCallOption | UnsetType = UNSET
    functions: Array[ChatCompletionFunctions] | UnsetType = UNSET
    logit_bias: Mapping[str, int] | UnsetType | None = UNSET
    logprobs: bool | UnsetType | None = UNSET
    max_completion_tokens: int | UnsetType | None = UNSET
    max_tokens: int | UnsetType | None = UNSET
    metadata: Mapping[str, str] | UnsetType | None = UNSET
    modalities: Array[Modality] | UnsetType | None = UNSET
    moderation: ModerationParam | UnsetType | None = UNSET
    n: int | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    prediction: Prediction | UnsetType | None = UNSET
    presence_penalty: float | UnsetType | None = UNSET
    prompt_cache_key: str | UnsetType | None = UNSET
    prompt_cache_options: PromptCacheOptionsParam | UnsetType = UNSET
    prompt_cache_retention: PromptCacheRetention | UnsetType | None = UNSET
    reasoning_effort: ReasoningEffort | UnsetType | None = UNSET
    response_format: ResponseFormat | UnsetType = UNSET
    safety_identifier: str | UnsetType | None = UNSET
    seed: int | UnsetType | None = UNSET
    service_tier: ServiceTier | UnsetType | None = UNSET
    stop: str | Array[str] | UnsetType | None = UNSET
    store: bool | UnsetType | None = UNSET
    stream: bool | UnsetType | None = UNSET
    stream_options: ChatCompletionStreamOptions | UnsetType | None = UNSET
    temperature: float | UnsetType | None = UNSET
    tool_choice: ChatCompletionToolChoiceOption | UnsetType = UNSET
    tools: Array[AnyTool] | UnsetType = UNSET
    top_logprobs: int | UnsetType = UNSET
    top_p: float | UnsetType | None = UNSET
    user: str | UnsetType = UNSET
    verbosity: Verbosity | UnsetType | None = UNSET
    web_search_options: WebSearchOptions | UnsetType = UNSET
