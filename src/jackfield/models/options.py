"""The smaller parameters of a request that are objects: audio, prediction, stream, cache, web search, moderation."""

from __future__ import annotations

from typing import Literal, TypeAlias

from jackfield.models.base import UNSET, Array, UnsetType, WireValue, wire
from jackfield.models.enums import (
    AudioFormat,
    ModerationMode,
    PromptCacheMode,
    PromptCacheTTL,
    SearchContextSize,
    Voice,
)
from jackfield.models.parts import ChatCompletionRequestMessageContentPartText, UnknownContentPart

__all__ = [
    "ChatCompletionAudioParam",
    "ChatCompletionStreamOptions",
    "CustomVoice",
    "ModerationConfigParam",
    "ModerationParam",
    "ModerationPolicyParam",
    "Prediction",
    "PredictionContent",
    "PromptCacheOptionsParam",
    "UnknownPrediction",
    "WebSearchLocation",
    "WebSearchOptions",
    "WebSearchUserLocation",
]


@wire(kw_only=True)
class CustomVoice(WireValue):
    """A voice of one's own. OpenAI API schema ``VoiceIdsOrCustomVoice``, the object."""

    id: str


@wire(kw_only=True)
class ChatCompletionAudioParam(WireValue):
    """How the model is to speak. OpenAI API schema ``CreateChatCompletionRequest.audio``.

    Attributes:
        voice: a name, or a voice of one's own. OpenAI API schema ``VoiceIdsOrCustomVoice``.
        format: of the sound.
    """

    voice: Voice | CustomVoice
    format: AudioFormat


@wire(kw_only=True)
class PredictionContent(WireValue):
    """What most of the answer will be, so that it comes faster. OpenAI API schema ``PredictionContent``.

    Attributes:
        content: text, or text parts.
    """

    type: Literal["content"] = "content"
    content: str | Array[ChatCompletionRequestMessageContentPartText | UnknownContentPart]


@wire(kw_only=True)
class UnknownPrediction(WireValue):
    """A prediction of a kind that jackfield does not know; all but the type is in ``extra``."""

    type: str


Prediction: TypeAlias = PredictionContent | UnknownPrediction
"""What ``prediction`` takes."""


@wire(kw_only=True)
class ChatCompletionStreamOptions(WireValue):
    """Options of a stream. OpenAI API schema ``ChatCompletionStreamOptions``.

    Attributes:
        include_usage: whether a last chunk tells the usage.
        include_obfuscation: whether chunks are padded, so that their length tells less.
    """

    include_usage: bool | UnsetType = UNSET
    include_obfuscation: bool | UnsetType = UNSET


@wire(kw_only=True)
class PromptCacheOptionsParam(WireValue):
    """How the prompt is cached. OpenAI API schema ``PromptCacheOptionsParam``.

    Attributes:
        mode: where breakpoints are set.
        ttl: how long the cache is kept.
    """

    mode: PromptCacheMode | UnsetType = UNSET
    ttl: PromptCacheTTL | UnsetType = UNSET


@wire(kw_only=True)
class WebSearchLocation(WireValue):
    """Where the user is, roughly. OpenAI API schema ``WebSearchLocation``.

    Attributes:
        country: two letters, ISO 3166-1.
        region, city: free text.
        timezone: IANA name.
    """

    country: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET


@wire(kw_only=True)
class WebSearchUserLocation(WireValue):
    """A location and its kind. OpenAI API schema ``CreateChatCompletionRequest.web_search_options.user_location``."""

    type: str = "approximate"
    approximate: WebSearchLocation


@wire(kw_only=True)
class WebSearchOptions(WireValue):
    """How the web is searched. OpenAI API schema ``CreateChatCompletionRequest.web_search_options``.

    Attributes:
        user_location: refines the search.
        search_context_size: how much of the context window the findings may take.
    """

    user_location: WebSearchUserLocation | UnsetType | None = UNSET
    search_context_size: SearchContextSize | UnsetType = UNSET


@wire(kw_only=True)
class ModerationConfigParam(WireValue):
    """What moderation does. OpenAI API schema ``ModerationConfigParam``.

    Attributes:
        mode: ``score`` tells, ``block`` refuses.
    """

    mode: ModerationMode


@wire(kw_only=True)
class ModerationPolicyParam(WireValue):
    """What moderation does with input and output. OpenAI API schema ``ModerationPolicyParam``."""

    input: ModerationConfigParam | UnsetType | None = UNSET
    output: ModerationConfigParam | UnsetType | None = UNSET


@wire(kw_only=True)
class ModerationParam(WireValue):
    """Moderation of input and output. OpenAI API schema ``ModerationParam``.

    Attributes:
        model: that moderates.
        policy: what it does.
    """

    model: str
    policy: ModerationPolicyParam | UnsetType | None = UNSET
