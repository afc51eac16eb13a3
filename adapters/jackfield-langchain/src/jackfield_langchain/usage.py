"""Usage: tokens in LangChain's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

if TYPE_CHECKING:
    from jackfield.models.response import CompletionUsage

_INPUT = {"audio": "audio_tokens", "cache_read": "cached_tokens", "cache_creation": "cache_write_tokens"}
_OUTPUT = {"audio": "audio_tokens", "reasoning": "reasoning_tokens"}


def usage_metadata(usage: CompletionUsage | None) -> UsageMetadata | None:
    """The tokens of a completion; details only where the backend told them, None where it told nothing."""
    if usage is None:
        return None
    return UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens or usage.prompt_tokens + usage.completion_tokens,
        input_token_details=cast("InputTokenDetails", _details(usage.prompt_tokens_details, _INPUT)),
        output_token_details=cast("OutputTokenDetails", _details(usage.completion_tokens_details, _OUTPUT)),
    )


def _details(details: object, names: dict[str, str]) -> dict[str, int]:
    told = {name: getattr(details, field, None) for name, field in names.items()}
    return {name: count for name, count in told.items() if count is not None}
