# ruff: noqa: F403 - for type checkers; each module names in __all__ what is taken
"""The wire types of POST /chat/completions and GET /models: immutable attrs values, with the names of OpenAI's schema.

Their modules are imported when a name is first asked for: a plain text call needs few of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jackfield.models.base import UNSET, UnsetType, WireValue

if TYPE_CHECKING:
    from jackfield.models.chunks import *
    from jackfield.models.enums import *
    from jackfield.models.fields import *
    from jackfield.models.formats import *
    from jackfield.models.logprobs import *
    from jackfield.models.messages import *
    from jackfield.models.models import *
    from jackfield.models.moderation import *
    from jackfield.models.options import *
    from jackfield.models.parts import *
    from jackfield.models.request import *
    from jackfield.models.response import *
    from jackfield.models.toolcalls import *
    from jackfield.models.toolchoice import *
    from jackfield.models.tools import *
else:  # a checker would believe that every name exists

    def __getattr__(name: str) -> Any:
        """The wire type of that name; imports its module."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value


_NAMES = {
    "chunks": (
        "AudioDelta ChatCompletionChunkChoice ChatCompletionMessageToolCallChunk "
        "ChatCompletionStreamResponseDelta CreateChatCompletionStreamResponse CustomCallDelta "
        "FunctionCallDelta"
    ),
    "enums": (
        "AudioFormat FinishReason GrammarSyntax ImageDetail InputAudioFormat Modality ModerationMode "
        "PromptCacheMode PromptCacheRetention PromptCacheTTL ReasoningEffort Role SearchContextSize "
        "ServiceTier ToolChoiceMode Verbosity Voice"
    ),
    "fields": "CallFields Message RequestFields",
    "formats": (
        "JsonSchemaFormat ResponseFormat ResponseFormatJsonObject ResponseFormatJsonSchema ResponseFormatText "
        "UnknownResponseFormat"
    ),
    "logprobs": "ChatCompletionLogprobs ChatCompletionTokenLogprob TopLogprob",
    "messages": (
        "AssistantAudio ChatCompletionRequestAssistantMessage ChatCompletionRequestDeveloperMessage "
        "ChatCompletionRequestFunctionMessage ChatCompletionRequestMessage ChatCompletionRequestSystemMessage "
        "ChatCompletionRequestToolMessage ChatCompletionRequestUserMessage UnknownMessage"
    ),
    "models": "ErrorObject ErrorResponse Model ModelList",
    "moderation": (
        "ChatCompletionModeration ChatCompletionModerationError ChatCompletionModerationResults "
        "ModerationOutcome ModerationResultBody UnknownModeration"
    ),
    "options": (
        "ChatCompletionAudioParam ChatCompletionStreamOptions CustomVoice ModerationConfigParam "
        "ModerationParam ModerationPolicyParam Prediction PredictionContent PromptCacheOptionsParam "
        "UnknownPrediction WebSearchLocation WebSearchOptions WebSearchUserLocation"
    ),
    "parts": (
        "ChatCompletionRequestAssistantMessageContentPart ChatCompletionRequestDeveloperMessageContentPart "
        "ChatCompletionRequestMessageContentPartAudio ChatCompletionRequestMessageContentPartFile "
        "ChatCompletionRequestMessageContentPartImage ChatCompletionRequestMessageContentPartRefusal "
        "ChatCompletionRequestMessageContentPartText ChatCompletionRequestSystemMessageContentPart "
        "ChatCompletionRequestToolMessageContentPart ChatCompletionRequestUserMessageContentPart ImageURL "
        "InputAudio InputFile PromptCacheBreakpointParam UnknownContentPart"
    ),
    "request": "CreateChatCompletionRequest",
    "response": (
        "ChatCompletionAnnotation ChatCompletionAudio ChatCompletionChoice ChatCompletionResponseMessage "
        "CompletionTokensDetails CompletionUsage CreateChatCompletionResponse PromptTokensDetails URLCitation "
        "attach_call"
    ),
    "toolcalls": (
        "AnyToolCall ChatCompletionMessageCustomToolCall ChatCompletionMessageToolCall CustomCall "
        "FunctionCall UnknownToolCall"
    ),
    "toolchoice": (
        "ChatCompletionAllowedTools ChatCompletionAllowedToolsChoice ChatCompletionFunctionCallOption "
        "ChatCompletionNamedToolChoice ChatCompletionNamedToolChoiceCustom ChatCompletionToolChoiceOption "
        "ToolName UnknownToolChoice"
    ),
    "tools": (
        "AnyTool ChatCompletionFunctions ChatCompletionTool CustomToolChatCompletions CustomToolFormat "
        "CustomToolGrammar CustomToolGrammarFormat CustomToolProperties CustomToolTextFormat FunctionObject "
        "UnknownCustomToolFormat UnknownTool"
    ),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = ["UNSET", "UnsetType", "WireValue", *_HOMES]  # noqa: PLE0604 - a test checks the names


def __dir__() -> list[str]:
    return __all__
