"""Tokens: what is counted of the usage that a backend tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jackfield.models import CompletionUsage

MOST = 10**12
"""Tokens of one answer that are believed: any size breaks sums, and what is below zero lets counters go back."""


class Tokens(NamedTuple):
    """What an answer took, each number between 0 and ``MOST``; 0 where the backend does not tell.

    Attributes:
        cached_tokens: of the prompt.
        reasoning_tokens: of the answer.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    reasoning_tokens: int

    @property
    def taken(self) -> int:
        """How many a limit counts: some backends tell no sum."""
        return max(self.total_tokens, self.prompt_tokens + self.completion_tokens)


def tokens(usage: CompletionUsage | None) -> Tokens | None:
    """What is counted of a usage; None of none."""
    if usage is None:
        return None
    return Tokens(
        _believed(usage.prompt_tokens),
        _believed(usage.completion_tokens),
        _believed(usage.total_tokens),
        _believed(getattr(usage.prompt_tokens_details, "cached_tokens", 0)),
        _believed(getattr(usage.completion_tokens_details, "reasoning_tokens", 0)),
    )


def _believed(told: Any) -> int:
    return min(max(told, 0), MOST) if isinstance(told, int) else 0
