# ruff: noqa: PYI051 - any string is allowed; the known values are there for editors
"""Enumerated strings. All are open: a value that is not listed here is kept, in requests and in replies.

At run time each is ``str``; the known values are for editors and type checkers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

__all__ = [
    "AudioFormat",
    "FinishReason",
    "GrammarSyntax",
    "ImageDetail",
    "InputAudioFormat",
    "Modality",
    "ModerationMode",
    "PromptCacheMode",
    "PromptCacheRetention",
    "PromptCacheTTL",
    "ReasoningEffort",
    "Role",
    "SearchContextSize",
    "ServiceTier",
    "ToolChoiceMode",
    "Verbosity",
    "Voice",
]

if TYPE_CHECKING:
    AudioFormat: TypeAlias = Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"] | str
    FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"] | str
    GrammarSyntax: TypeAlias = Literal["lark", "regex"] | str
    ImageDetail: TypeAlias = Literal["auto", "low", "high"] | str
    InputAudioFormat: TypeAlias = Literal["wav", "mp3"] | str
    Modality: TypeAlias = Literal["text", "audio"] | str
    ModerationMode: TypeAlias = Literal["score", "block"] | str
    PromptCacheMode: TypeAlias = Literal["implicit", "explicit"] | str
    PromptCacheRetention: TypeAlias = Literal["in_memory", "24h"] | str
    PromptCacheTTL: TypeAlias = Literal["30m"] | str
    ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | str
    Role: TypeAlias = Literal["developer", "system", "user", "assistant", "tool", "function"] | str
    SearchContextSize: TypeAlias = Literal["low", "medium", "high"] | str
    ServiceTier: TypeAlias = Literal["auto", "default", "flex", "scale", "priority", "fast"] | str
    ToolChoiceMode: TypeAlias = Literal["none", "auto", "required"] | str
    Verbosity: TypeAlias = Literal["low", "medium", "high"] | str
    Voice: TypeAlias = (
        Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"] | str
    )
else:
    AudioFormat = FinishReason = GrammarSyntax = ImageDetail = InputAudioFormat = Modality = ModerationMode = str
    PromptCacheMode = PromptCacheRetention = PromptCacheTTL = ReasoningEffort = Role = SearchContextSize = str
    ServiceTier = ToolChoiceMode = Verbosity = Voice = str
