"""Usage: tokens by Gemini's counting as tokens by OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.models.response import CompletionTokensDetails, CompletionUsage, PromptTokensDetails
from jackfield_gemini.answer import without

_READ = frozenset(
    {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "cachedContentTokenCount", "totalTokenCount"}
)


def usage(metadata: Mapping[str, Any]) -> CompletionUsage | None:
    """The usage by ``usageMetadata``; None where it is empty.

    What tools of the service gave the model to read is input; thoughts are output, of which Gemini counts them apart.
    A count that is missing is 0.
    """
    if not metadata:
        return None
    prompt = _count(metadata, "promptTokenCount") + _count(metadata, "toolUsePromptTokenCount")
    thoughts = _count(metadata, "thoughtsTokenCount")
    completion = _count(metadata, "candidatesTokenCount") + thoughts
    total = metadata.get("totalTokenCount")
    return CompletionUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion if total is None else total,
        prompt_tokens_details=_prompt(metadata),
        completion_tokens_details=_completion(metadata, thoughts),
        extra=without(metadata, _READ),
    )


def _prompt(metadata: Mapping[str, Any]) -> PromptTokensDetails:
    details = _by_modality(metadata, "promptTokensDetails", "toolUsePromptTokensDetails")
    return PromptTokensDetails(
        cached_tokens=_count(metadata, "cachedContentTokenCount"),
        audio_tokens=details.get("AUDIO"),
        text_tokens=details.get("TEXT"),
        image_tokens=details.get("IMAGE"),
    )


def _completion(metadata: Mapping[str, Any], thoughts: int) -> CompletionTokensDetails:
    details = _by_modality(metadata, "candidatesTokensDetails")
    return CompletionTokensDetails(
        reasoning_tokens=thoughts, audio_tokens=details.get("AUDIO"), text_tokens=details.get("TEXT")
    )


def _count(metadata: Mapping[str, Any], name: str) -> int:
    return metadata.get(name) or 0


def _by_modality(metadata: Mapping[str, Any], *names: str) -> dict[Any, int]:
    tokens: dict[Any, int] = {}
    for name in names:
        for each in metadata.get(name) or ():
            kind = each.get("modality")
            tokens[kind] = tokens.get(kind, 0) + (each.get("tokenCount") or 0)
    return tokens
